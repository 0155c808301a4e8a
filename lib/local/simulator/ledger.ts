import { type SerialCarrier, serialOf } from './frame.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { Delivery, type EventState, LedgerEntry, type RepeatGroup } from './ledger-entry.ts';
import type { LedgerReport } from './ledger-report.ts';
import { type MissingEvent, MissingEvents } from './missing-events.ts';
import { SerialMarks } from './serial-marks.ts';
import { SpanList } from './span-list.ts';

export type { LedgerReport } from './ledger-report.ts';

const DEFAULT_MAX_OPEN_EVENTS = 1_000_000;
const DEFAULT_SETTLE_TIMEOUT_MS = 60_000;
const MAX_REPORTED_KEYS = 20;
/** Events with an allowed repeat that are remembered. */
const MAX_ALLOWANCES = 1_000_000;
/** Events that several sockets got, whose ids on the bus are remembered. A repeat of an older one counts as strict. */
const MAX_OVERLAPPED = 200_000;

export interface LedgerOptions {
  /** With more events that are not on the bus, {@link Ledger.isFull} is true. Default 1,000,000. */
  readonly maxOpenEvents?: number;
}

/** An arrival on the bus. */
export interface Arrival {
  /** Epoch milliseconds. */
  readonly atMs?: number;
  /** The id that the product gave to the event. A copy with another id was not recognized as a copy. */
  readonly id?: string;
  /** Whether the product says that it cannot tell this event from another one with the same content. */
  readonly isWeak?: boolean;
}

/** The arrivals of an event that several sockets got. */
interface Overlapped {
  readonly ids: Set<string>;
  hasWeak: boolean;
}

/** The clock of the ledger: epoch milliseconds, fractional. */
function ledgerNow(): number {
  return performance.timeOrigin + performance.now();
}

/**
 * Records which events were sent, when and to how many sockets, and which reached the bus. It knows an event by its
 * serial number only, never by its content. Memory is bounded.
 */
export class Ledger {
  private readonly maxOpenEvents: number;
  private readonly open = new Map<number, LedgerEntry>();
  private readonly marks = new SerialMarks();
  private readonly allowances = new Map<number, number>();
  private readonly overlapped = new Map<number, Overlapped>();
  private readonly neverSent = new MissingEvents();
  private readonly counts: Record<EventState, number> = {
    pending: 0,
    sent: 0,
    published: 0,
    repeated: 0,
    unproven: 0,
    uncovered: 0,
  };
  private readonly spans = new SpanList();
  private readonly latency = new LatencyHistogram();
  private readonly latencyStalled = new LatencyHistogram();
  private readonly waiters = new Set<() => void>();
  private readonly repeats = { strict: 0, weak: 0, allowed: 0 };
  private unexpected = 0;
  private lastSerial = 0;

  constructor(options: LedgerOptions = {}) {
    this.maxOpenEvents = options.maxOpenEvents ?? DEFAULT_MAX_OPEN_EVENTS;
  }

  /** Key of an event: the serial number in its metadata. Undefined if it has none. */
  keyOf(event: SerialCarrier): number | undefined {
    return serialOf(event);
  }

  /**
   * Records a new occurrence of an event and gives it a serial number. Then call {@link deliver} for each socket, and
   * finally {@link offered}.
   *
   * @param group recorded lines with the same content
   */
  begin(topicName: string, atMs: number = ledgerNow(), group?: RepeatGroup): LedgerEntry {
    this.lastSerial += 1;
    const entry = new LedgerEntry(this.lastSerial, topicName, atMs, group);
    group?.open.add(entry);
    this.counts.pending += 1;
    this.open.set(entry.serial, entry);
    return entry;
  }

  /** The entry of an event that is not on the bus yet. Undefined after that. */
  find(serial: number): LedgerEntry | undefined {
    return this.open.get(serial);
  }

  /** Records that the event is written to another socket. */
  deliver(entry: LedgerEntry): Delivery {
    return new Delivery(entry, this.updateState);
  }

  /** Records that the event was written to every live socket. An event without a socket is uncovered. */
  offered(entry: LedgerEntry): void {
    if (entry.sockets > 0) return;
    this.updateState(entry);
    this.neverSent.add(entry);
    this.open.delete(entry.serial);
    entry.group?.open.delete(entry);
  }

  /** Records that an event reached the bus. Call once per arrival. */
  received(serial: number | undefined, arrival: Arrival = {}): void {
    if (serial === undefined) {
      this.unexpected += 1;
      return;
    }
    const entry = this.open.get(serial);
    if (entry === undefined) this.receivedAgain(serial, arrival);
    else this.receivedFirst(entry, arrival);
  }

  /** Allows one repeat of this event, because a publish of it had an unknown outcome. */
  allowRepeat(serial: number): void {
    dropOldest(this.allowances, MAX_ALLOWANCES);
    this.allowances.set(serial, (this.allowances.get(serial) ?? 0) + 1);
  }

  /** Records the latency of this event apart, because an injected fault stalled it. No effect once it is on the bus. */
  markStalled(serial: number): void {
    const entry = this.open.get(serial);
    if (entry !== undefined) entry.stalled = true;
  }

  /** The process that reads the events was killed. What it had read and is not on the bus becomes unproven. */
  readerKilled(): void {
    for (const entry of this.open.values()) {
      entry.readerKilled = true;
      this.updateState(entry);
    }
  }

  /** Number of events written or sent that have not reached the bus. */
  get outstanding(): number {
    return this.counts.pending + this.counts.sent;
  }

  /** Whether too many events wait for the bus. Send no more until it is false. */
  get isFull(): boolean {
    return this.open.size >= this.maxOpenEvents;
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

  /** Events that no connection provably received: uncovered or unproven. Compare them with the recorded gaps. */
  *missing(): Generator<MissingEvent> {
    yield* this.neverSent.list();
    for (const { state, topicName, sentAtMs } of this.open.values()) {
      if (state === 'uncovered' || state === 'unproven') yield { topicName, atMs: sentAtMs };
    }
  }

  /** Events that were sent and are not on the bus, oldest first. */
  *lost(): Generator<Pick<LedgerEntry, 'serial' | 'topicName' | 'sentAtMs'>> {
    for (const entry of this.open.values()) if (entry.state === 'sent') yield entry;
  }

  report(): LedgerReport {
    const { counts, repeats } = this;
    return {
      sent: counts.sent + counts.published + counts.repeated,
      uncovered: counts.uncovered,
      unproven: counts.unproven,
      published: counts.published,
      repeated: counts.repeated,
      lost: counts.sent,
      lostKeys: this.lostKeys(),
      publishedTwice: repeats.strict,
      publishedTwiceWeak: repeats.weak,
      publishedTwiceUnknown: repeats.allowed,
      unexpected: this.unexpected,
      uncoveredSpans: this.spans.list(),
      latencyMs: this.latency.summary(),
      latencyStalledMs: this.latencyStalled.summary(),
    };
  }

  private lostKeys(): readonly number[] {
    const keys: number[] = [];
    for (const { serial } of this.lost()) {
      if (keys.length >= MAX_REPORTED_KEYS) break;
      keys.push(serial);
    }
    return keys;
  }

  private receivedFirst(entry: LedgerEntry, { atMs = ledgerNow(), id, isWeak = false }: Arrival): void {
    const { serial, group, sockets } = entry;
    entry.isPublished = true;
    (entry.stalled ? this.latencyStalled : this.latency).record(atMs - entry.sentAtMs);
    this.open.delete(serial);
    this.marks.set(serial, sockets);
    if (sockets > 1) {
      dropOldest(this.overlapped, MAX_OVERLAPPED);
      this.overlapped.set(serial, { ids: new Set(id === undefined ? [] : [id]), hasWeak: isWeak });
    }
    this.updateState(entry);
    if (group === undefined) return;
    group.published += 1;
    group.open.delete(entry);
    for (const other of group.open) this.updateState(other);
  }

  /** An event that is on the bus already, or that was never sent. */
  private receivedAgain(serial: number, arrival: Arrival): void {
    if (!this.marks.has(serial)) {
      this.unexpected += 1;
      return;
    }
    const allowed = this.allowances.get(serial) ?? 0;
    if (this.isWeakCopy(serial, arrival)) {
      this.repeats.weak += 1;
    } else if (allowed > 0) {
      this.allowances.set(serial, allowed - 1);
      this.repeats.allowed += 1;
    } else {
      this.repeats.strict += 1;
    }
  }

  /**
   * Whether an arrival is the copy of another socket that the product could not recognize. Each socket explains one id,
   * and one of the ids must be weak. The same id again is never such a copy.
   */
  private isWeakCopy(serial: number, { id, isWeak = false }: Arrival): boolean {
    const overlapped = this.overlapped.get(serial);
    if (overlapped === undefined || id === undefined || overlapped.ids.has(id)) return false;
    overlapped.ids.add(id);
    overlapped.hasWeak ||= isWeak;
    return overlapped.hasWeak && overlapped.ids.size <= this.marks.sockets(serial);
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
}

/** Makes room for one more entry. */
function dropOldest<T>(entries: Map<number, T>, limit: number): void {
  const oldest = entries.keys().next();
  if (entries.size >= limit && oldest.done !== true) entries.delete(oldest.value);
}
