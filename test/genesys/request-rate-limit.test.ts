import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MAX_REQUESTS_PER_MINUTE, RateLimit } from '../../lib/genesys/request-rate-limit.ts';

const WINDOW_MS = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ fakeNodeBuiltins: true });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Makes one request after each of these gaps. @returns times of the requests and of their permission, in order */
async function run(
  limit: RateLimit,
  gapsMs: readonly number[],
): Promise<{ requested: number; allowed: number }[]> {
  const requests: Promise<{ requested: number; allowed: number }>[] = [];
  for (const gapMs of gapsMs) {
    await vi.advanceTimersByTimeAsync(gapMs);
    const requested = Date.now();
    requests.push(limit.take().then(() => ({ requested, allowed: Date.now() })));
  }
  await vi.runAllTimersAsync();
  return Promise.all(requests);
}

/** The highest number of requests allowed within any window. */
function mostInAnyWindow(times: readonly number[]): number {
  const counts = times.map((start) => times.filter((t) => t >= start && t < start + WINDOW_MS).length);
  return Math.max(...counts);
}

test('The rate limit allows 1,000 simultaneous requests at 300 per minute, without further delay', async () => {
  const times = (await run(new RateLimit(), Array<number>(1_000).fill(0))).map(({ allowed }) => allowed);
  const start = times[0] ?? 0;
  expect(mostInAnyWindow(times)).toBe(MAX_REQUESTS_PER_MINUTE);
  expect(times.map((time) => time - start)).toEqual(
    Array.from({ length: 1_000 }, (_, index) => Math.floor(index / MAX_REQUESTS_PER_MINUTE) * WINDOW_MS),
  );
});

test('The rate limit is kept in every window, keeps the order of requests and delays none unnecessarily', async () => {
  const gapMs = fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    fc.integer({ min: 0, max: 90_000 }),
    fc.constantFrom(1, WINDOW_MS - 1, WINDOW_MS),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 8 }),
      fc.array(gapMs, { minLength: 1, maxLength: 40 }),
      async (perMinute, gaps) => {
        const requests = await run(new RateLimit(perMinute), gaps);
        const times = requests.map(({ allowed }) => allowed);
        expect(mostInAnyWindow(times)).toBeLessThanOrEqual(perMinute);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        for (const [index, { requested, allowed }] of requests.entries()) {
          expect(allowed).toBe(Math.max(requested, (times[index - perMinute] ?? -WINDOW_MS) + WINDOW_MS));
        }
      },
    ),
  );
});

test('The rate limit does not delay 300 requests that are spread over a minute', async () => {
  const requests = await run(new RateLimit(), Array<number>(900).fill(200));
  expect(requests.filter(({ requested, allowed }) => allowed > requested)).toEqual([]);
});

test('An aborted request stops waiting immediately, and later requests still respect the rate limit', async () => {
  const limit = new RateLimit(2);
  const start = Date.now();
  await run(limit, [0, 0]);
  const controller = new AbortController();
  const aborted = limit.take(controller.signal).catch((error: Error) => error.name);
  controller.abort();
  expect(await aborted).toBe('AbortError');
  expect(Date.now()).toBe(start);
  const times = (await run(limit, [0, 0, 0])).map(({ allowed }) => allowed);
  expect(mostInAnyWindow([start, start, ...times])).toBeLessThanOrEqual(2);
});
