import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  KeyHistory,
  MAX_CLOCK_DIFFERENCE_MS,
  MAX_STATES_PER_KEY,
  MIN_STATES,
} from '../../functions/ingester/key-history.ts';

/** Add one state of each of `count` other keys. */
function addOthers(history: KeyHistory, count: number, name = 'other'): void {
  for (let n = 0; n < count; n++) history.add(`${name} ${n}`, `state of ${name} ${n}`);
}
const addAll = (history: KeyHistory, key: string, ids: readonly string[]) =>
  ids.map((id) => history.add(key, id));

describe('recurrences', () => {
  test('A state recurs when it returns after another state of its key', () => {
    const history = new KeyHistory();
    expect(addAll(history, 'k', ['a', 'b', 'a', 'b', 'c', 'a'])).toEqual([
      false,
      false,
      true,
      true,
      false,
      true,
    ]);
  });

  test('The same state twice in a row does not recur, and neither does a state of another key', () => {
    const history = new KeyHistory();
    expect(addAll(history, 'k', ['a', 'a', 'b', 'b'])).toEqual([false, false, false, false]);
    expect(addAll(history, 'l', ['a', 'b'])).toEqual([false, false]);
  });

  test('Fewer states than the limit are all remembered', () => {
    const states = fc.array(fc.tuple(fc.constantFrom('k', 'l', 'm'), fc.constantFrom('a', 'b', 'c')));
    fc.assert(
      fc.property(states, (added) => {
        const history = new KeyHistory(10);
        const seen = new Map<string, string[]>();
        for (const [key, id] of added) {
          const before = seen.get(key) ?? [];
          expect(history.add(key, id)).toBe(before.includes(id) && before.at(-1) !== id);
          seen.set(key, [...before, id]);
        }
      }),
    );
  });
});

describe('a state that lasts since before the connection was opened', () => {
  const OPENED_MS = 1_800_000_000_000;
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([
    { lastsSinceMs: OPENED_MS + MAX_CLOCK_DIFFERENCE_MS - 1, expected: [true, false, true, false, true] },
    { lastsSinceMs: OPENED_MS + MAX_CLOCK_DIFFERENCE_MS, expected: [false, false, false, false, true] },
    { lastsSinceMs: undefined, expected: [false, false, false, false, true] },
  ])('It may have recurred: $lastsSinceMs', ({ lastsSinceMs, expected }) => {
    vi.useFakeTimers({ now: OPENED_MS });
    const history = new KeyHistory();
    vi.setSystemTime(OPENED_MS + 60_000);
    expect(['a', 'a', 'b', 'b', 'a'].map((id) => history.add('k', id, lastsSinceMs))).toEqual(expected);
  });

  test('What began after the connection before it was opened is older than the next one', () => {
    vi.useFakeTimers({ now: OPENED_MS });
    const history = new KeyHistory();
    const lastsSinceMs = OPENED_MS + MAX_CLOCK_DIFFERENCE_MS;
    expect(history.add('k', 'a', lastsSinceMs)).toBe(false);
    vi.setSystemTime(OPENED_MS + 60_000);
    expect(history.inherit().add('k', 'b', lastsSinceMs)).toBe(true);
  });
});

describe('the bounds', () => {
  test.each([-1, 0, 1])(
    'A state that returns is recognized however many keys were there before: %i',
    (more) => {
      const history = new KeyHistory();
      addOthers(history, 2 * MIN_STATES - 1 + more);
      addAll(history, 'k', ['a', 'b']);
      addOthers(history, 1, 'last');
      expect(history.add('k', 'a')).toBe(true);
    },
  );

  test('A state is remembered for at least as many other states as the limit, and for at most twice as many', () => {
    for (const earlier of [0, 1, 5, 9, 10, 15]) {
      const history = new KeyHistory(10);
      addOthers(history, earlier, 'earlier');
      addAll(history, 'k', ['a', 'b']);
      addOthers(history, 8);
      expect(history.add('k', 'a')).toBe(true);
      addOthers(history, 20, 'later');
      expect(history.add('k', 'b')).toBe(false);
    }
  });

  test('A key whose states arrive often is not forgotten', () => {
    const history = new KeyHistory(10);
    addAll(history, 'k', ['a', 'b']);
    for (let round = 0; round < 20; round++) {
      addOthers(history, 5, `round ${round}`);
      expect(history.add('k', round % 2 === 0 ? 'a' : 'b')).toBe(true);
    }
  });

  test('A key with too many states is not remembered further, and each of its changes counts as a recurrence', () => {
    const history = new KeyHistory();
    const ids = Array.from({ length: MAX_STATES_PER_KEY }, (_, n) => `state ${n}`);
    expect(addAll(history, 'k', ids)).not.toContain(true);
    expect(addAll(history, 'k', ['new', 'newer', 'new', 'state 0'])).toEqual([true, true, true, true]);
    expect(history.add('k', 'state 0')).toBe(false);
  });

  test('A key with many states takes the place of as many others, and only once', () => {
    const history = new KeyHistory(2 * MAX_STATES_PER_KEY);
    addAll(history, 'k', ['a', 'b']);
    const ids = Array.from({ length: 10 * MAX_STATES_PER_KEY }, (_, n) => `state ${n}`);
    addAll(history, 'large', ids);
    expect(history.add('k', 'a')).toBe(true);
  });
});

describe('a fork', () => {
  test.each([3, 10, 15])('A fork after %i states knows them, and forgets them on its own', (others) => {
    const history = new KeyHistory(10);
    addAll(history, 'k', ['a', 'b']);
    addOthers(history, others);
    const fork = history.inherit();
    addOthers(history, 40, 'later');
    expect(fork.add('k', 'a')).toBe(true);
    expect(history.add('k', 'a')).toBe(false);
  });

  test.each([0, 8])(
    'A state that is added to a fork after %i others is unknown to its origin, and vice versa',
    (others) => {
      const history = new KeyHistory(10);
      addAll(history, 'k', ['a', 'b']);
      addOthers(history, others);
      const fork = history.inherit();
      fork.add('k', 'c');
      expect(history.add('k', 'c')).toBe(false);
      history.add('k', 'd');
      expect(fork.add('k', 'd')).toBe(false);
    },
  );
});
