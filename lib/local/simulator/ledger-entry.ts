/** `sent`: flushed to a working connection. `published`: on the bus. */
export type EventState = 'pending' | 'sent' | 'published' | 'unproven' | 'uncovered';

/** The ledger's record of one event. */
export class LedgerEntry {
  readonly key: string;
  readonly topicName: string;
  /** Epoch milliseconds of the first write, fractional. */
  readonly sentAtMs: number;
  state: EventState = 'pending';
  /** Sockets that the event was written to. */
  sockets = 0;
  /** Deliveries written but not flushed yet. */
  unflushed = 0;
  /** Deliveries flushed or proven. */
  flushed = 0;
  /** Deliveries flushed to a connection that broke. */
  doubtful = 0;
  /** Arrivals on the bus. */
  published = 0;
  allowedRepeats = 0;
  stalled = false;

  constructor(key: string, topicName: string, sentAtMs: number) {
    this.key = key;
    this.topicName = topicName;
    this.sentAtMs = sentAtMs;
  }

  /** The state that follows from the deliveries and the arrivals on the bus. */
  derive(): EventState {
    // An event on the bus was sent, whatever its socket reported.
    if (this.published > 0 && this.sockets > 0) return 'published';
    if (this.flushed > 0) return 'sent';
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
