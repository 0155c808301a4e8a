import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  epochReason,
  MAX_REMEMBERED_EVENTS,
  SequenceTracker,
  sequenceSignals,
} from '../../functions/ingester/protocols/sequence-tracker.ts';

let tracker: SequenceTracker;
beforeEach(() => {
  tracker = new SequenceTracker();
});

/** A time that grows with its number. */
const at = (n: number) => new Date(1_800_000_000_000 + n * 1_000).toISOString();
/** The kinds of the outcomes of events, each a number and the number of its time. */
const kinds = (take: ReturnType<SequenceTracker['connection']>, ...events: [number, number][]) =>
  events.map(([sequence, time]) => take(sequence, at(time)).kind);

describe('one connection', () => {
  test('The first event can have any number, and contiguous ones follow it', () => {
    expect(kinds(tracker.connection(), [41, 1], [42, 2], [43, 3])).toEqual(['next', 'next', 'next']);
  });

  test('A jump is a gap of known size, from when the last event before it was received', () => {
    vi.useFakeTimers({ now: 1_000 });
    const take = tracker.connection();
    take(1, at(1));
    vi.setSystemTime(5_000);
    expect(take(5, at(5))).toEqual({ kind: 'gap', from: 2, to: 4, sinceMs: 1_000 });
    vi.useRealTimers();
    expect(take(6, at(6)).kind).toBe('next');
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
});

describe('several connections', () => {
  test('What was missed between two connections is a gap', () => {
    kinds(tracker.connection(), [1, 1], [2, 2]);
    expect(tracker.connection()(6, at(6))).toMatchObject({ kind: 'gap', from: 3, to: 5 });
  });

  test('A sequence that starts again with a new connection is a new epoch, in which nothing is a duplicate', () => {
    kinds(tracker.connection(), [1, 1], [2, 2], [3, 3]);
    const take = tracker.connection();
    expect(take(1, at(11))).toMatchObject({ kind: 'epoch', last: 3 });
    expect(kinds(take, [2, 12], [3, 13], [4, 14], [6, 16])).toEqual(['next', 'next', 'next', 'gap']);
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

test('The memory is bounded: an event that was forgotten is late when it comes again', () => {
  const take = tracker.connection();
  for (let n = 1; n <= MAX_REMEMBERED_EVENTS + 1; n++) take(n, at(n));
  expect(kinds(take, [2, 2], [1, 1])).toEqual(['duplicate', 'late']);
});

describe('signals', () => {
  test('Every outcome but the next number is counted', () => {
    expect(sequenceSignals({ kind: 'next' })).toEqual([]);
    expect(sequenceSignals({ kind: 'late' })).toEqual([{ kind: 'sequence', outcome: 'late' }]);
    expect(sequenceSignals({ kind: 'epoch', last: 3, sinceMs: 1 })).toEqual([
      { kind: 'sequence', outcome: 'epoch' },
    ]);
  });

  test('A gap beyond the tolerance is a gap record', () => {
    const gap = { kind: 'gap', from: 2, to: 4, sinceMs: 1 } as const;
    expect(sequenceSignals(gap, 2)).toEqual([{ kind: 'sequence', outcome: 'gap' }, gap]);
    expect(sequenceSignals(gap, 3)).toEqual([{ kind: 'sequence', outcome: 'gap' }]);
  });

  test('The reason of an epoch names both numbers', () => {
    expect(epochReason(120, 1)).toBe('the sequence started again at 1 after 120: a new epoch');
  });
});
