/**
 * `sent`: flushed to a working connection. `published`: on the bus. `repeated`: a recorded line that equals one that
 * is on the bus.
 */
export type EventState = 'pending' | 'sent' | 'published' | 'repeated' | 'unproven' | 'uncovered';

/** Recorded lines with the same topic and body. Whether they are one event or several is not known. */
export class RepeatGroup {
  published = 0;
  /** Members that are not on the bus. */
  readonly open = new Set<LedgerEntry>();
}

/** The ledger's record of one occurrence of an event. */
export class LedgerEntry {
  /** The cloud's own number of the occurrence. Copies on several connections have the same. */
  readonly serial: number;
  readonly topicName: string;
  /** Epoch milliseconds of the first write, fractional. */
  readonly sentAtMs: number;
  readonly group: RepeatGroup | undefined;
  state: EventState = 'pending';
  /** Sockets that the event was written to. */
  sockets = 0;
  /** Deliveries written but not flushed yet. */
  unflushed = 0;
  /** Deliveries flushed or proven. */
  flushed = 0;
  /** Deliveries flushed to a connection that broke. */
  doubtful = 0;
  /** Whether the process that read the event was killed, so that reading it proves nothing. */
  readerKilled = false;
  isPublished = false;
  stalled = false;

  constructor(serial: number, topicName: string, sentAtMs: number, group?: RepeatGroup) {
    this.serial = serial;
    this.topicName = topicName;
    this.sentAtMs = sentAtMs;
    this.group = group;
  }

  /** The state that follows from the deliveries and the arrivals on the bus. */
  derive(): EventState {
    // An event on the bus was sent, whatever its socket reported.
    if (this.isPublished && this.sockets > 0) return 'published';
    if (this.flushed > 0 && (this.group?.published ?? 0) > 0) return 'repeated';
    if (this.flushed > 0) return this.readerKilled ? 'unproven' : 'sent';
    if (this.unflushed > 0) return 'pending';
    return this.doubtful > 0 ? 'unproven' : 'uncovered';
  }
}

/**
 * One event on one socket. The order is written → flushed → proven. It ends early as failed (never flushed) or
 * doubted (flushed, but the connection ended before the peer proved that it read the event).
 */
export class Delivery {
  readonly entry: LedgerEntry;
  private readonly changed: (entry: LedgerEntry) => void;
  private state: 'written' | 'flushed' | 'over' = 'written';

  constructor(entry: LedgerEntry, changed: (entry: LedgerEntry) => void) {
    this.entry = entry;
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
