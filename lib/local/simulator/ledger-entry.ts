/**
 * `sent`: flushed to a working connection. `published`: on the bus. `repeated`: an event that equals one on the bus and
 * cannot be distinguished from it.
 */
export type EventState = 'pending' | 'sent' | 'published' | 'repeated' | 'unproven' | 'uncovered';

/** Events with the same content. One of them on the bus can stand for another. */
export interface EventGroup {
  /** Members that are not on the bus. */
  readonly open: Set<LedgerEntry>;
  /** Whether no event is missing although some members are not on the bus. */
  readonly isSatisfied: boolean;
  add(entry: LedgerEntry): void;
  /** A member reached the bus with this id. */
  arrived(id: string | undefined): void;
}

/** Recorded lines with the same topic and body. Whether they are one event or several is not known. */
export class RepeatGroup implements EventGroup {
  readonly open = new Set<LedgerEntry>();
  isSatisfied = false;

  add(entry: LedgerEntry): void {
    this.open.add(entry);
  }

  arrived(): void {
    this.isSatisfied = true;
  }
}

/** How an event was sent: on a socket that a process reads, or to EventBridge, which keeps it. */
export type Path = 'socket' | 'integration';

/** The ledger's record of one occurrence of an event. */
export class LedgerEntry {
  /** The cloud's own number of the occurrence. Copies on several connections have the same number. */
  readonly serial: number;
  readonly topicName: string;
  /** Epoch milliseconds of the first write, fractional. */
  readonly sentAtMs: number;
  readonly group: EventGroup | undefined;
  state: EventState = 'pending';
  /** Number of sockets that the event was written to. */
  sockets = 0;
  /** Deliveries written but not flushed yet. */
  unflushed = 0;
  /** Deliveries flushed or proven. */
  flushed = 0;
  /** Flushed deliveries that EventBridge has accepted. */
  accepted = 0;
  /** Deliveries flushed to a connection that broke. */
  doubtful = 0;
  /** Whether the process that read the event was killed, so that reading it proves nothing. */
  readerKilled = false;
  isPublished = false;
  stalled = false;

  constructor(serial: number, topicName: string, sentAtMs: number, group?: EventGroup) {
    this.serial = serial;
    this.topicName = topicName;
    this.sentAtMs = sentAtMs;
    this.group = group;
  }

  /** The state that follows from the deliveries and the arrivals on the bus. */
  derive(): EventState {
    // An event on the bus was sent, regardless of what its socket reported.
    if (this.isPublished && this.sockets > 0) return 'published';
    if (this.flushed > 0 && this.group?.isSatisfied) return 'repeated';
    if (this.flushed > 0) return this.readerKilled && this.accepted === 0 ? 'unproven' : 'sent';
    if (this.unflushed > 0) return 'pending';
    return this.doubtful > 0 ? 'unproven' : 'uncovered';
  }
}

/** What a socket reports about what it sends. */
export interface Tracked {
  flushed(): void;
  failed(): void;
  proven(): void;
  doubted(): void;
}

/** Several events in one frame. */
export class TrackedBatch implements Tracked {
  private readonly deliveries: readonly Delivery[];

  constructor(deliveries: readonly Delivery[]) {
    this.deliveries = deliveries;
  }

  flushed(): void {
    for (const one of this.deliveries) one.flushed();
  }

  failed(): void {
    for (const one of this.deliveries) one.failed();
  }

  proven(): void {
    for (const one of this.deliveries) one.proven();
  }

  doubted(): void {
    for (const one of this.deliveries) one.doubted();
  }
}

/**
 * One event on one socket, or on its way to EventBridge. The order is written → flushed → proven. It ends early as failed (never flushed) or
 * doubted (flushed, but the connection ended before the peer proved that it read the event).
 */
export class Delivery implements Tracked {
  readonly entry: LedgerEntry;
  private readonly changed: (entry: LedgerEntry) => void;
  private readonly path: Path;
  private state: 'written' | 'flushed' | 'over' = 'written';

  constructor(entry: LedgerEntry, changed: (entry: LedgerEntry) => void, path: Path = 'socket') {
    this.entry = entry;
    this.path = path;
    this.changed = changed;
    entry.sockets += 1;
    entry.unflushed += 1;
  }

  /** The operating system has accepted all of its bytes. */
  flushed(): void {
    if (this.state !== 'written') return;
    this.state = 'flushed';
    this.entry.unflushed -= 1;
    this.entry.flushed += 1;
    if (this.path === 'integration') this.entry.accepted += 1;
    this.changed(this.entry);
  }

  /** The write failed or was never made. */
  failed(): void {
    if (this.state !== 'written') return;
    this.state = 'over';
    this.entry.unflushed -= 1;
    this.changed(this.entry);
  }

  /** The peer acknowledged something that was sent after this event. */
  proven(): void {
    this.flushed();
    this.state = 'over';
  }

  /** The connection broke, and nothing proves that the peer read this event. */
  doubted(): void {
    this.failed();
    if (this.state !== 'flushed') return;
    this.state = 'over';
    this.entry.flushed -= 1;
    this.entry.doubtful += 1;
    this.changed(this.entry);
  }
}
