import type { LatencySummary } from 'switchboard-local/simulator/latency-histogram.ts';
import type { LedgerReport } from 'switchboard-local/simulator/ledger.ts';
import type { Display } from './progress-display.ts';

/** Result of a run; the JSON that `--json` prints. */
export interface LocalResult {
  /** Events that the simulated cloud handed to a live connection. */
  sent: number;
  /** Events read from sockets, copies included. */
  received: number;
  /** Different events on the bus. */
  published: number;
  /** Copies dropped by the ingester and by the consumer. */
  duplicates: number;
  /** Messages in the quarantine queue. */
  quarantined: number;
  /** Sent, and neither on the bus nor in the dead-letter queue. */
  lost: number;
  /** Repeats on the bus that no unknown outcome explains. */
  publishedTwice: number;
  /** Repeats on the bus after an injected unknown outcome of PutEvents or a crash before marking. */
  publishedTwiceUnknown: number;
  /** Events of the cloud for which there was no live connection: a gap names their interval. */
  uncovered: number;
  /** Events sent to a connection that the ingester cut off as dead. */
  unproven: number;
  /** Messages in the dead-letter queue. */
  deadLettered: number;
  /** Frame to bus, events hit by an injected stall apart. */
  latencyMs: { p50: number; p99: number; max: number };
  latencyStalledMs: { p50: number; p99: number; max: number; count: number };
  /** Published events a second, from the first to the last. */
  eventsPerSecond: number;
  gaps: number;
  gapSeconds: number;
  faults: Record<string, number>;
}

/** Whether the promises held: nothing lost, nothing doubled. */
export function isSound({ lost, publishedTwice }: LocalResult): boolean {
  return lost === 0 && publishedTwice === 0;
}

/** A latency in whole tenths of a millisecond. */
export function latency({ p50, p99, max }: LatencySummary): { p50: number; p99: number; max: number } {
  const round = (value: number) => Math.round(value * 10) / 10;
  return { p50: round(p50), p99: round(p99), max: round(max) };
}

/** Tell a person what the run came to. */
export function showResult(display: Display, result: LocalResult, report: LedgerReport): void {
  const faults = Object.entries(result.faults).filter(([, count]) => count > 0);
  display.line();
  display.heading('Ledger: what Genesys Cloud sent against what reached the bus');
  display.table([
    ['sent', `${result.sent}`],
    ['published', `${result.published}   (${result.eventsPerSecond} a second)`],
    ['lost', `${result.lost}`],
    [
      'published twice',
      `${result.publishedTwice}   (and ${result.publishedTwiceUnknown} after an injected unknown outcome)`,
    ],
    ['duplicates dropped', `${result.duplicates}`],
    ['quarantined', `${result.quarantined}   dead-lettered ${result.deadLettered}`],
    [
      'not covered',
      `${result.uncovered}   (no connection was live; ${result.gaps} gaps of ${result.gapSeconds} s are recorded)`,
    ],
    ['cut off', `${result.unproven}   (sent to connections that had fallen silent)`],
    [
      'frame to bus',
      `p50 ${result.latencyMs.p50} ms   p99 ${result.latencyMs.p99} ms   max ${result.latencyMs.max} ms`,
    ],
    [
      '',
      `events hit by an injected stall: ${result.latencyStalledMs.count}, p99 ${result.latencyStalledMs.p99} ms`,
    ],
    ['faults', faults.map(([kind, count]) => `${kind} ${count}`).join(', ') || 'none'],
  ]);
  if (report.lostKeys.length > 0) display.warn(`lost, by the ledger's keys: ${report.lostKeys.join(', ')}`);
  display.line(
    isSound(result)
      ? 'Nothing lost, nothing doubled.'
      : 'The promises did not hold: see lost and published twice.',
  );
}
