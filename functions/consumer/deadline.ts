import { setTimeout as delay } from 'node:timers/promises';

/** The delay between attempts is random. Its upper bound starts at twice this value and doubles up to the maximum. */
const BASE_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 2_000;
/** Attempts per step in one invocation. */
const MAX_ATTEMPTS = 8;
/** Time of an invocation that is reserved for marking, releasing and reporting. */
const MAX_RESERVE_MS = 2_000;
/** Maximum share of the remaining time that is reserved. */
const MAX_RESERVE_SHARE = 0.3;
/** Share of the reserved time that is kept for sending the response. */
const RESPONSE_SHARE = 0.25;
/** Maximum difference between the clocks of two workers. Lambda synchronizes them to a few milliseconds. */
const MAX_CLOCK_SKEW_MS = 5_000;

/** A call was not made, or not answered before the deadline. Its outcome is unknown. */
export class DeadlineError extends Error {
  readonly code = 'deadline_exceeded';

  constructor() {
    super('AWS did not answer before the deadline of the invocation.');
    this.name = 'TimeoutError';
  }
}

/** The time after which no AWS call is made or awaited. */
export class Deadline {
  private readonly atMs: number;
  private readonly controller = new AbortController();
  private readonly exceeded = Promise.withResolvers<never>();
  private readonly timer: NodeJS.Timeout;

  /** @param remainingMs - time until the deadline */
  constructor(remainingMs: number) {
    this.atMs = performance.now() + remainingMs;
    // An unanswered call must not cause an unhandled rejection.
    this.exceeded.promise.catch(() => undefined);
    this.timer = setTimeout(() => {
      this.exceeded.reject(new DeadlineError());
      this.controller.abort();
    }, remainingMs);
  }

  /**
   * Makes an AWS call and awaits its answer until the deadline.
   *
   * @throws {@link DeadlineError} at the deadline, even if the call ignores the signal
   */
  async call<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.controller;
    if (signal.aborted) throw new DeadlineError();
    return Promise.race([send(signal), this.exceeded.promise]);
  }

  /**
   * Waits before the next attempt.
   *
   * @param attempt - number of attempts made so far, starting at 1
   * @returns false, without waiting, if no time or no attempts are left
   */
  async allowsRetry(attempt: number): Promise<boolean> {
    if (attempt >= MAX_ATTEMPTS) return false;
    const waitMs = Math.random() * Math.min(MAX_BACKOFF_MS, BASE_BACKOFF_MS * 2 ** attempt);
    if (performance.now() + waitMs >= this.atMs) return false;
    await delay(waitMs);
    return true;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.timer);
  }
}

/** The time limits of an invocation. */
export interface TimeLimits extends Disposable {
  /** For claims, publishing and the quarantine. */
  readonly work: Deadline;
  /** For marking and releasing, so that there is time for them after `work`. */
  readonly record: Deadline;
  /**
   * Epoch seconds after which no call of this invocation can still be running, even if another worker's clock is used.
   */
  readonly leaseEndsAtSeconds: number;
}

/** @param remainingMs - time until Lambda ends the invocation */
export function timeLimits(remainingMs: number): TimeLimits {
  const reserveMs = Math.min(MAX_RESERVE_MS, remainingMs * MAX_RESERVE_SHARE);
  const work = new Deadline(remainingMs - reserveMs);
  const record = new Deadline(remainingMs - reserveMs * RESPONSE_SHARE);
  return {
    work,
    record,
    leaseEndsAtSeconds: Math.ceil((Date.now() + remainingMs + MAX_CLOCK_SKEW_MS) / 1000),
    [Symbol.dispose]: () => {
      work[Symbol.dispose]();
      record[Symbol.dispose]();
    },
  };
}
