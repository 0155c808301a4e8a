import type { LatencySummary } from 'switchboard-local/simulator/latency-histogram.ts';
import type { DeliveryResult } from './delivery-account.ts';
import type { ReplayTotals } from './replay.ts';

/** Percentiles in milliseconds. */
interface Latency {
  p50: number;
  p99: number;
  max: number;
}

/** Result of a protocol. */
export interface ProtocolResult {
  /** Events that the simulated cloud sent on a live connection. */
  sent: number;
  /** Events read from sockets, including copies. */
  received: number;
  /** Distinct events on the bus. */
  published: number;
  /** Copies dropped by the ingester and the consumer. */
  duplicates: number;
  /** Messages in the quarantine queue. Of a protocol: those with an item of it. */
  quarantined: number;
  /** Events sent that are not on the bus. */
  lost: number;
  /** Repeats on the bus without an explanation. */
  publishedTwice: number;
  /** Events on the bus under the name of another protocol. */
  wrongProtocol: number;
  /** Repeats on the bus of events with a weak identity that were sent on several connections. */
  publishedTwiceWeak: number;
  /** Repeats on the bus after an injected unknown outcome: of PutEvents, or a crash before the event was marked. */
  publishedTwiceUnknown: number;
  /** Events of the cloud while no connection was live. */
  uncovered: number;
  /** Events sent on a connection that the ingester cut off as dead, or to an ingester that was killed. */
  unproven: number;
  /** Uncovered and unproven events that were recovered after a gap. They are on the bus, flagged. */
  recovered: number;
  /** Uncovered and unproven events that Genesys Cloud does not return afterwards, by topic with `{id}`. */
  unrecoverable: Record<string, number>;
  /**
   * Uncovered and unproven events that no gap record names by topic and time, or that are neither recovered nor
   * unrecoverable.
   */
  unexplained: number;
  /** Only with the native integration: events that equal a published one and that no path could distinguish from it. */
  repeated?: number;
  /** Gap records in the state table. */
  gapRecords: number;
  /** Messages in the dead-letter queue. Of a protocol: those with an item of it. */
  deadLettered: number;
  /** From the frame to the bus, without the events that an injected fault stalled. */
  latencyMs: Latency;
  latencyStalledMs: Latency & { count: number };
  /** Published events per second, from the first to the last. */
  eventsPerSecond: number;
  /** Intervals in the gap records, and the sum of their lengths. */
  gaps: number;
  gapSeconds: number;
  /** What the sequence numbers of the streams revealed to the ingester, by outcome. */
  sequence: Record<string, number>;
  /** Of a protocol: those of its cloud. */
  faults: Record<string, number>;
}

/** Result of a run. */
export interface LocalResult extends ProtocolResult {
  /** With several protocols only. */
  protocols?: Record<string, ProtocolResult>;
  /** With `--deliver` to the built-in receiver only. */
  delivery?: DeliveryResult;
  /** With `--replay` only. */
  replay?: ReplayTotals & {
    /** Lines that equal a published one and were not published themselves. */
    repeated: number;
  };
}

/** The JSON that `--json` prints. */
export interface PrintedResult extends LocalResult {
  /** Seed of the run (`--seed`). */
  seed: number;
  /** Why the run failed, as sentences; empty if it succeeded. */
  problems: readonly string[];
}

/** Rounds latencies to tenths of a millisecond. */
export function roundLatency({ p50, p99, max }: LatencySummary): Latency {
  const round = (value: number) => Math.round(value * 10) / 10;
  return { p50: round(p50), p99: round(p99), max: round(max) };
}
