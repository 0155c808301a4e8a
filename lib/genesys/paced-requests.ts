import { setTimeout as delay } from 'node:timers/promises';

const MINUTE_MS = 60_000;

/**
 * Spreads requests evenly over time. With bursts, a process and its successor could exceed the limit together.
 */
export class PacedRequests {
  /** Requests that were allowed. */
  count = 0;
  private readonly intervalMs: number;
  /** Epoch milliseconds from which the next request is allowed. */
  private nextMs = 0;

  constructor(maxRequestsPerMinute: number) {
    this.intervalMs = MINUTE_MS / maxRequestsPerMinute;
  }

  /**
   * Waits until a request is allowed. Requests are allowed in the order of the calls.
   *
   * @throws an `AbortError` if the signal is aborted during the wait
   */
  async take(signal?: AbortSignal): Promise<void> {
    const nowMs = Date.now();
    const atMs = Math.max(nowMs, this.nextMs);
    this.nextMs = atMs + this.intervalMs;
    if (atMs > nowMs) await delay(atMs - nowMs, undefined, signal ? { signal } : {});
    this.count++;
  }
}
