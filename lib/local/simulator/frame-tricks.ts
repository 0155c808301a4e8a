import type { Delivery } from './ledger-entry.ts';

/** A frame held back to be overtaken is sent all the same after this long. */
const OVERTAKE_LIMIT_MS = 50;
/** A close in the middle of a burst comes after this long even without a burst. */
const BURST_LIMIT_MS = 500;

interface FrameTrickSinks {
  readonly write: (delivery: Delivery, data: Buffer) => void;
  readonly close: (code: number) => void;
}

/** What can happen to the next event frames of one socket: sent twice, overtaken, or cut off by a close. */
export class FrameTricks {
  private readonly sinks: FrameTrickSinks;
  private duplicate = false;
  private overtake = false;
  private held: { readonly delivery: Delivery; readonly data: Buffer; readonly timer: NodeJS.Timeout } | undefined;
  private closing: { framesLeft: number; readonly code: number; readonly timer: NodeJS.Timeout } | undefined;

  constructor(sinks: FrameTrickSinks) {
    this.sinks = sinks;
  }

  /** The next frame is sent twice. */
  duplicateNext(): void {
    this.duplicate = true;
  }

  /** The next frame is sent after the one that follows it. */
  overtakeNext(): void {
    this.overtake = true;
  }

  /** The socket is closed with `code` after `frames` more frames. */
  closeAfter(frames: number, code: number): void {
    if (this.closing !== undefined) return;
    const timer = setTimeout(() => this.sinks.close(code), BURST_LIMIT_MS);
    this.closing = { framesLeft: frames, code, timer };
  }

  /** Sends a frame, in its turn. */
  pass(delivery: Delivery, data: Buffer): void {
    if (this.overtake && this.held === undefined) {
      this.overtake = false;
      this.held = { delivery, data, timer: setTimeout(() => this.release(), OVERTAKE_LIMIT_MS) };
      return;
    }
    this.sinks.write(delivery, data);
    if (this.duplicate) {
      this.duplicate = false;
      this.sinks.write(delivery, data);
    }
    this.release();
    if (this.closing === undefined) return;
    this.closing.framesLeft -= 1;
    if (this.closing.framesLeft <= 0) this.sinks.close(this.closing.code);
  }

  /** The socket sends no more: what is held back is never sent. */
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
