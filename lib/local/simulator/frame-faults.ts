import type { Tracked } from './ledger-entry.ts';

/** Longest time that a frame is held back for another one to overtake it. */
const MAX_HOLD_MS = 50;
/** Longest wait for the burst during which the socket is to be closed. */
const MAX_BURST_WAIT_MS = 500;

/**
 * Topics whose bodies identify the occurrence. Any other frame that is sent twice on one connection looks like a
 * recurring state, and the platform is not known to repeat frames on a connection.
 */
const REPEATABLE =
  /"topicName":"v2\.(?:users\.[^."]+\.(?:presence|routingStatus)|detail\.|analytics\.conversation\.|conversations\.[^."]+\.transcription)/;

interface FrameFaultSinks {
  readonly write: (delivery: Tracked, data: Buffer) => void;
  readonly close: (code: number) => void;
  readonly isRepeatable?: ((data: Buffer) => boolean) | undefined;
}

/** Faults of the next event frames of one socket: sent twice, overtaken, or cut off by a close. */
export class FrameFaults {
  private readonly sinks: FrameFaultSinks;
  private duplicate = false;
  private overtake = false;
  private held:
    | { readonly delivery: Tracked; readonly data: Buffer; readonly timer: NodeJS.Timeout }
    | undefined;
  private closing: { framesLeft: number; readonly code: number; readonly timer: NodeJS.Timeout } | undefined;

  constructor(sinks: FrameFaultSinks) {
    this.sinks = sinks;
  }

  /** Sends the next frame twice whose body identifies the occurrence. */
  duplicateNext(): void {
    this.duplicate = true;
  }

  /** Sends the next frame after the one that follows it. */
  overtakeNext(): void {
    this.overtake = true;
  }

  /** Closes the socket with `code` after `frames` more frames. */
  closeAfter(frames: number, code: number): void {
    if (this.closing !== undefined) return;
    const timer = setTimeout(() => this.sinks.close(code), MAX_BURST_WAIT_MS);
    this.closing = { framesLeft: frames, code, timer };
  }

  /** Sends a frame, with the armed faults applied. */
  pass(delivery: Tracked, data: Buffer): void {
    if (this.overtake && this.held === undefined) {
      this.overtake = false;
      this.held = { delivery, data, timer: setTimeout(() => this.release(), MAX_HOLD_MS) };
      return;
    }
    this.sinks.write(delivery, data);
    const { isRepeatable = (frame: Buffer) => REPEATABLE.test(frame.toString()) } = this.sinks;
    if (this.duplicate && isRepeatable(data)) {
      this.duplicate = false;
      this.sinks.write(delivery, data);
    }
    this.release();
    if (this.closing === undefined) return;
    this.closing.framesLeft -= 1;
    if (this.closing.framesLeft <= 0) this.sinks.close(this.closing.code);
  }

  /** Call when the socket stops sending. A frame that is held back is never sent. */
  end(): void {
    clearTimeout(this.closing?.timer);
    clearTimeout(this.held?.timer);
    this.held?.delivery.failed();
    this.held = undefined;
  }

  private release(): void {
    const held = this.held;
    if (held === undefined) return;
    this.held = undefined;
    clearTimeout(held.timer);
    this.sinks.write(held.delivery, held.data);
  }
}
