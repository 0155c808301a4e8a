import type { DataSignal } from './stream-protocol.ts';

/** Events that are remembered to recognize copies. Above it the oldest are forgotten. */
export const MAX_REMEMBERED_EVENTS = 10_000;

/** How a number of a sequence relates to those before it. */
export type SequenceOutcome =
  | { readonly kind: 'next' }
  /** Numbers that were not delivered, both inclusive, and when the last event before them was received. */
  | { readonly kind: 'gap'; readonly from: number; readonly to: number; readonly sinceMs: number }
  /** Lower than a number that was delivered before. */
  | { readonly kind: 'late' }
  /** The same event again. */
  | { readonly kind: 'duplicate' }
  /** The sequence starts again. */
  | { readonly kind: 'epoch'; readonly last: number; readonly sinceMs: number };

/** The newest event, with its number and its time as the server writes it. */
interface Position {
  readonly sequence: number;
  readonly timestamp: string;
  readonly receivedAtMs: number;
}

/**
 * The sequence of one subscription, over all its connections. It classifies; it drops nothing. A sequence can start again
 * only with a new connection: there, a lower number with a later time than the newest event begins a new epoch.
 */
export class SequenceTracker {
  private newest: Position | undefined;
  private epoch = 0;
  /** Times of the events of this epoch, by number. */
  private readonly remembered = new Map<number, string>();

  /** The view of one connection. Connections can overlap, and each has its own order. */
  connection(): (sequence: number, timestamp: string) => SequenceOutcome {
    let epoch = this.epoch;
    let last: number | undefined;
    return (sequence, timestamp) => {
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
      // A connection that another one has replaced can still deliver the epoch before.
      if (epoch === this.epoch) this.remember(sequence, timestamp);
      return outcome;
    };
  }

  private classify(last: number | undefined, sequence: number, timestamp: string): SequenceOutcome {
    const { newest } = this;
    if (!newest) return { kind: 'next' };
    if (this.remembered.get(sequence) === timestamp) return { kind: 'duplicate' };
    const before = last ?? newest.sequence;
    if (sequence > before) return this.missing(before + 1, sequence - 1, newest.receivedAtMs);
    const isNewer = Date.parse(timestamp) > Date.parse(newest.timestamp);
    return last === undefined && isNewer
      ? { kind: 'epoch', last: newest.sequence, sinceMs: newest.receivedAtMs }
      : { kind: 'late' };
  }

  /** What no connection has delivered of these numbers. */
  private missing(from: number, to: number, sinceMs: number): SequenceOutcome {
    let first = from;
    let last = to;
    while (first <= last && this.remembered.has(first)) first++;
    while (last >= first && this.remembered.has(last)) last--;
    return first <= last ? { kind: 'gap', from: first, to: last, sinceMs } : { kind: 'next' };
  }

  private remember(sequence: number, timestamp: string): void {
    this.remembered.set(sequence, timestamp);
    const oldest = this.remembered.keys().next().value;
    if (this.remembered.size > MAX_REMEMBERED_EVENTS && oldest !== undefined) this.remembered.delete(oldest);
    const receivedAtMs = Date.now();
    const isNewest = sequence >= (this.newest?.sequence ?? 0);
    this.newest =
      isNewest || !this.newest ? { sequence, timestamp, receivedAtMs } : { ...this.newest, receivedAtMs };
  }
}

/**
 * What to report about a number: its outcome for the metrics, and the gap.
 *
 * @param tolerance - so many missing numbers are counted and leave no gap record
 */
export function sequenceSignals(outcome: SequenceOutcome, tolerance = 0): readonly DataSignal[] {
  if (outcome.kind === 'next') return [];
  const counted: DataSignal = { kind: 'sequence', outcome: outcome.kind };
  if (outcome.kind !== 'gap' || outcome.to - outcome.from + 1 <= tolerance) return [counted];
  const { from, to, sinceMs } = outcome;
  return [counted, { kind: 'gap', from, to, sinceMs }];
}

/** Why the time around the start of a new epoch is recorded: what was missed of the old one is not known. */
export function epochReason(last: number, first: number): string {
  return `the sequence started again at ${first} after ${last}: a new epoch`;
}
