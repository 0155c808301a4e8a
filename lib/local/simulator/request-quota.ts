const WINDOW_MS = 60_000;
const MS_PER_SECOND = 1_000;
/** With more callers than this, all counts are reset. */
const MAX_CALLERS = 10_000;

export interface QuotaUsage {
  /** Headers of every response (`inin-ratelimit-*`, from the README of the platform SDK). */
  readonly headers: Readonly<Record<string, string>>;
  readonly exceeded: boolean;
  readonly resetSeconds: number;
}

/** Counts requests per caller in fixed windows of one minute. */
export class RequestQuota {
  readonly allowed: number;
  private readonly windows = new Map<string, { startedAtMs: number; count: number }>();

  constructor(requestsPerMinute: number) {
    this.allowed = requestsPerMinute;
  }

  count(caller: string): QuotaUsage {
    const nowMs = Date.now();
    let window = this.windows.get(caller);
    if (window === undefined || nowMs - window.startedAtMs >= WINDOW_MS) {
      if (this.windows.size >= MAX_CALLERS) this.windows.clear();
      window = { startedAtMs: nowMs, count: 0 };
      this.windows.set(caller, window);
    }
    window.count += 1;
    const resetSeconds = Math.max(1, Math.ceil((window.startedAtMs + WINDOW_MS - nowMs) / MS_PER_SECOND));
    return {
      headers: {
        'inin-ratelimit-count': String(window.count),
        'inin-ratelimit-allowed': String(this.allowed),
        'inin-ratelimit-reset': String(resetSeconds),
      },
      exceeded: window.count > this.allowed,
      resetSeconds,
    };
  }
}
