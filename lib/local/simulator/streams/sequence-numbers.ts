import type { Stamp } from './stream-event.ts';

/** The numbers and times of a stream. */
export class SequenceNumbers {
  private last = 0;
  private lastMs = 0;
  private repeats = false;

  next(): Stamp & { readonly sequence: number } {
    const isRepeated = this.repeats && this.last > 0;
    // Number and time together identify an event.
    const ms = isRepeated ? Math.max(Date.now(), this.lastMs + 1) : Math.max(Date.now(), this.lastMs);
    this.repeats = false;
    this.lastMs = ms;
    if (!isRepeated) this.last += 1;
    return { sequence: this.last, timestamp: new Date(ms).toISOString() };
  }

  /** The next event has the number of the last one. */
  repeat(): void {
    this.repeats = true;
  }

  /** The numbers start again. */
  restart(): void {
    this.last = 0;
    this.repeats = false;
  }
}
