import { eventKey, type KeyedFrame } from './frame.ts';
import { LatencyHistogram, type LatencySummary } from './latency-histogram.ts';
import { Delivery, type EventState, LedgerEntry } from './ledger-entry.ts';
import { RecentEntries } from './recent-entries.ts';
import { SpanList, type UncoveredSpan } from './span-list.ts';

const DEFAULT_FOLD_AFTER_MS = 300_000;
const DEFAULT_MAX_ENTRIES = 1_000_000;
const DEFAULT_SETTLE_TIMEOUT_MS = 60_000;
const MAX_REPORTED_KEYS = 20;

export interface LedgerOptions {
  /** An event on the bus keeps its own entry for at least this long; afterwards it is only counted. */
  readonly foldAfterMs?: number;
  /** Most entries of events on the bus, and likewise of open events. Above it, the oldest are only counted. */
  readonly maxEntries?: number;
  /** Identity of an event. Default: {@link eventKey} of topic and body text. */
  readonly keyOf?: (frame: KeyedFrame) => string;
}

export interface LedgerReport {
  /** Events flushed to at least one working connection, or on the bus. */
  readonly sent: number;
  /** Events without a live subscribed socket, or for which every write failed. */
  readonly uncovered: number;
  /** Events flushed only to connections that the client cut off without proof that it had read them. */
  readonly unproven: number;
  /** Distinct events on the bus. */
  readonly published: number;
  /** Events sent but not on the bus. Until the ledger has settled, this includes events in flight. */
  readonly lost: number;
  /** Keys of lost events, oldest first, at most 20. */
  readonly lostKeys: readonly string[];
  /** Repeats on the bus beyond the allowed ones. */
  readonly publishedTwice: number;
  /** Repeats on the bus that an unknown outcome allows. */
  readonly publishedTwiceUnknown: number;
  /** Arrivals on the bus of events that were never sent, or are so old that the ledger has dropped their entries. */
  readonly unexpected: number;
  /** Events whose entries were dropped before they reached the bus, because of the limit of entries. */
  readonly foldedOpen: number;
  /** When events were uncovered. Compare with the gaps that the product records. */
  readonly uncoveredSpans: readonly UncoveredSpan[];
  readonly latencyMs: LatencySummary;
  /** Latency of the events marked with {@link Ledger.markStalled}. */
  readonly latencyStalledMs: LatencySummary;
}

/** The clock of the ledger: epoch milliseconds, fractional. */
function ledgerNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Records which events were sent, when and to how many sockets, and which reached the bus. Memory is bounded. */
export class Ledger {
  private readonly maxEntries: number;
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
  private allowed = 0;
  private unexpected = 0;
  private foldedOpen = 0;

  constructor(options: LedgerOptions = {}) {
    this.maxEntries = options.maxEntries ?? DEFAULT_MAX_ENTRIES;
    this.settledEntries = new RecentEntries(options.foldAfterMs ?? DEFAULT_FOLD_AFTER_MS, this.maxEntries);
    this.customKeyOf = options.keyOf;
  }

  /** Key of an event. Pass `bodyText`, its body as JSON, to avoid serializing it again. */
  keyOf(frame: KeyedFrame, bodyText?: string): string {
    if (this.customKeyOf !== undefined) return this.customKeyOf(frame);
    return eventKey(frame.topicName, bodyText ?? JSON.stringify(frame.eventBody) ?? '');
  }

  /** Records a new event. Then call {@link deliver} for each socket, and finally {@link offered}. */
  begin(key: string, topicName: string, atMs: number = ledgerNow()): LedgerEntry {
    const known = this.openEntries.get(key) ?? this.settledEntries.get(key);
    if (known !== undefined) return known;
    const entry = new LedgerEntry(key, topicName, atMs);
    this.counts.pending += 1;
    this.openEntries.set(key, entry);
    if (this.openEntries.size > this.maxEntries) this.foldOpen();
    return entry;
  }

  /** Records that the event is written to another socket. */
  deliver(entry: LedgerEntry): Delivery {
    return new Delivery(entry, this.updateState);
  }

  /** Records that the event was written to every live socket. An event without a socket is uncovered. */
  offered(entry: LedgerEntry): void {
    if (entry.sockets > 0) return;
    this.updateState(entry);
    this.openEntries.delete(entry.key);
  }

  /** Records that the event reached the bus at `atMs` (epoch milliseconds). Call once per arrival. */
  received(key: string, atMs: number = ledgerNow()): void {
    const entry = this.openEntries.get(key) ?? this.settledEntries.get(key);
    if (entry === undefined || entry.sockets === 0) {
      this.unexpected += 1;
      return;
    }
    const before = allowedRepeats(entry);
    entry.published += 1;
    if (entry.published > 1) {
      this.repeats += 1;
      this.allowed += allowedRepeats(entry) - before;
      return;
    }
    (entry.stalled ? this.latencyStalled : this.latency).record(atMs - entry.sentAtMs);
    this.openEntries.delete(key);
    this.settledEntries.add(entry, atMs);
    this.updateState(entry);
  }

  /** Allows one repeat of this event, because a publish of it had an unknown outcome. */
  allowRepeat(key: string): void {
    const entry = this.openEntries.get(key) ?? this.settledEntries.get(key);
    if (entry === undefined) return;
    const before = allowedRepeats(entry);
    entry.allowedRepeats += 1;
    this.allowed += allowedRepeats(entry) - before;
  }

  /** Records the latency of this event apart, because an injected fault stalled it. No effect once it is on the bus. */
  markStalled(key: string): void {
    const entry = this.openEntries.get(key);
    if (entry !== undefined) entry.stalled = true;
  }

  /** Number of events written or sent that have not reached the bus. */
  get outstanding(): number {
    return this.counts.pending + this.counts.sent;
  }

  /** Resolves with true once nothing is outstanding, or with false after the timeout. */
  settled(timeoutMs: number = DEFAULT_SETTLE_TIMEOUT_MS): Promise<boolean> {
    if (this.outstanding === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiters.delete(done);
        resolve(this.outstanding === 0);
      };
      const timer = setTimeout(done, timeoutMs);
      this.waiters.add(done);
    });
  }

  report(): LedgerReport {
    const counts = this.counts;
    return {
      sent: counts.sent + counts.published,
      uncovered: counts.uncovered,
      unproven: counts.unproven,
      published: counts.published,
      lost: counts.sent,
      lostKeys: this.lostKeys(),
      publishedTwice: this.repeats - this.allowed,
      publishedTwiceUnknown: this.allowed,
      unexpected: this.unexpected,
      foldedOpen: this.foldedOpen,
      uncoveredSpans: this.spans.list(),
      latencyMs: this.latency.summary(),
      latencyStalledMs: this.latencyStalled.summary(),
    };
  }

  private lostKeys(): readonly string[] {
    const keys: string[] = [];
    for (const { key, state } of this.openEntries.values()) {
      if (keys.length >= MAX_REPORTED_KEYS) break;
      if (state === 'sent') keys.push(key);
    }
    return keys;
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

  /** Drops half of the entries at once, because finding the oldest keys of a map is expensive. */
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

/** Repeats so far that are allowed. */
function allowedRepeats(entry: LedgerEntry): number {
  return Math.min(Math.max(0, entry.published - 1), entry.allowedRepeats);
}
