import { setTimeout as delay } from 'node:timers/promises';

/** `token.rate.per.minute` in the published limits of the platform API. */
export const MAX_REQUESTS_PER_MINUTE = 300;
const WINDOW_MS = 60_000;

/** Limits the number of requests in any 60 s with a sliding window over the times of the latest requests. */
export class RateLimit {
  private readonly limit: number;
  /** Ring buffer of the times, in epoch milliseconds, at which the latest `limit` requests were allowed. */
  private readonly times: number[] = [];
  private next = 0;

  constructor(maxRequestsPerMinute = MAX_REQUESTS_PER_MINUTE) {
    this.limit = maxRequestsPerMinute;
  }

  /**
   * Waits until a request is allowed. Requests are allowed in the order of the calls.
   *
   * @throws an `AbortError` if the signal is aborted during the wait
   */
  async take(signal?: AbortSignal): Promise<void> {
    const slot = this.next;
    this.next = (slot + 1) % this.limit;
    const now = Date.now();
    const freeAt = Math.max(now, (this.times[slot] ?? -WINDOW_MS) + WINDOW_MS);
    this.times[slot] = freeAt;
    if (freeAt > now) await delay(freeAt - now, undefined, signal ? { signal } : {});
  }
}
