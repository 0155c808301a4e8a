/** Maximum number of events remembered to recognize copies. Above it, the oldest are forgotten. */
export const MAX_REMEMBERED_EVENTS = 10_000;

/** How a sequence number relates to earlier ones. */
export type SequenceOutcome =
  | { readonly kind: 'next' }
  /** Numbers that were not delivered, both inclusive. They were sent after `sinceMs`. */
  | { readonly kind: 'gap'; readonly from: number; readonly to: number; readonly sinceMs: number }
  /** Lower than a number that was already delivered. */
  | { readonly kind: 'late' }
  /** The same event again, or another one with the newest number. */
  | { readonly kind: 'duplicate' }
  /** The sequence restarts. */
  | { readonly kind: 'epoch'; readonly last: number; readonly sinceMs: number };

/** The newest event, with its number and its time in the server's format. */
interface Position {
  readonly sequence: number;
  readonly timestamp: string;
  /** Everything that the server sent after this event was sent after this time, in epoch milliseconds. */
  readonly sinceMs: number;
}

/** Classifies the next event of a connection. `readUntilMs`: see {@link Session.onFrame}. */
export type Classify = (sequence: number, timestamp: string, readUntilMs: number) => SequenceOutcome;

/**
 * The sequence of one subscription across all its connections. It classifies events but drops none. A sequence can
 * restart only on a new connection. There, an event begins a new epoch if its number belongs to another event, or if
 * its number is lower than the newest one but its time is not.
 */
export class SequenceTracker {
  private newest: Position | undefined;
  private epoch = 0;
  /** Times of the events of this epoch, by number. */
  private readonly remembered = new Map<number, string>();
  /** Iterates from the oldest. It is never replaced: a new iterator would step over every forgotten event again. */
  private readonly oldest = this.remembered.keys();

  /** The view of one connection. Connections can overlap, and each has its own order. */
  connection(): Classify {
    let epoch = this.epoch;
    let last: number | undefined;
    return (sequence, timestamp, readUntilMs) => {
      const outcome = this.classify(last, sequence, timestamp);
      if (outcome.kind === 'epoch') {
        this.epoch++;
        this.remembered.clear();
        this.newest = undefined;
      }
      if (last === undefined) epoch = this.epoch;
      last = Math.max(
        outcome.kind === 'epoch' ? sequence : (last ?? this.newest?.sequence ?? sequence),
        sequence,
      );
      // A connection that has been replaced can still deliver events of the previous epoch.
      if (epoch === this.epoch) this.remember({ sequence, timestamp, sinceMs: readUntilMs });
      return outcome;
    };
  }

  private classify(last: number | undefined, sequence: number, timestamp: string): SequenceOutcome {
    const { newest } = this;
    if (!newest) return { kind: 'next' };
    if (this.remembered.get(sequence) === timestamp) return { kind: 'duplicate' };
    const before = last ?? newest.sequence;
    if (sequence > before) return this.missing(before + 1, sequence - 1, newest.sinceMs);
    if (last === undefined && this.isRestart(sequence, timestamp, newest))
      return { kind: 'epoch', last: newest.sequence, sinceMs: newest.sinceMs };
    return { kind: sequence === before ? 'duplicate' : 'late' };
  }

  /** Times can be equal, because servers send them in milliseconds or in seconds. */
  private isRestart(sequence: number, timestamp: string, newest: Position): boolean {
    return this.remembered.has(sequence) || Date.parse(timestamp) >= Date.parse(newest.timestamp);
  }

  /** The part of these numbers that no connection has delivered. */
  private missing(from: number, to: number, sinceMs: number): SequenceOutcome {
    let first = from;
    let last = to;
    while (first <= last && this.remembered.has(first)) first++;
    while (last >= first && this.remembered.has(last)) last--;
    return first <= last ? { kind: 'gap', from: first, to: last, sinceMs } : { kind: 'next' };
  }

  private remember(position: Position): void {
    this.remembered.set(position.sequence, position.timestamp);
    if (this.remembered.size > MAX_REMEMBERED_EVENTS)
      this.remembered.delete(this.oldest.next().value ?? position.sequence);
    if (!this.newest || position.sequence > this.newest.sequence) this.newest = position;
  }
}
