import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  afterRound,
  FILL_TIMES,
  type Fill,
  type FillWindow,
  halvesOf,
  hashOf,
  MAX_ROUNDS,
  newFill,
  recoveredCounts,
  recoveredTotal,
  windowsOf,
} from '../../functions/backfill/fill.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;
const TO_MS = 1_800_000_000_000;
const times = { ...FILL_TIMES, roundsAfterMs: [1_000, 5_000, 30_000] as const };
const gap = { gapId: 'g', fromMs: TO_MS - 5_000, toMs: TO_MS, reason: '1006', topics: { id: 't' } };

function found(counts: Readonly<Record<string, number>>): FillWindow {
  return { fromMs: gap.fromMs, toMs: gap.toMs, counts };
}

/** Window lengths in minutes. */
function minutesOf(...intervals: readonly (readonly [from: number, to: number])[]): number[] {
  const windows = windowsOf(
    intervals.map(([from, to]) => ({ fromMs: from * MINUTE_MS, toMs: to * MINUTE_MS })),
  );
  return windows.map(({ fromMs, toMs }) => (toMs - fromMs) / MINUTE_MS);
}

test('A gap is read after a minute, after 5 and after 30, with the edges that Genesys Cloud needs', () => {
  expect(FILL_TIMES).toEqual({
    roundsAfterMs: [70_000, 300_000, 1_800_000],
    edgeMs: 10_000,
    unprovenMs: 30_000,
    retryAfterMs: 60_000,
  });
});

test('A new gap is due for its first round, and nothing of it is read', () => {
  expect(newFill(gap, times)).toEqual({
    ...gap,
    rounds: 0,
    dueAtMs: TO_MS + 1_000,
    windows: [],
    next: { window: 0 },
    before: 0,
    missingPermissions: {},
    version: 0,
  });
});

describe('the windows of a gap', () => {
  test('Each has ten minutes, and the last one has the rest', () => {
    expect(minutesOf([0, 25])).toEqual([10, 10, 5]);
    expect(minutesOf([0, 10])).toEqual([10]);
    expect(minutesOf([3, 4])).toEqual([1]);
  });

  test('They are in order of time and touch each other, without counts', () => {
    expect(windowsOf([{ fromMs: 5, toMs: 5 + 15 * MINUTE_MS }])).toEqual([
      { fromMs: 5, toMs: 5 + 10 * MINUTE_MS, counts: {} },
      { fromMs: 5 + 10 * MINUTE_MS, toMs: 5 + 15 * MINUTE_MS, counts: {} },
    ]);
  });

  test('Each part of a gap has its own windows', () => {
    expect(minutesOf([0, 12], [20, 25])).toEqual([10, 2, 5]);
    expect(minutesOf()).toEqual([]);
  });

  test('A gap has at most 400, which are longer then', () => {
    expect(new Set(minutesOf([0, 8_000]))).toEqual(new Set([20]));
    expect(minutesOf([0, 8_000])).toHaveLength(400);
    expect(minutesOf([0, 4_000], [5_000, 9_000])).toHaveLength(400);
    expect(windowsOf([{ fromMs: 0, toMs: 4_000 * MINUTE_MS + 1 }])).toHaveLength(400);
  });

  test('None is longer than the 7 days that the analytics API accepts', () => {
    const lengths = windowsOf([{ fromMs: 0, toMs: 8_000 * DAY_MS }]).map(
      ({ fromMs, toMs }) => (toMs - fromMs) / DAY_MS,
    );
    expect(Math.max(...lengths)).toBe(7);
  });

  test('Both halves of one that has too many events are read again', () => {
    const window = { fromMs: 10, toMs: 21, counts: { a: 1 }, eventsHash: 'x' };
    expect(halvesOf(window)).toEqual([
      { fromMs: 10, toMs: 15, counts: {} },
      { fromMs: 15, toMs: 21, counts: {} },
    ]);
  });
});

test('Recovered events are counted by topic over all windows and the states', () => {
  const fill = { ...newFill(gap, times), windows: [found({ a: 1, b: 2 }), found({ a: 3 })] };
  expect(recoveredCounts(fill)).toEqual({ a: 4, b: 2 });
  expect(recoveredCounts({ ...fill, states: { b: 5, c: 1 } })).toEqual({ a: 4, b: 7, c: 1 });
  expect(recoveredTotal({ ...fill, states: { b: 5, c: 1 } })).toBe(12);
});

describe('the rounds of a gap', () => {
  const next = (rounds: number, change: Partial<Fill>, nowMs = TO_MS) =>
    afterRound({ ...newFill(gap, times), rounds, ...change }, times, nowMs);

  test('The next one begins with the first window, and is planned from the end of the gap', () => {
    const fill = { windows: [found({ a: 2 })], next: { window: 1, afterConversation: 'c' } };
    expect(next(0, fill)).toMatchObject({ rounds: 1, dueAtMs: TO_MS + 5_000, before: 2 });
    expect(next(0, fill)?.next).toEqual({ window: 0 });
    expect(next(1, fill)).toMatchObject({ rounds: 2, dueAtMs: TO_MS + 30_000 });
  });

  test('One that is late is due at once', () => {
    expect(next(0, {}, TO_MS + 60_000)).toMatchObject({ dueAtMs: TO_MS + 60_000 });
  });

  test('The last planned one closes the gap if it found nothing new', () => {
    expect(next(2, { windows: [found({ a: 2 })], before: 2 })).toBeUndefined();
    expect(next(1, { windows: [found({ a: 2 })], before: 2 })).toBeDefined();
  });

  test('If it found something, another one follows after as long as the last one waited', () => {
    const more = { windows: [found({ a: 3 })], before: 2 };
    expect(next(2, more, TO_MS + 31_000)).toMatchObject({
      rounds: 3,
      dueAtMs: TO_MS + 61_000,
      before: 3,
    });
  });

  test('After six of them the gap is closed, whatever was found', () => {
    const more = { windows: [found({ a: 3 })], before: 2 };
    expect(MAX_ROUNDS).toBe(6);
    expect(next(4, more)).toBeDefined();
    expect(next(5, more)).toBeUndefined();
  });
});

test('The hash of ids depends on each of them and not on their order', () => {
  expect(hashOf(['b', 'a'])).toBe(hash('sha256', 'a\nb', 'base64url').slice(0, 16));
  expect(hashOf(['a', 'b'])).toBe(hashOf(['b', 'a']));
  expect(new Set([['a', 'bc'], ['ab', 'c'], ['abc'], []].map(hashOf)).size).toBe(4);
});
