import type { ProgressDisplay } from './progress-display.ts';
import { faultCounts, type RunParts } from './run-summary.ts';
import { StallWatch } from './stall-watch.ts';

const PROGRESS_INTERVAL_MS = 1_000;

/** Events that were received and have not reached the bus. */
export function lagOf({ cloud, ledger, pipeline, accounting }: RunParts): number {
  if (cloud) return ledger.outstanding;
  const { received, copies } = pipeline.ingester.totals;
  return Math.max(0, received - copies - pipeline.consumed.duplicates - accounting.published);
}

/** Starts to show progress and stalls. Returns a function that stops it. */
export function showProgress(run: RunParts, display: ProgressDisplay): () => void {
  const { pipeline, accounting, ledger, cloud } = run;
  const startedAtMs = performance.now();
  const stalls = new StallWatch(startedAtMs);
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const { totals, connections } = pipeline.ingester;
    const report = ledger.report();
    const lag = lagOf(run);
    display.progress({
      seconds: Math.round((nowMs - startedAtMs) / 1000),
      sent: cloud ? report.sent : undefined,
      received: totals.received,
      published: cloud ? report.published : accounting.published,
      duplicates: totals.copies + pipeline.consumed.duplicates,
      lag,
      connections,
      faults: Object.values(faultCounts(run)).reduce((sum, count) => sum + count, 0),
      errors: pipeline.failures.count,
    });
    const stall = stalls.check(nowMs, accounting.published, lag);
    if (stall === undefined) return;
    const { last } = pipeline.failures;
    display.warn(last === undefined ? stall : `${stall} Last failure of the consumer: ${last}`);
  }, PROGRESS_INTERVAL_MS);
  return () => clearInterval(timer);
}
