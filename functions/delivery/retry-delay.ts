import type { DeliveryTimes } from './delivery-times.ts';

/** The upper bound of a wait in relation to the time since the event was first received. */
const GROWTH = 2;
/** Shortest share of the longest pause: with these times, a message is received fewer than 1,000 times in 4 days. */
const MIN_PAUSE_SHARE = 0.5;

/** Age of a message, in milliseconds. */
export interface MessageAge {
  /** Since it entered the delivery queue. */
  readonly queuedMs: number;
  /** Since it was first received. */
  readonly receivedMs: number;
}

/** When messages are received again. */
export class RetryDelays {
  private readonly times: DeliveryTimes;

  constructor(times: DeliveryTimes) {
    this.times = times;
  }

  /** Whether an event is not sent again. */
  isExpired({ queuedMs }: MessageAge): boolean {
    return queuedMs >= this.times.maxAgeMs;
  }

  /**
   * Milliseconds until an event whose call failed is sent again: exponential with full jitter. They depend on the age of
   * the message and not on how often it was received, because it is also received while its destination may not be
   * called.
   */
  retryMs(age: MessageAge): number {
    const { minRetryMs, maxRetryMs } = this.times;
    const boundMs = Math.min(maxRetryMs, Math.max(minRetryMs, GROWTH * age.receivedMs));
    return Math.min(Math.random() * boundMs, this.leftMs(age));
  }

  /**
   * Milliseconds until a message whose destination may not be called is received again.
   *
   * @param waitMs - time until the destination may be called
   */
  pauseMs(waitMs: number, age: MessageAge): number {
    const { maxPauseMs } = this.times;
    const boundMs = Math.min(maxPauseMs, Math.max(waitMs, age.receivedMs));
    const share = MIN_PAUSE_SHARE + Math.random() * (1 - MIN_PAUSE_SHARE);
    return Math.min(Math.max(Math.min(waitMs, maxPauseMs), boundMs * share), this.leftMs(age));
  }

  /** Milliseconds until a message is received again that was not processed because a call to AWS failed. */
  faultMs(age: MessageAge): number {
    return this.pauseMs(this.times.minRetryMs, age);
  }

  /** Time until it expires: it is received once more then. One that has expired waits for the dead-letter queue. */
  private leftMs({ queuedMs }: MessageAge): number {
    const leftMs = this.times.maxAgeMs - queuedMs;
    return leftMs > 0 ? leftMs : Number.POSITIVE_INFINITY;
  }
}
