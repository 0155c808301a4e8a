import { setTimeout as delay } from 'node:timers/promises';

/** First delay between two tries of a call to AWS; it doubles up to the cap, with full jitter. */
const BACKOFF_BASE_MS = 50;
const BACKOFF_CAP_MS = 2_000;
/** Tries of one step within an invocation. */
const ATTEMPTS = 8;

/** How long an invocation may go on: retries end in time for what is done to be marked and reported. */
export class Deadline {
  private readonly atMs: number;

  /** @param atMs - epoch milliseconds */
  constructor(atMs: number) {
    this.atMs = atMs;
  }

  /**
   * Wait before try `attempt + 1`.
   *
   * @param attempt - tries so far, from 1
   * @returns false when there is no time or no try left; then nothing was waited for
   */
  async allowsRetry(attempt: number): Promise<boolean> {
    if (attempt >= ATTEMPTS) return false;
    const waitMs = Math.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** attempt);
    if (Date.now() + waitMs >= this.atMs) return false;
    await delay(waitMs);
    return true;
  }
}
