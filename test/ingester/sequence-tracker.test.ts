import { beforeEach, describe, expect, test } from 'vitest';
import {
  MAX_REMEMBERED_EVENTS,
  SequenceTracker,
} from '../../functions/ingester/protocols/sequence-tracker.ts';

let tracker: SequenceTracker;
beforeEach(() => {
  tracker = new SequenceTracker();
});

/** A time that grows with its number. */
const at = (n: number) => new Date(1_800_000_000_000 + n * 1_000).toISOString();
/** The kinds of the outcomes of events, each a number and the number of its time. */
const kinds = (take: ReturnType<SequenceTracker['connection']>, ...events: [number, number][]) =>
  events.map(([sequence, time]) => take(sequence, at(time), 0).kind);

describe('one connection', () => {
  test('The first event can have any number, and contiguous ones follow it', () => {
    expect(kinds(tracker.connection(), [41, 1], [42, 2], [43, 3])).toEqual(['next', 'next', 'next']);
  });

  test('A jump is a gap of known size, since the moment after which the last event before it was sent', () => {
    const take = tracker.connection();
    take(1, at(1), 1_000);
    expect(take(5, at(5), 4_000)).toEqual({ kind: 'gap', from: 2, to: 4, sinceMs: 1_000 });
    expect(take(6, at(6), 5_000).kind).toBe('next');
    // A late event does not move that moment: what is missing may have been sent before it.
    take(4, at(4), 9_000);
    expect(take(8, at(8), 9_500)).toMatchObject({ kind: 'gap', sinceMs: 5_000 });
  });

  test('A lower number is late, and the same event again is a duplicate', () => {
    expect(kinds(tracker.connection(), [1, 1], [3, 3], [2, 2], [3, 3], [4, 4])).toEqual([
      'next',
      'gap',
      'late',
      'duplicate',
      'next',
    ]);
  });

  test('The same number with another time on one connection is late, not a duplicate', () => {
    expect(kinds(tracker.connection(), [1, 1], [2, 2], [1, 9])).toEqual(['next', 'next', 'late']);
  });

  test('The newest number with another time is a duplicate, which is never dropped as late', () => {
    expect(kinds(tracker.connection(), [1, 1], [2, 2], [2, 9], [3, 9])).toEqual([
      'next',
      'next',
      'duplicate',
      'next',
    ]);
  });
});

describe('several connections', () => {
  test('Events that were missed between two connections are a gap', () => {
    kinds(tracker.connection(), [1, 1], [2, 2]);
    expect(tracker.connection()(6, at(6), 0)).toMatchObject({ kind: 'gap', from: 3, to: 5 });
  });

  test('A sequence that restarts on a new connection is a new epoch, in which no event is a duplicate', () => {
    kinds(tracker.connection(), [1, 1], [2, 2], [3, 3]);
    const take = tracker.connection();
    expect(take(1, at(11), 0)).toMatchObject({ kind: 'epoch', last: 3 });
    expect(kinds(take, [2, 12], [3, 13], [4, 14], [6, 16])).toEqual(['next', 'next', 'next', 'gap']);
  });

  test.each([
    ['the same time as the newest event', 3],
    ['an earlier time, because the clock of another server differs', 2],
  ])('A sequence that restarts with %s is a new epoch', (_, time) => {
    kinds(tracker.connection(), [1, 1], [2, 2], [3, 3]);
    expect(kinds(tracker.connection(), [1, time], [2, time], [3, time], [4, time])).toEqual([
      'epoch',
      'next',
      'next',
      'next',
    ]);
  });

  test('Below all known numbers, an event with the time of the newest one begins a new epoch, an older one is late', () => {
    kinds(tracker.connection(), [50, 5], [51, 6]);
    expect(kinds(tracker.connection(), [1, 4])).toEqual(['late']);
    expect(kinds(tracker.connection(), [1, 6], [2, 6])).toEqual(['epoch', 'next']);
  });

  test('A sequence can start again several times', () => {
    kinds(tracker.connection(), [1, 1], [2, 1]);
    expect(kinds(tracker.connection(), [1, 2], [2, 2])).toEqual(['epoch', 'next']);
    expect(kinds(tracker.connection(), [1, 3], [2, 3])).toEqual(['epoch', 'next']);
  });

  test('An old event that a new connection sends again is a duplicate, and one that was missed is late', () => {
    kinds(tracker.connection(), [1, 1], [2, 2], [4, 4], [5, 5]);
    const take = tracker.connection();
    expect(kinds(take, [3, 3], [4, 4], [5, 5], [6, 6])).toEqual(['late', 'duplicate', 'duplicate', 'next']);
  });

  test('Events of overlapping connections are next on the first one that delivers them, and duplicates on the other', () => {
    const [old, replacement] = [tracker.connection(), tracker.connection()];
    expect(kinds(old, [1, 1], [2, 2])).toEqual(['next', 'next']);
    expect(kinds(replacement, [2, 2], [3, 3], [4, 4])).toEqual(['duplicate', 'next', 'next']);
    expect(kinds(old, [3, 3], [4, 4], [5, 5])).toEqual(['duplicate', 'duplicate', 'next']);
    expect(kinds(replacement, [6, 6])).toEqual(['next']);
  });

  test('A replaced connection that still delivers the old epoch does not disturb the new one', () => {
    const old = tracker.connection();
    kinds(old, [100, 1], [101, 2]);
    const replacement = tracker.connection();
    expect(kinds(replacement, [1, 3])).toEqual(['epoch']);
    expect(kinds(old, [102, 4])).toEqual(['next']);
    expect(kinds(replacement, [2, 5], [3, 6])).toEqual(['next', 'next']);
  });
});

test('The memory is bounded: an event that was forgotten counts as late when it arrives again', () => {
  const take = tracker.connection();
  for (let n = 1; n <= MAX_REMEMBERED_EVENTS + 1; n++) take(n, at(n), 0);
  expect(kinds(take, [2, 2], [1, 1])).toEqual(['duplicate', 'late']);
});
