/** Limits of reconnecting, in the units of their names. */
export const BACKOFF_LIMITS = {
  baseMs: 500,
  capMs: 30_000,
  /** Longest wait that a server's `Retry-After` can cause. */
  throttledCapMs: 120_000,
  /** A connection that lived shorter is flapping: the next delay grows instead of starting over. */
  stableMs: 60_000,
  /** Failed attempts in a row after which the process gives up. */
  failedAttempts: 10,
} as const;
/** Limits of reconnecting; tests and simulations use shorter ones. */
export type BackoffLimits = { readonly [K in keyof typeof BACKOFF_LIMITS]: number };

/** Delays between attempts to connect: exponential with full jitter and a cap. Flapping connections are remembered. */
export class Backoff {
  private readonly limits: BackoffLimits;
  private level = 0;
  private failed = 0;

  constructor(limits: Partial<BackoffLimits> = {}) {
    this.limits = { ...BACKOFF_LIMITS, ...limits };
  }

  /** Failed attempts in a row. */
  get failedAttempts(): number {
    return this.failed;
  }

  /** Whether the number of failed attempts has reached its limit. */
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
    this.level = this.isStable(livedMs) ? 0 : this.level + 1;
  }

  /** Whether a connection that lived for `livedMs` does not count as flapping. */
  isStable(livedMs: number): boolean {
    return livedMs >= this.limits.stableMs;
  }

  /** Milliseconds to wait before the next attempt. */
  delayMs(): number {
    return Math.random() * Math.min(this.limits.capMs, this.limits.baseMs * 2 ** this.level);
  }

  /** Milliseconds to wait when the server limits our rate; never less than after another failure. */
  throttledDelayMs(retryAfterMs = this.limits.capMs): number {
    return Math.max(this.delayMs(), Math.min(this.limits.throttledCapMs, retryAfterMs));
  }
}
