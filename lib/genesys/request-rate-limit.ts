import { setTimeout as delay } from 'node:timers/promises';

/** `token.rate.per.minute` of the platform's published limits. */
export const REQUESTS_PER_MINUTE = 300;
const WINDOW_MS = 60_000;

/** At most so many requests in any 60 s: a sliding window over the times of the last ones. */
export class RateLimit {
  private readonly limit: number;
  /** Ring of the times at which the last `limit` requests were allowed. */
  private readonly times: number[] = [];
  private next = 0;

  constructor(requestsPerMinute = REQUESTS_PER_MINUTE) {
    this.limit = requestsPerMinute;
  }

  /** Wait for a place. Places are given in the order in which they were asked for. */
  async take(signal?: AbortSignal): Promise<void> {
    const slot = this.next;
    this.next = (slot + 1) % this.limit;
    const now = Date.now();
    const freeAt = Math.max(now, (this.times[slot] ?? -WINDOW_MS) + WINDOW_MS);
    this.times[slot] = freeAt;
    if (freeAt > now) await delay(freeAt - now, undefined, signal ? { signal } : {});
  }
}
