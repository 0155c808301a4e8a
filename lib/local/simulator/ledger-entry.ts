/** Where an event stands. `sent`: flushed to a sound connection. `published`: it has reached the bus. */
export type EventState = 'pending' | 'sent' | 'published' | 'unproven' | 'uncovered';

/** The ledger's record of one event. */
export class LedgerEntry {
  readonly key: string;
  readonly topicName: string;
  /** Epoch milliseconds of the first write, with fractions. */
  readonly sentAtMs: number;
  state: EventState = 'pending';
  /** Sockets it was written to. */
  sockets = 0;
  /** Deliveries written and not flushed yet, flushed or proven, and flushed to a connection that broke. */
  waiting = 0;
  good = 0;
  doubtful = 0;
  published = 0;
  excuses = 0;
  touched = false;

  constructor(key: string, topicName: string, sentAtMs: number) {
    this.key = key;
    this.topicName = topicName;
    this.sentAtMs = sentAtMs;
  }

  /** The state that follows from the deliveries and from what the bus has seen. */
  derive(): EventState {
    // What arrived was sent, whatever the socket said about it.
    if (this.published > 0 && this.sockets > 0) return 'published';
    if (this.good > 0) return 'sent';
    if (this.waiting > 0) return 'pending';
    return this.doubtful > 0 ? 'unproven' : 'uncovered';
  }
}

/**
 * One event on one socket. It goes written → flushed → proven, and ends early as failed (never flushed) or doubted
 * (flushed, but the peer went away without having shown that it read it).
 */
export class Delivery {
  readonly entry: LedgerEntry;
  private readonly changed: (entry: LedgerEntry) => void;
  private state: 'written' | 'flushed' | 'over' = 'written';

  constructor(entry: LedgerEntry, changed: (entry: LedgerEntry) => void) {
    this.entry = entry;
    this.changed = changed;
    entry.sockets += 1;
    entry.waiting += 1;
  }

  /** The operating system has taken all of its bytes. */
  flushed(): void {
    if (this.state !== 'written') return;
    this.state = 'flushed';
    this.entry.waiting -= 1;
    this.entry.good += 1;
    this.changed(this.entry);
  }

  /** The write failed, or was never made. */
  failed(): void {
    if (this.state !== 'written') return;
    this.state = 'over';
    this.entry.waiting -= 1;
    this.changed(this.entry);
  }

  /** The peer answered something that it can only have read after this event. */
  proven(): void {
    this.flushed();
    this.state = 'over';
  }

  /** The connection broke, and nothing shows that the peer had read this event. */
  doubted(): void {
    this.failed();
    if (this.state !== 'flushed') return;
    this.state = 'over';
    this.entry.good -= 1;
    this.entry.doubtful += 1;
    this.changed(this.entry);
  }
}
