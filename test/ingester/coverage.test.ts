import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Coverage, type Gap, gapRecorder } from '../../functions/ingester/coverage.ts';
import { LocalAws, STATE_TABLE } from './local-aws.ts';
import { TestLog } from './test-log.ts';

const START_MS = 1_800_000_000_000;
let recorded: Gap[];
let log: TestLog;
let coverage: Coverage;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START_MS });
  recorded = [];
  log = new TestLog();
  coverage = new Coverage(log, async (gap) => void recorded.push(gap));
});
afterEach(() => vi.useRealTimers());

describe('coverage', () => {
  test('Coverage is complete while every subscription is covered', () => {
    coverage.onCovered('a', START_MS);
    expect(coverage.isComplete(['a', 'b'])).toBe(false);
    expect(coverage.wasComplete(['a', 'b'])).toBe(false);
    coverage.onCovered('b', START_MS);
    expect(coverage.isComplete(['a', 'b'])).toBe(true);
    expect(coverage.wasComplete(['a', 'b'])).toBe(true);
    coverage.onUncovered('a', START_MS, 'lost');
    expect(coverage.isComplete(['a', 'b'])).toBe(false);
    expect(coverage.wasComplete(['a', 'b'])).toBe(true);
  });

  test('There is no gap before the first connection', async () => {
    coverage.onCovered('a', START_MS);
    await coverage.close();
    expect(recorded).toEqual([]);
    expect(coverage.longestOpenGap()).toBeUndefined();
  });

  test('A gap is recorded when it ends, from the last proof of life to the next connection', async () => {
    coverage.onCovered('a', START_MS);
    coverage.onUncovered('a', START_MS + 1_000, '1006');
    coverage.onUncovered('a', START_MS + 2_000, 'a second reason');
    expect(recorded).toEqual([]);
    coverage.onCovered('a', START_MS + 3_500);
    expect(recorded).toEqual([
      { subscription: 'a', fromMs: START_MS + 1_000, toMs: START_MS + 3_500, reason: '1006' },
    ]);
    expect(coverage.totals).toEqual({ gaps: 1, gapSeconds: 2.5 });
    expect(log.about('gap')[0]?.fields).toEqual({
      subscription: 'a',
      from: '2027-01-15T08:00:01.000Z',
      to: '2027-01-15T08:00:03.500Z',
      reason: '1006',
    });
  });

  test('The longest open gap is the one that started first', () => {
    coverage.onUncovered('a', START_MS - 1_000, 'short');
    coverage.onUncovered('b', START_MS - 5_000, 'long');
    coverage.onUncovered('c', START_MS - 2_000, 'shorter');
    expect(coverage.longestOpenGap()).toEqual({ subscription: 'b', ms: 5_000, reason: 'long' });
  });

  test('An open gap ends with the process', async () => {
    coverage.onUncovered('d', START_MS - 1_000, 'lost');
    await coverage.close();
    expect(recorded).toEqual([
      { subscription: 'd', fromMs: START_MS - 1_000, toMs: START_MS, reason: 'lost' },
    ]);
  });

  test('An open gap ends when its subscription is no longer wanted', () => {
    coverage.onUncovered('d', START_MS - 1_000, 'lost');
    coverage.forget('d');
    expect(recorded).toHaveLength(1);
    expect(coverage.longestOpenGap()).toBeUndefined();
    expect(coverage.wasComplete(['d'])).toBe(false);
  });

  test('Missing sequence numbers are a gap without length', () => {
    coverage.addSequenceGap('a', 5, 9);
    const reason = 'sequence numbers 5 to 9 were not delivered';
    expect(recorded).toEqual([{ subscription: 'a', fromMs: START_MS, toMs: START_MS, reason }]);
    expect(coverage.totals).toEqual({ gaps: 1, gapSeconds: 0 });
  });

  test('A gap that cannot be written is logged as an error', async () => {
    coverage = new Coverage(log, () => Promise.reject(new Error('no table')));
    coverage.add({ subscription: 'a', fromMs: 1, toMs: 2, reason: 'x' });
    await coverage.close();
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'error']);
  });

  test('The number of concurrent writes is bounded, and further gaps are only logged', async () => {
    const gate = Promise.withResolvers<void>();
    let writes = 0;
    coverage = new Coverage(log, () => {
      writes++;
      return gate.promise;
    });
    for (let n = 0; n < 1_500; n++)
      coverage.add({ subscription: String(n), fromMs: 1, toMs: 2, reason: 'x' });
    expect(writes).toBe(1_000);
    expect(coverage.totals.gaps).toBe(1_500);
    expect(log.about('gap')).toHaveLength(1_500);
    gate.resolve();
    await coverage.close();
  });
});

describe('gaps in the state table', () => {
  let aws: LocalAws;
  beforeAll(async () => {
    aws = await LocalAws.start();
  });
  afterAll(() => aws.close());

  test('A gap is a record that is kept for 90 days', async () => {
    const record = gapRecorder(aws.dynamodb, STATE_TABLE, 'default');
    await record({ subscription: '2', fromMs: START_MS, toMs: START_MS + 1_500, reason: '1001 maintenance' });
    await record({ subscription: '3', fromMs: START_MS, toMs: START_MS + 1_500, reason: '1006' });
    expect(
      (await aws.records('gap#')).toSorted((a, b) => (a.sk?.S ?? '').localeCompare(b.sk?.S ?? '')),
    ).toEqual([
      {
        pk: { S: 'subscription#default' },
        sk: { S: 'gap#2027-01-15T08:00:00.000Z#2' },
        fromMs: { N: String(START_MS) },
        toMs: { N: String(START_MS + 1_500) },
        reason: { S: '1001 maintenance' },
        expiresAt: { N: String(START_MS / 1_000 + 90 * 86_400) },
      },
      expect.objectContaining({ sk: { S: 'gap#2027-01-15T08:00:00.000Z#3' } }),
    ]);
  });
});
