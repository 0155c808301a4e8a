import { beforeEach, describe, expect, test } from 'vitest';
import { SequenceReader } from '../../functions/ingester/protocols/sequence-reader.ts';
import { SequenceTracker } from '../../functions/ingester/protocols/sequence-tracker.ts';
import type { ProtocolContext, TopicsGap } from '../../functions/ingester/protocols/stream-protocol.ts';

const TOPICS = ['conversation.state'];
const TIME = '2026-11-20T09:30:45.013Z';

let gaps: TopicsGap[];
let tracker: SequenceTracker;
beforeEach(() => {
  gaps = [];
  tracker = new SequenceTracker();
});
const newReader = (tolerance?: number) => {
  const context = { recordGap: (gap: TopicsGap) => void gaps.push(gap) } as Partial<ProtocolContext>;
  return new SequenceReader({ topics: TOPICS, tracker }, context as ProtocolContext, tolerance);
};

test('The next number reveals nothing', () => {
  const reader = newReader();
  for (const sequence of [1, 2]) expect(reader.read(sequence, TIME, 0)).toEqual({ signals: [], late: false });
});

describe('gaps', () => {
  const gap = { kind: 'gap', from: 2, to: 4, sinceMs: 7 };
  const counted = { kind: 'sequence', outcome: 'gap' };

  test.each([
    [undefined, [counted, gap]],
    [2, [counted, gap]],
    [3, [counted]],
  ])(
    'With the tolerance %s, three missing numbers are counted, and recorded beyond it',
    (tolerance, signals) => {
      const reader = newReader(tolerance);
      reader.read(1, TIME, 7);
      expect(reader.read(5, TIME, 8)).toEqual({ signals, late: false });
    },
  );
});

test('A new epoch is counted and recorded with both numbers, since the moment after which the last event was sent', () => {
  newReader().read(120, TIME, 7);
  const before = Date.now();
  expect(newReader().read(1, TIME, 8)).toEqual({
    signals: [{ kind: 'sequence', outcome: 'epoch' }],
    late: false,
  });
  expect(gaps).toEqual([
    {
      topics: TOPICS,
      fromMs: 7,
      toMs: expect.any(Number),
      reason: 'the sequence restarted at 1 after 120: a new epoch',
    },
  ]);
  expect(gaps[0]?.toMs).toBeGreaterThanOrEqual(before);
});

test('A lower number is late, and a repeated one is not', () => {
  const reader = newReader();
  for (const sequence of [1, 3]) reader.read(sequence, TIME, 0);
  expect(reader.read(2, TIME, 0)).toEqual({ signals: [{ kind: 'sequence', outcome: 'late' }], late: true });
  expect(reader.read(3, TIME, 0)).toEqual({
    signals: [{ kind: 'sequence', outcome: 'duplicate' }],
    late: false,
  });
});
