/** Limits of reconnecting, in the units of their names. */
export const BACKOFF_LIMITS = {
  baseMs: 500,
  capMs: 30_000,
  /** The longest that a server's `Retry-After` makes us wait. */
  throttledCapMs: 120_000,
  /** A connection that lived shorter counts as flapping: the next delay grows instead of starting again. */
  stableMs: 60_000,
  /** Attempts in a row that may fail before the process gives up. */
  failedAttempts: 10,
} as const;
/** Limits of reconnecting; short ones make a test or a simulation quick. */
export type BackoffLimits = { readonly [K in keyof typeof BACKOFF_LIMITS]: number };

/** Delays between attempts to connect: exponential with full jitter, capped, and with a memory of flapping. */
export class Backoff {
  private readonly limits: BackoffLimits;
  private level = 0;
  private failed = 0;

  constructor(limits: Partial<BackoffLimits> = {}) {
    this.limits = { ...BACKOFF_LIMITS, ...limits };
  }

  /** Attempts in a row that have failed. */
  get failedAttempts(): number {
    return this.failed;
  }

  /** Whether the run of failed attempts is as long as it may be. */
  get isExhausted(): boolean {
    return this.failed >= this.limits.failedAttempts;
  }

  /** An attempt did not become ready. */
  onFailure(): void {
    this.failed++;
    this.level++;
  }

  /** An attempt became ready. */
  onReady(): void {
    this.failed = 0;
  }

  /** A ready connection ended after `livedMs`. */
  onEnd(livedMs: number): void {
    this.level = livedMs >= this.limits.stableMs ? 0 : this.level + 1;
  }

  /** Milliseconds to wait before the next attempt. */
  delayMs(): number {
    return Math.random() * Math.min(this.limits.capMs, this.limits.baseMs * 2 ** this.level);
  }

  /** Milliseconds to wait when the server said that we ask too often; never less than after any other failure. */
  throttledDelayMs(retryAfterMs = this.limits.capMs): number {
    return Math.max(this.delayMs(), Math.min(this.limits.throttledCapMs, retryAfterMs));
  }
}
