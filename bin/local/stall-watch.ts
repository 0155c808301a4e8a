const MS_PER_SECOND = 1_000;
/** A stall is reported after this time without an event on the bus, and again each time it elapses. */
const STALL_MS = 10_000;

/** Detects that events are waiting but none reaches the bus. */
export class StallWatch {
  /** Number of stalls so far. */
  stalls = 0;
  private published = 0;
  private sinceMs: number;
  private reports = 0;

  constructor(nowMs: number) {
    this.sinceMs = nowMs;
  }

  /**
   * Call it regularly.
   *
   * @param published - events that have reached the bus
   * @param waiting - events that have not
   * @returns a message to show
   */
  check(nowMs: number, published: number, waiting: number): string | undefined {
    if (published !== this.published || waiting === 0) {
      this.published = published;
      this.sinceMs = nowMs;
      this.reports = 0;
      return undefined;
    }
    const stalledMs = nowMs - this.sinceMs;
    if (stalledMs < STALL_MS * (this.reports + 1)) return undefined;
    if (this.reports++ === 0) this.stalls++;
    return `Stalled: no event has reached the bus for ${Math.floor(stalledMs / MS_PER_SECOND)} s. Events that wait: ${waiting}.`;
  }
}
