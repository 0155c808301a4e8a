import type { Classify, SequenceTracker } from './sequence-tracker.ts';
import type { DataSignal, ProtocolContext, Subscription } from './stream-protocol.ts';

/** A subscription with numbered events. */
export interface NumberedSubscription extends Subscription {
  readonly tracker: SequenceTracker;
}

/** What the sequence number of an event revealed. */
export interface SequenceReading {
  readonly signals: readonly DataSignal[];
  /** It arrived after an event with a higher number. */
  readonly late: boolean;
}

/**
 * Reads the sequence numbers of one connection: counts the numbers that are out of sequence, and records gaps and new
 * epochs.
 */
export class SequenceReader {
  private readonly topics: readonly string[];
  private readonly recordGap: ProtocolContext['recordGap'];
  private readonly classify: Classify;
  private readonly tolerance: number;

  /** @param tolerance - up to this many missing numbers are only counted, without a gap record */
  constructor({ topics, tracker }: NumberedSubscription, { recordGap }: ProtocolContext, tolerance = 0) {
    this.topics = topics;
    this.recordGap = recordGap;
    this.classify = tracker.connection();
    this.tolerance = tolerance;
  }

  /**
   * Read the sequence number of an event.
   *
   * @param timestamp - time of the event in the server's format
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
        // How many events of the old epoch are missing is not known.
        const reason = `the sequence restarted at ${sequence} after ${outcome.last}: a new epoch`;
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
