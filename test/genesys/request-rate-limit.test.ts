import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RateLimit, REQUESTS_PER_MINUTE } from '../../lib/genesys/request-rate-limit.ts';

const WINDOW_MS = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ fakeNodeBuiltins: true });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Ask for places after these gaps. @returns when each was asked for and when it was given, in order of asking */
async function run(limit: RateLimit, gapsMs: readonly number[]): Promise<{ asked: number; given: number }[]> {
  const places: Promise<{ asked: number; given: number }>[] = [];
  for (const gapMs of gapsMs) {
    await vi.advanceTimersByTimeAsync(gapMs);
    const asked = Date.now();
    places.push(limit.take().then(() => ({ asked, given: Date.now() })));
  }
  await vi.runAllTimersAsync();
  return Promise.all(places);
}

/** The most places that were given within any window. */
function mostInAnyWindow(times: readonly number[]): number {
  const counts = times.map((start) => times.filter((t) => t >= start && t < start + WINDOW_MS).length);
  return Math.max(...counts);
}

test("a thousand at once keep to the platform's 300 a minute, as fast as it allows", async () => {
  const times = (await run(new RateLimit(), Array<number>(1_000).fill(0))).map(({ given }) => given);
  const start = times[0] ?? 0;
  expect(mostInAnyWindow(times)).toBe(REQUESTS_PER_MINUTE);
  expect(times.map((time) => time - start)).toEqual(
    Array.from({ length: 1_000 }, (_, index) => Math.floor(index / REQUESTS_PER_MINUTE) * WINDOW_MS),
  );
});

test('never more than the limit in any window, in the order of asking, none later than it must be', async () => {
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
        const places = await run(new RateLimit(perMinute), gaps);
        const times = places.map(({ given }) => given);
        expect(mostInAnyWindow(times)).toBeLessThanOrEqual(perMinute);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        for (const [index, { asked, given }] of places.entries()) {
          expect(given).toBe(Math.max(asked, (times[index - perMinute] ?? -WINDOW_MS) + WINDOW_MS));
        }
      },
    ),
  );
});

test('300 spread over a minute wait for nothing', async () => {
  const places = await run(new RateLimit(), Array<number>(900).fill(200));
  expect(places.filter(({ asked, given }) => given > asked)).toEqual([]);
});

test('who gives up does so at once, and those behind keep to the limit', async () => {
  const limit = new RateLimit(2);
  const start = Date.now();
  await run(limit, [0, 0]);
  const controller = new AbortController();
  const aborted = limit.take(controller.signal).catch((error: Error) => error.name);
  controller.abort();
  expect(await aborted).toBe('AbortError');
  expect(Date.now()).toBe(start);
  const times = (await run(limit, [0, 0, 0])).map(({ given }) => given);
  expect(mostInAnyWindow([start, start, ...times])).toBeLessThanOrEqual(2);
});
