import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { BACKOFF_LIMITS, Backoff } from '../../functions/ingester/backoff.ts';

const { baseMs, capMs, stableMs, failedAttempts, throttledCapMs } = BACKOFF_LIMITS;

/** The longest possible delay now. */
function longestMs(backoff: Backoff): number {
  const random = vi.spyOn(Math, 'random').mockReturnValue(1);
  const delayMs = backoff.delayMs();
  random.mockRestore();
  return delayMs;
}

afterEach(() => vi.restoreAllMocks());

describe('delays', () => {
  test('A delay has full jitter, up to a bound that doubles with each failure until the cap', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000 }), (failures) => {
        const backoff = new Backoff();
        for (let n = 0; n < failures; n++) backoff.onFailure();
        const boundMs = Math.min(capMs, baseMs * 2 ** failures);
        expect(longestMs(backoff)).toBe(boundMs);
        for (let n = 0; n < 20; n++) {
          const delayMs = backoff.delayMs();
          expect(delayMs).toBeGreaterThanOrEqual(0);
          expect(delayMs).toBeLessThan(boundMs);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('Delays are spread over their whole range', () => {
    const backoff = new Backoff();
    const delays = Array.from({ length: 1_000 }, () => backoff.delayMs() / baseMs);
    for (const quarter of [0, 1, 2, 3]) {
      const share = delays.filter((delay) => Math.floor(delay * 4) === quarter).length;
      expect(share).toBeGreaterThan(150);
    }
  });
});

describe('flapping connections', () => {
  test('Delays grow while connections end soon after they became ready', () => {
    const backoff = new Backoff();
    for (const expectedMs of [baseMs * 2, baseMs * 4, baseMs * 8]) {
      backoff.onReady();
      backoff.onEnd(stableMs - 1);
      expect(longestMs(backoff)).toBe(expectedMs);
    }
  });

  test('A stable connection resets the delay', () => {
    const backoff = new Backoff();
    for (let n = 0; n < 5; n++) backoff.onEnd(0);
    backoff.onEnd(stableMs);
    expect(longestMs(backoff)).toBe(baseMs);
  });

  test('Flapping connections do not count as failed attempts', () => {
    const backoff = new Backoff();
    for (let n = 0; n < 100; n++) {
      backoff.onFailure();
      backoff.onReady();
      backoff.onEnd(0);
    }
    expect(backoff.failedAttempts).toBe(0);
    expect(backoff.isExhausted).toBe(false);
  });
});

describe('stable connections', () => {
  test('A connection is stable when it lived as long as the limit', () => {
    const backoff = new Backoff();
    expect(backoff.isStable(stableMs - 1)).toBe(false);
    expect(backoff.isStable(stableMs)).toBe(true);
  });
});

describe('giving up', () => {
  test('The attempts are exhausted after the maximum number of failures in a row', () => {
    const backoff = new Backoff();
    for (let n = 1; n < failedAttempts; n++) backoff.onFailure();
    expect(backoff.isExhausted).toBe(false);
    backoff.onFailure();
    expect(backoff.failedAttempts).toBe(failedAttempts);
    expect(backoff.isExhausted).toBe(true);
    backoff.onReady();
    expect(backoff.isExhausted).toBe(false);
  });
});

describe('delays when the rate is limited', () => {
  test('A delay that the server asks for is used up to a limit', () => {
    const backoff = new Backoff();
    expect(backoff.throttledDelayMs(7_000)).toBe(7_000);
    expect(backoff.throttledDelayMs(86_400_000)).toBe(throttledCapMs);
  });

  test('Without a Retry-After the delay is the cap', () => {
    expect(new Backoff().throttledDelayMs(undefined)).toBe(capMs);
  });

  test('A short Retry-After does not shorten the delay after failures', () => {
    const backoff = new Backoff();
    for (let n = 0; n < 20; n++) backoff.onFailure();
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    expect(backoff.throttledDelayMs(0)).toBe(capMs / 2);
  });
});
