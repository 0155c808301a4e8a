import type { Classify, SequenceTracker } from './sequence-tracker.ts';
import type { DataSignal, ProtocolContext, Subscription } from './stream-protocol.ts';

/** A subscription whose events are numbered. */
export interface NumberedSubscription extends Subscription {
  readonly tracker: SequenceTracker;
}

/** What the number of an event revealed. */
export interface SequenceReading {
  readonly signals: readonly DataSignal[];
  /** It arrived after an event with a higher number. */
  readonly late: boolean;
}

/** Reads the numbers of one connection: counts what is not the next one, and records gaps and new epochs. */
export class SequenceReader {
  private readonly topics: readonly string[];
  private readonly recordGap: ProtocolContext['recordGap'];
  private readonly classify: Classify;
  private readonly tolerance: number;

  /** @param tolerance - so many missing numbers are counted and leave no gap record */
  constructor({ topics, tracker }: NumberedSubscription, { recordGap }: ProtocolContext, tolerance = 0) {
    this.topics = topics;
    this.recordGap = recordGap;
    this.classify = tracker.connection();
    this.tolerance = tolerance;
  }

  /**
   * Read the number of an event.
   *
   * @param timestamp - time of the event as the server writes it
   * @param readUntilMs - see {@link Session.onFrame}
   */
  read(sequence: number, timestamp: string, readUntilMs: number): SequenceReading {
    const outcome = this.classify(sequence, timestamp, readUntilMs);
    if (outcome.kind === 'next') return { signals: [], late: false };
    const counted: DataSignal = { kind: 'sequence', outcome: outcome.kind };
    switch (outcome.kind) {
      case 'gap': {
        const { from, to, sinceMs } = outcome;
        const isTolerated = to - from + 1 <= this.tolerance;
        return {
          signals: isTolerated ? [counted] : [counted, { kind: 'gap', from, to, sinceMs }],
          late: false,
        };
      }
      case 'epoch': {
        // What was missed of the old epoch is not known.
        const reason = `the sequence started again at ${sequence} after ${outcome.last}: a new epoch`;
        this.recordGap({ topics: this.topics, fromMs: outcome.sinceMs, toMs: Date.now(), reason });
        return { signals: [counted], late: false };
      }
      case 'late':
        return { signals: [counted], late: true };
      case 'duplicate':
        return { signals: [counted], late: false };
    }
  }
}
