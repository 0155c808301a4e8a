import type { LatencySummary } from './latency-histogram.ts';
import type { UncoveredSpan } from './span-list.ts';

/** The counts of a ledger. Every event counts once, regardless of its content. */
export interface LedgerReport {
  /** Events flushed to at least one working connection, or on the bus. */
  readonly sent: number;
  /** Events without a live subscribed socket, or for which every write failed. */
  readonly uncovered: number;
  /** Events flushed only to connections that the client cut off without proof that it had read them. */
  readonly unproven: number;
  /** Distinct events on the bus. */
  readonly published: number;
  /** Recorded lines that equal one on the bus but are not on the bus themselves. */
  readonly repeated: number;
  /** Events sent but not on the bus. Until the ledger has settled, this includes events in flight. */
  readonly lost: number;
  /** Serial numbers of lost events, oldest first, at most 20. */
  readonly lostKeys: readonly number[];
  /** Repeats on the bus without an explanation. */
  readonly publishedTwice: number;
  /** Repeats on the bus of events with a weak identity that were sent on several connections. */
  readonly publishedTwiceWeak: number;
  /** Repeats on the bus that are allowed because of an unknown outcome. */
  readonly publishedTwiceUnknown: number;
  /** Arrivals on the bus without a serial number, or with one that was never sent. */
  readonly unexpected: number;
  /** The times at which events were uncovered. */
  readonly uncoveredSpans: readonly UncoveredSpan[];
  readonly latencyMs: LatencySummary;
  /** Latency of the events that an injected fault stalled. */
  readonly latencyStalledMs: LatencySummary;
}
