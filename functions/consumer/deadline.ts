import { setTimeout as delay } from 'node:timers/promises';

/** The delay between two attempts is random; its upper bound starts at twice this base and doubles to the maximum. */
const BASE_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 2_000;
/** Attempts per step in one invocation. */
const MAX_ATTEMPTS = 8;

/** The deadline of an invocation: retries end early enough to mark and report what is done. */
export class Deadline {
  private readonly atMs: number;

  /** @param atMs - epoch milliseconds */
  constructor(atMs: number) {
    this.atMs = atMs;
  }

  /**
   * Waits before the next attempt.
   *
   * @param attempt - number of attempts made, from 1
   * @returns false, without waiting, if no time or no attempt is left
   */
  async allowsRetry(attempt: number): Promise<boolean> {
    if (attempt >= MAX_ATTEMPTS) return false;
    const waitMs = Math.random() * Math.min(MAX_BACKOFF_MS, BASE_BACKOFF_MS * 2 ** attempt);
    if (Date.now() + waitMs >= this.atMs) return false;
    await delay(waitMs);
    return true;
  }
}
