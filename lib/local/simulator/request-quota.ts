const WINDOW_MS = 60_000;
const MS_PER_SECOND = 1_000;
/** Callers counted at once; above it the count starts anew for all. */
const CALLERS_LIMIT = 10_000;

export interface QuotaUsage {
  /** Headers that go with every answer (`inin-ratelimit-*`, from the platform SDK's README). */
  readonly headers: Readonly<Record<string, string>>;
  readonly exceeded: boolean;
  readonly resetSeconds: number;
}

/** Requests a minute by caller, in fixed windows. */
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
      if (this.windows.size >= CALLERS_LIMIT) this.windows.clear();
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
