import type { LatencySummary } from 'switchboard-local/simulator/latency-histogram.ts';
import type { LedgerReport } from 'switchboard-local/simulator/ledger.ts';
import type { ProgressDisplay } from './progress-display.ts';
import type { ReplayTotals } from './replay.ts';

/** Percentiles in milliseconds. */
interface Latency {
  p50: number;
  p99: number;
  max: number;
}

/** Result of a run, and the JSON that `--json` prints. */
export interface LocalResult {
  /** Events that the simulated cloud sent on a live connection. */
  sent: number;
  /** Events read from sockets, including copies. */
  received: number;
  /** Distinct events on the bus. */
  published: number;
  /** Copies dropped by the ingester and the consumer. */
  duplicates: number;
  /** Messages in the quarantine queue. */
  quarantined: number;
  /** Events sent that are not on the bus. */
  lost: number;
  /** Repeats on the bus that no unknown outcome explains. */
  publishedTwice: number;
  /** Repeats on the bus after an injected unknown outcome: of PutEvents, or a crash before the event was marked. */
  publishedTwiceUnknown: number;
  /** Events of the cloud while no connection was live. A gap records the interval. */
  uncovered: number;
  /** Events sent on a connection that the ingester cut off as dead. */
  unproven: number;
  /** Messages in the dead-letter queue. */
  deadLettered: number;
  /** From the frame to the bus, without the events that an injected fault stalled. */
  latencyMs: Latency;
  latencyStalledMs: Latency & { count: number };
  /** Published events per second, from the first to the last. */
  eventsPerSecond: number;
  gaps: number;
  gapSeconds: number;
  faults: Record<string, number>;
  /** With `--replay` only. */
  replay?: ReplayTotals;
}

/** Whether no event was lost or published twice. */
export function isSound({ lost, publishedTwice }: LocalResult): boolean {
  return lost === 0 && publishedTwice === 0;
}

/** Rounds latencies to tenths of a millisecond. */
export function roundLatency({ p50, p99, max }: LatencySummary): Latency {
  const round = (value: number) => Math.round(value * 10) / 10;
  return { p50: round(p50), p99: round(p99), max: round(max) };
}

/** Prints the result as text. */
export function showResult(
  display: ProgressDisplay,
  result: LocalResult,
  lostKeys: LedgerReport['lostKeys'],
): void {
  const { replay } = result;
  display.line();
  if (replay) {
    display.line(
      `Replayed ${replay.played} of ${replay.lines} lines (${replay.nonFrames} are not frames); skipped ${replay.skipped} that are not JSON.`,
    );
  }
  display.heading('Result: events sent by Genesys Cloud and events on the bus');
  display.table(resultRows(result));
  if (lostKeys.length > 0) display.warn(`Ledger keys of lost events: ${lostKeys.join(', ')}`);
  if (isSound(result)) display.success('No event was lost or published twice.');
  else display.failure('FAILED: events were lost or published twice.');
}

function resultRows(result: LocalResult): [name: string, value: string][] {
  const faults = Object.entries(result.faults).filter(([, count]) => count > 0);
  const { latencyMs, latencyStalledMs } = result;
  return [
    ['sent', `${result.sent}`],
    ['published', `${result.published} (${result.eventsPerSecond} per second)`],
    ['lost', `${result.lost}`],
    [
      'published twice',
      `${result.publishedTwice} (plus ${result.publishedTwiceUnknown} after an injected unknown outcome)`,
    ],
    ['duplicates', `${result.duplicates} dropped`],
    ['quarantined', `${result.quarantined}`],
    ['dead-lettered', `${result.deadLettered}`],
    [
      'uncovered',
      `${result.uncovered} (no live connection; gaps recorded: ${result.gaps}, ${result.gapSeconds} s)`,
    ],
    ['unproven', `${result.unproven} (sent on connections that were cut off)`],
    ['latency', `p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, max ${latencyMs.max} ms`],
    [
      'latency, stalled',
      `p99 ${latencyStalledMs.p99} ms (events stalled by a fault: ${latencyStalledMs.count})`,
    ],
    ['faults', faults.map(([kind, count]) => `${kind} ${count}`).join(', ') || 'none'],
  ];
}
