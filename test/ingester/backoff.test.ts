import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BACKOFF_LIMITS, Backoff } from '../../functions/ingester/backoff.ts';

const { baseMs, capMs, stableMs, failedAttempts, throttledCapMs } = BACKOFF_LIMITS;

/** The longest delay that is possible now. */
function longestMs(backoff: Backoff): number {
  const random = vi.spyOn(Math, 'random').mockReturnValue(1);
  const delayMs = backoff.delayMs();
  random.mockRestore();
  return delayMs;
}

afterEach(() => vi.restoreAllMocks());

describe('the delay', () => {
  it('has full jitter: from nothing to a bound that doubles with each failure, up to the cap', () => {
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

  it('spreads over all of its range', () => {
    const backoff = new Backoff();
    const delays = Array.from({ length: 1_000 }, () => backoff.delayMs() / baseMs);
    for (const quarter of [0, 1, 2, 3]) {
      const share = delays.filter((delay) => Math.floor(delay * 4) === quarter).length;
      expect(share).toBeGreaterThan(150);
    }
  });
});

describe('the memory of flapping', () => {
  it('lets the delay grow while connections end soon after they were ready', () => {
    const backoff = new Backoff();
    for (const expectedMs of [baseMs * 2, baseMs * 4, baseMs * 8]) {
      backoff.onReady();
      backoff.onEnd(stableMs - 1);
      expect(longestMs(backoff)).toBe(expectedMs);
    }
  });

  it('ends with a connection that lived long enough', () => {
    const backoff = new Backoff();
    for (let n = 0; n < 5; n++) backoff.onEnd(0);
    backoff.onEnd(stableMs);
    expect(longestMs(backoff)).toBe(baseMs);
  });

  it('does not count towards giving up', () => {
    const backoff = new Backoff();
    for (let n = 0; n < 100; n++) {
      backoff.onFailure();
      backoff.onReady();
      backoff.onEnd(0);
    }
    expect([backoff.failedAttempts, backoff.isExhausted]).toEqual([0, false]);
  });
});

describe('giving up', () => {
  it('comes after as many failures in a row as the limit says', () => {
    const backoff = new Backoff();
    for (let n = 1; n < failedAttempts; n++) backoff.onFailure();
    expect(backoff.isExhausted).toBe(false);
    backoff.onFailure();
    expect([backoff.failedAttempts, backoff.isExhausted]).toEqual([failedAttempts, true]);
    backoff.onReady();
    expect(backoff.isExhausted).toBe(false);
  });
});

describe('the wait of the throttled', () => {
  it('is what the server asks for, bounded', () => {
    const backoff = new Backoff();
    expect(backoff.throttledDelayMs(7_000)).toBe(7_000);
    expect(backoff.throttledDelayMs(86_400_000)).toBe(throttledCapMs);
  });

  it('is the cap where the server does not say', () => {
    expect(new Backoff().throttledDelayMs(undefined)).toBe(capMs);
  });

  it('is never shorter than after any other failure, so that a server that asks for nothing is not hammered', () => {
    const backoff = new Backoff();
    for (let n = 0; n < 20; n++) backoff.onFailure();
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    expect(backoff.throttledDelayMs(0)).toBe(capMs / 2);
  });
});
