import type { SpeakerEnd } from './one-speaker.ts';
import type { DataSignal, Session } from './protocols/stream-protocol.ts';

/** Takes the data of one subscription's connections, and learns when each of them can deliver data. */
export interface SignalSink {
  /** The connection is open: frames can follow. */
  open(session: Session): void;
  /** The connection has ended: no frames follow. */
  end(session: Session, end: SpeakerEnd): void;
  /** @param frame - the frame that the signal came in */
  take(session: Session, signal: DataSignal, frame: Buffer): void;
}
