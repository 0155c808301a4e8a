import type { Stamp } from './stream-event.ts';

/** The numbers and times of a stream. */
export class SequenceNumbers {
  private last = 0;
  private lastMs = 0;
  private repeats = false;
  private wasSkipped = false;

  /**
   * The number and time of the next event. An event that is not sent must not share its number with another one,
   * because then nothing would show that it is missing.
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

  /** The next suitable event repeats the number of the previous one. */
  repeat(): void {
    this.repeats = true;
  }

  /** The numbers restart. */
  restart(): void {
    this.last = 0;
    this.repeats = false;
    this.wasSkipped = false;
  }
}
