import { afterEach, describe, expect, test, vi } from 'vitest';
import { DELIVERY_TIMES } from '../../functions/delivery/delivery-times.ts';
import { RetryDelays } from '../../functions/delivery/retry-delay.ts';

const HOUR_MS = 3_600_000;
const MAX_AGE_MS = 4 * 24 * HOUR_MS;
const delays = new RetryDelays(DELIVERY_TIMES);

function random(value: number): void {
  vi.spyOn(Math, 'random').mockReturnValue(value);
}

afterEach(() => vi.restoreAllMocks());

describe('the wait before an event is sent again', () => {
  test.each([
    [0, 2_000],
    [500, 2_000],
    [10_000, 20_000],
    [HOUR_MS, 2 * HOUR_MS],
    [24 * HOUR_MS, 12 * HOUR_MS],
  ])('For a message of the age %i ms it is random between 0 and %i ms', (receivedMs, boundMs) => {
    const age = { receivedMs, queuedMs: receivedMs };
    random(0);
    expect(delays.retryMs(age)).toBe(0);
    random(0.999_999);
    expect(delays.retryMs(age)).toBeCloseTo(boundMs, -3);
  });

  test('It ends when the message expires, so that the event is sent once more then', () => {
    random(0.9);
    const queuedMs = MAX_AGE_MS - 5_000;
    expect(delays.retryMs({ receivedMs: queuedMs, queuedMs })).toBe(5_000);
  });

  test('A message expires 4 days after it entered the queue', () => {
    expect(delays.isExpired({ receivedMs: 0, queuedMs: MAX_AGE_MS - 1 })).toBe(false);
    expect(delays.isExpired({ receivedMs: 0, queuedMs: 4 * 24 * HOUR_MS })).toBe(true);
  });
});

describe('the wait while the destination may not be called', () => {
  test('It is at least the time that the destination needs, and grows with the age of the message up to 15 minutes', () => {
    random(0);
    expect(delays.pauseMs(30_000, { receivedMs: 0, queuedMs: 0 })).toBe(30_000);
    expect(delays.pauseMs(30_000, { receivedMs: 200_000, queuedMs: 200_000 })).toBe(100_000);
    random(0.999_999);
    expect(delays.pauseMs(30_000, { receivedMs: 200_000, queuedMs: 200_000 })).toBeCloseTo(200_000, -1);
    expect(delays.pauseMs(30_000, { receivedMs: HOUR_MS, queuedMs: HOUR_MS })).toBeCloseTo(900_000, -1);
    expect(delays.pauseMs(2 * HOUR_MS, { receivedMs: 0, queuedMs: 0 })).toBeLessThanOrEqual(900_000);
  });

  test('A message whose destination is down for 4 days is received fewer than 1,000 times, which is the limit of SQS', () => {
    random(0);
    let receives = 1;
    for (let ageMs = 0; !delays.isExpired({ receivedMs: ageMs, queuedMs: ageMs }); receives++)
      ageMs += delays.pauseMs(1_000, { receivedMs: ageMs, queuedMs: ageMs });
    expect(receives).toBeLessThan(1_000);
  });
});
