import { eventKey, type KeyedFrame } from './frame.ts';
import { LatencyHistogram, type LatencySummary } from './latency-histogram.ts';
import { Delivery, type EventState, LedgerEntry } from './ledger-entry.ts';
import { RecentEntries } from './recent-entries.ts';
import { SpanList, type UncoveredSpan } from './span-list.ts';

const DEFAULT_FOLD_AFTER_MS = 300_000;
const DEFAULT_ENTRIES_LIMIT = 1_000_000;
const DEFAULT_SETTLE_LIMIT_MS = 60_000;
const REPORTED_KEYS = 20;

export interface LedgerOptions {
  /** A settled event is remembered one by one for at least this long, then only in the counts. */
  readonly foldAfterMs?: number;
  /** Settled events, and likewise open ones, that are remembered one by one; above it the oldest are only counted. */
  readonly entriesLimit?: number;
  /** Identity of an event; the default is {@link eventKey} of topic and body text. */
  readonly keyOf?: (frame: KeyedFrame) => string;
}

/** One event that has not reached the bus. */
export interface OpenEvent {
  readonly key: string;
  readonly topicName: string;
  readonly sentAtMs: number;
  readonly sockets: number;
}

export interface LedgerReport {
  /** Events flushed to at least one sound connection, or seen on the bus. */
  readonly sent: number;
  /** Events for which no subscribed live socket existed, or whose every write failed. */
  readonly uncovered: number;
  /** Events flushed only to connections that the client then cut off without a sign of having read them. */
  readonly unproven: number;
  /** Distinct events seen on the bus. */
  readonly published: number;
  /** Sent, and not on the bus: until all is settled this includes what is on its way. */
  readonly lost: number;
  readonly lostKeys: readonly string[];
  readonly unprovenKeys: readonly string[];
  /** Repeats on the bus beyond what was excused. */
  readonly publishedTwice: number;
  /** Repeats on the bus that an unknown outcome excuses. */
  readonly publishedTwiceUnknown: number;
  /** Arrivals on the bus of events never sent, or so old that the ledger knows them no longer: repeats too, then. */
  readonly unexpected: number;
  /** Events left out of the one-by-one record before they reached the bus, for want of room. */
  readonly foldedOpen: number;
  /** When events were uncovered: to be compared with the gaps that the product names. */
  readonly uncoveredSpans: readonly UncoveredSpan[];
  readonly latencyMs: LatencySummary;
  /** Latency of the events that {@link Ledger.touch} marked. */
  readonly latencyStalledMs: LatencySummary;
}

/** The clock of the ledger: epoch milliseconds with fractions. */
export function ledgerNow(): number {
  return performance.timeOrigin + performance.now();
}

/** What was sent to whom and when, and what became of it. One process; bounded memory. */
export class Ledger {
  private readonly entriesLimit: number;
  private readonly customKeyOf: ((frame: KeyedFrame) => string) | undefined;
  private readonly openEntries = new Map<string, LedgerEntry>();
  private readonly settledEntries: RecentEntries;
  private readonly counts: Record<EventState, number> = {
    pending: 0,
    sent: 0,
    published: 0,
    unproven: 0,
    uncovered: 0,
  };
  private readonly spans = new SpanList();
  private readonly latency = new LatencyHistogram();
  private readonly latencyStalled = new LatencyHistogram();
  private readonly waiters = new Set<() => void>();
  private repeats = 0;
  private excused = 0;
  private unexpected = 0;
  private foldedOpen = 0;

  constructor(options: LedgerOptions = {}) {
    this.entriesLimit = options.entriesLimit ?? DEFAULT_ENTRIES_LIMIT;
    this.settledEntries = new RecentEntries(options.foldAfterMs ?? DEFAULT_FOLD_AFTER_MS, this.entriesLimit);
    this.customKeyOf = options.keyOf;
  }

  /** Key of an event; `bodyText`, its body as JSON text, saves the default from making it again. */
  keyOf(frame: KeyedFrame, bodyText?: string): string {
    if (this.customKeyOf !== undefined) return this.customKeyOf(frame);
    return eventKey(frame.topicName, bodyText ?? JSON.stringify(frame.eventBody) ?? '');
  }

  /** An event comes into being. Follow with {@link deliver} for each socket, then {@link offered}. */
  begin(key: string, topicName: string, atMs: number = ledgerNow()): LedgerEntry {
    const known = this.openEntries.get(key) ?? this.settledEntries.get(key);
    if (known !== undefined) return known;
    const entry = new LedgerEntry(key, topicName, atMs);
    this.counts.pending += 1;
    this.openEntries.set(key, entry);
    if (this.openEntries.size > this.entriesLimit) this.foldOpen();
    return entry;
  }

  /** The event is written to one more socket. */
  deliver(entry: LedgerEntry): Delivery {
    return new Delivery(entry, this.updateState);
  }

  /** The event has been written to every socket that can take it; to none, and it is uncovered. */
  offered(entry: LedgerEntry): void {
    if (entry.sockets > 0) return;
    this.updateState(entry);
    this.openEntries.delete(entry.key);
  }

  /** The event has reached the bus at `atMs` ({@link ledgerNow}). Call once for each arrival. */
  received(key: string, atMs: number = ledgerNow()): void {
    const entry = this.openEntries.get(key) ?? this.settledEntries.get(key);
    if (entry === undefined || entry.sockets === 0) {
      this.unexpected += 1;
      return;
    }
    const covered = coveredRepeats(entry);
    entry.published += 1;
    if (entry.published > 1) {
      this.repeats += 1;
      this.excused += coveredRepeats(entry) - covered;
      return;
    }
    (entry.touched ? this.latencyStalled : this.latency).record(atMs - entry.sentAtMs);
    this.openEntries.delete(key);
    this.settledEntries.add(entry, atMs);
    this.updateState(entry);
  }

  /** One publish of this event had an unknown outcome: one repeat of it is allowed. */
  excuse(key: string): void {
    const entry = this.openEntries.get(key) ?? this.settledEntries.get(key);
    if (entry === undefined) return;
    const covered = coveredRepeats(entry);
    entry.excuses += 1;
    this.excused += coveredRepeats(entry) - covered;
  }

  /** An injected stall hit this event: its latency goes apart. Has effect before the event reaches the bus. */
  touch(key: string): void {
    const entry = this.openEntries.get(key);
    if (entry !== undefined) entry.touched = true;
  }

  /** Events written or sent that have not reached the bus. */
  get outstanding(): number {
    return this.counts.pending + this.counts.sent;
  }

  /** Resolves with true once nothing is outstanding, with false at the time limit. */
  settled(limitMs: number = DEFAULT_SETTLE_LIMIT_MS): Promise<boolean> {
    if (this.outstanding === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiters.delete(done);
        resolve(this.outstanding === 0);
      };
      const timer = setTimeout(done, limitMs);
      this.waiters.add(done);
    });
  }

  /** Up to `limit` events in one of the states that are not settled, oldest first: `sent` are the lost ones. */
  openEvents(state: 'pending' | 'sent' | 'unproven', limit = Number.POSITIVE_INFINITY): readonly OpenEvent[] {
    const events: OpenEvent[] = [];
    for (const entry of this.openEntries.values()) {
      if (events.length >= limit) break;
      if (entry.state === state) events.push(entry);
    }
    return events;
  }

  report(): LedgerReport {
    const counts = this.counts;
    return {
      sent: counts.sent + counts.published,
      uncovered: counts.uncovered,
      unproven: counts.unproven,
      published: counts.published,
      lost: counts.sent,
      lostKeys: this.openEvents('sent', REPORTED_KEYS).map(({ key }) => key),
      unprovenKeys: this.openEvents('unproven', REPORTED_KEYS).map(({ key }) => key),
      publishedTwice: this.repeats - this.excused,
      publishedTwiceUnknown: this.excused,
      unexpected: this.unexpected,
      foldedOpen: this.foldedOpen,
      uncoveredSpans: this.spans.list(),
      latencyMs: this.latency.summary(),
      latencyStalledMs: this.latencyStalled.summary(),
    };
  }

  private readonly updateState = (entry: LedgerEntry): void => {
    const state = entry.derive();
    if (state === entry.state) return;
    this.counts[entry.state] -= 1;
    this.counts[state] += 1;
    entry.state = state;
    if (state === 'uncovered') this.spans.add(entry.sentAtMs);
    if (this.waiters.size > 0 && this.outstanding === 0) for (const done of [...this.waiters]) done();
  };

  /** Half at once, as the oldest keys of a map are the dear ones to find. */
  private foldOpen(): void {
    const excess = Math.ceil(this.openEntries.size / 2);
    let folded = 0;
    for (const key of this.openEntries.keys()) {
      if (folded === excess) break;
      this.openEntries.delete(key);
      folded += 1;
    }
    this.foldedOpen += excess;
  }
}

function coveredRepeats(entry: LedgerEntry): number {
  return Math.min(Math.max(0, entry.published - 1), entry.excuses);
}
