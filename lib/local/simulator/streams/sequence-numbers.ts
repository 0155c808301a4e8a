import type { Stamp } from './stream-event.ts';

/** The numbers and times of a stream. */
export class SequenceNumbers {
  private last = 0;
  private lastMs = 0;
  private repeats = false;
  private wasSkipped = false;

  /**
   * The number and time of the next event. An event that is not sent shares its number with no other one, because
   * nothing would show that it is missing.
   */
  next(isSkipped: boolean): Stamp & { readonly sequence: number } {
    const mayRepeat = !isSkipped && !this.wasSkipped;
    this.wasSkipped = isSkipped;
    const isRepeated = mayRepeat && this.repeats && this.last > 0;
    // Number and time together identify an event.
    const ms = isRepeated ? Math.max(Date.now(), this.lastMs + 1) : Math.max(Date.now(), this.lastMs);
    if (mayRepeat) this.repeats = false;
    this.lastMs = ms;
    if (!isRepeated) this.last += 1;
    return { sequence: this.last, timestamp: new Date(ms).toISOString() };
  }

  /** The next event that can has the number of the one before it. */
  repeat(): void {
    this.repeats = true;
  }

  /** The numbers start again. */
  restart(): void {
    this.last = 0;
    this.repeats = false;
    this.wasSkipped = false;
  }
}
