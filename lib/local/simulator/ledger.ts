import { type SerialCarrier, serialOf } from './frame.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { Delivery, type EventGroup, type EventState, LedgerEntry, type Path } from './ledger-entry.ts';
import type { LedgerReport } from './ledger-report.ts';
import { type MissingEvent, MissingEvents } from './missing-events.ts';
import { Repeats } from './repeats.ts';
import { SpanList } from './span-list.ts';

export type { LedgerReport } from './ledger-report.ts';

const DEFAULT_MAX_OPEN_EVENTS = 1_000_000;
const DEFAULT_SETTLE_TIMEOUT_MS = 60_000;
const MAX_REPORTED_KEYS = 20;
/** Serial numbers of a ledger. */
export const SERIALS_PER_LEDGER = 100_000_000_000;

export interface LedgerOptions {
  /** With more events that are not on the bus, {@link Ledger.isFull} is true. Default 1,000,000. */
  readonly maxOpenEvents?: number;
  /** Ledgers with different numbers have different serial numbers. Default 0. */
  readonly number?: number;
}

/** An arrival on the bus. */
export interface Arrival {
  /** Epoch milliseconds. */
  readonly atMs?: number;
  /** The id that the product assigned to the event. A copy with another id was not recognized as a copy. */
  readonly id?: string;
  /** Whether the product reports that it cannot distinguish this event from another one with the same content. */
  readonly isWeak?: boolean;
}

/** The clock of the ledger: epoch milliseconds, fractional. */
function ledgerNow(): number {
  return performance.timeOrigin + performance.now();
}

/**
 * Records which events were sent, when and to how many sockets, and which reached the bus. It identifies an event by
 * its serial number only, never by its content. Memory is bounded.
 */
export class Ledger {
  /** Latency from the frame to the bus, and the same for events that an injected fault stalled. */
  readonly latency = new LatencyHistogram();
  readonly latencyStalled = new LatencyHistogram();
  private readonly maxOpenEvents: number;
  private readonly open = new Map<number, LedgerEntry>();
  private readonly repeats = new Repeats((group, id) => this.arrivedInGroup(group, id));
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
  private readonly waiters = new Set<() => void>();
  private unexpected = 0;
  private readonly baseSerial: number;
  private lastSerial: number;
  private lastBadSerial: number;

  constructor(options: LedgerOptions = {}) {
    this.maxOpenEvents = options.maxOpenEvents ?? DEFAULT_MAX_OPEN_EVENTS;
    this.baseSerial = (options.number ?? 0) * SERIALS_PER_LEDGER;
    this.lastSerial = this.baseSerial;
    this.lastBadSerial = this.baseSerial + SERIALS_PER_LEDGER;
  }

  /** Whether a serial number belongs to this ledger, sent or not. */
  owns(serial: number): boolean {
    return serial > this.baseSerial && serial <= this.baseSerial + SERIALS_PER_LEDGER;
  }

  /** A serial number for an event that must not reach the bus. The ledger does not contain it. */
  badSerial(): number {
    return this.lastBadSerial--;
  }

  /** Key of an event: the serial number in its metadata. Undefined if it has none. */
  keyOf(event: SerialCarrier): number | undefined {
    return serialOf(event);
  }

  /**
   * Records a new occurrence of an event and gives it a serial number. Then call {@link deliver} for each socket, and
   * finally {@link offered}.
   *
   * @param group events with the same content
   */
  begin(topicName: string, atMs: number = ledgerNow(), group?: EventGroup): LedgerEntry {
    this.lastSerial += 1;
    const entry = new LedgerEntry(this.lastSerial, topicName, atMs, group);
    group?.add(entry);
    this.counts.pending += 1;
    this.open.set(entry.serial, entry);
    return entry;
  }

  /** The entry of an event that is not on the bus yet. Undefined after that. */
  find(serial: number): LedgerEntry | undefined {
    return this.open.get(serial);
  }

  /** Records that the event is written to another socket, or is on its way to EventBridge. */
  deliver(entry: LedgerEntry, path: Path = 'socket'): Delivery {
    return new Delivery(entry, this.updateState, path);
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
    if (entry !== undefined) this.receivedFirst(entry, arrival);
    // An event that is already on the bus, or that was never sent.
    else if (!this.repeats.again(serial, arrival)) this.unexpected += 1;
  }

  /** Allows one repeat of this event, because a publish of it had an unknown outcome. */
  allowRepeat(serial: number): void {
    this.repeats.allow(serial);
  }

  /** Records this event's latency separately, because a fault stalled it. No effect once the event is on the bus. */
  markStalled(serial: number): void {
    const entry = this.open.get(serial);
    if (entry !== undefined) entry.stalled = true;
  }

  /**
   * The process that reads the events was killed. Events that it had read and that are not on the bus become unproven.
   */
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
    for (const { state, serial, topicName, sentAtMs } of this.open.values()) {
      if (state === 'uncovered' || state === 'unproven') yield { serial, topicName, atMs: sentAtMs };
    }
  }

  /** Events that were sent and are not on the bus, oldest first. */
  *lost(): Generator<Pick<LedgerEntry, 'serial' | 'topicName' | 'sentAtMs'>> {
    for (const entry of this.open.values()) if (entry.state === 'sent') yield entry;
  }

  report(): LedgerReport {
    const {
      counts,
      repeats: { counts: repeats },
    } = this;
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
    this.repeats.first(serial, sockets, { id, isWeak }, group);
    this.updateState(entry);
    group?.open.delete(entry);
    this.arrivedInGroup(group, id);
  }

  private arrivedInGroup(group: EventGroup | undefined, id: string | undefined): void {
    if (group === undefined) return;
    group.arrived(id);
    for (const other of group.open) this.updateState(other);
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
