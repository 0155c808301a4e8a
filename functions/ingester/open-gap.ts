/** A wall clock that differs from the monotonic clock by more than this has jumped. */
const MIN_CLOCK_JUMP_MS = 1_000;

/** The interval of a gap, in epoch milliseconds. */
export interface GapInterval {
  readonly fromMs: number;
  readonly toMs: number;
  /** How far the wall clock moved more than a monotonic clock, if it jumped. */
  readonly clockJumpMs?: number;
}

/** A gap that has not ended. Its length is measured with a monotonic clock, because the wall clock can jump. */
export class OpenGap {
  readonly fromMs: number;
  readonly reason: string;
  private readonly openedAtMs = Date.now();
  private readonly openedTick = performance.now();

  /** @param fromMs - epoch milliseconds; everything that was sent before has been read */
  constructor(fromMs: number, reason: string) {
    this.fromMs = fromMs;
    this.reason = reason;
  }

  /** Its length so far. */
  get lengthMs(): number {
    return Math.max(0, this.openedAtMs - this.fromMs) + performance.now() - this.openedTick;
  }

  /** The interval if the gap ends at `toMs`, which is about now. */
  endAt(toMs: number): GapInterval {
    const jumpMs = Math.round(Date.now() - this.openedAtMs - (performance.now() - this.openedTick));
    // Measured, the beginning would differ from the one that was reported by the delay of this call.
    if (Math.abs(jumpMs) <= MIN_CLOCK_JUMP_MS)
      return { fromMs: Math.min(this.fromMs, this.openedAtMs), toMs };
    return { fromMs: Math.round(toMs - this.lengthMs), toMs, clockJumpMs: jumpMs };
  }
}
