import { combinedReport } from 'switchboard-local/simulator/combined-report.ts';
import type { ProgressDisplay } from './progress-display.ts';
import { faultCounts, type RunParts } from './run-summary.ts';
import { sumOfTotals } from './running-ingester.ts';
import { StallWatch } from './stall-watch.ts';

const PROGRESS_INTERVAL_MS = 1_000;

/** Events that were received and have not reached the bus. */
export function lagOf({ protocols, pipeline, accounting }: RunParts): number {
  if (isSimulated(protocols)) return protocols.reduce((sum, one) => sum + one.account.ledger.outstanding, 0);
  const { received, copies } = sumOfTotals(pipeline.ingester.totals);
  return Math.max(0, received - copies - pipeline.consumed.duplicates - accounting.published);
}

function isSimulated(protocols: RunParts['protocols']): boolean {
  return protocols.every(({ cloud }) => cloud !== undefined);
}

/** Starts showing progress and stalls. Returns a function that stops it. */
export function showProgress(run: RunParts, display: ProgressDisplay): () => void {
  const { pipeline, accounting, protocols } = run;
  const startedAtMs = performance.now();
  const stalls = new StallWatch(startedAtMs);
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const { connections } = pipeline.ingester;
    const { received, copies } = sumOfTotals(pipeline.ingester.totals);
    const report = isSimulated(protocols)
      ? combinedReport(protocols.map(({ account }) => account.ledger))
      : undefined;
    const lag = lagOf(run);
    display.progress({
      seconds: Math.round((nowMs - startedAtMs) / 1000),
      sent: report?.sent,
      received,
      published: report?.published ?? accounting.published,
      delivered: run.delivery?.delivered,
      duplicates: copies + pipeline.consumed.duplicates,
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
