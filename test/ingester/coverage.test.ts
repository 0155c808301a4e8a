import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
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
  it('is complete when every part is covered', () => {
    coverage.onCovered(0, START_MS);
    expect([coverage.isComplete([0, 1]), coverage.wasComplete([0, 1])]).toEqual([false, false]);
    coverage.onCovered(1, START_MS);
    expect([coverage.isComplete([0, 1]), coverage.wasComplete([0, 1])]).toEqual([true, true]);
    coverage.onUncovered(0, START_MS, 'lost');
    expect([coverage.isComplete([0, 1]), coverage.wasComplete([0, 1])]).toEqual([false, true]);
  });

  it('has no gap before the first connection', async () => {
    coverage.onCovered(0, START_MS);
    await coverage.close();
    expect([recorded, coverage.longestOpenGap()]).toEqual([[], undefined]);
  });

  it('records a gap when it ends, from the last proof of life to the next connection', async () => {
    coverage.onCovered(0, START_MS);
    coverage.onUncovered(0, START_MS + 1_000, '1006');
    coverage.onUncovered(0, START_MS + 2_000, 'a second reason');
    expect(recorded).toEqual([]);
    coverage.onCovered(0, START_MS + 3_500);
    expect(recorded).toEqual([{ slot: 0, fromMs: START_MS + 1_000, toMs: START_MS + 3_500, reason: '1006' }]);
    expect(coverage.totals).toEqual({ gaps: 1, gapSeconds: 2.5 });
    expect(log.about('gap')[0]?.fields).toEqual({
      slot: 0,
      from: '2027-01-15T08:00:01.000Z',
      to: '2027-01-15T08:00:03.500Z',
      reason: '1006',
    });
  });

  it('tells of the longest open gap', () => {
    coverage.onUncovered(0, START_MS - 1_000, 'short');
    coverage.onUncovered(1, START_MS - 5_000, 'long');
    coverage.onUncovered(2, START_MS - 2_000, 'shorter');
    expect(coverage.longestOpenGap()).toEqual({ slot: 1, ms: 5_000, reason: 'long' });
  });

  it('closes what is open at the end of the process', async () => {
    coverage.onUncovered(3, START_MS - 1_000, 'lost');
    await coverage.close();
    expect(recorded).toEqual([{ slot: 3, fromMs: START_MS - 1_000, toMs: START_MS, reason: 'lost' }]);
  });

  it('closes what is open when a part is no longer wanted', () => {
    coverage.onUncovered(3, START_MS - 1_000, 'lost');
    coverage.forget(3);
    expect(recorded).toHaveLength(1);
    expect([coverage.longestOpenGap(), coverage.wasComplete([3])]).toEqual([undefined, false]);
  });

  it('logs a gap that cannot be written, and goes on', async () => {
    coverage = new Coverage(log, () => Promise.reject(new Error('no table')));
    coverage.add({ slot: 0, fromMs: 1, toMs: 2, reason: 'x' });
    await coverage.close();
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'error']);
  });

  it('keeps a bounded number of writes under way; the others are logged', async () => {
    const gate = Promise.withResolvers<void>();
    let writes = 0;
    coverage = new Coverage(log, () => {
      writes++;
      return gate.promise;
    });
    for (let n = 0; n < 1_500; n++) coverage.add({ slot: n, fromMs: 1, toMs: 2, reason: 'x' });
    expect([writes, coverage.totals.gaps, log.about('gap').length]).toEqual([1_000, 1_500, 1_500]);
    gate.resolve();
    await coverage.close();
  });
});

describe('in the state table', () => {
  let aws: LocalAws;
  beforeAll(async () => {
    aws = await LocalAws.start();
  });
  afterAll(() => aws.close());

  it('a gap is a record of its own, for 90 days', async () => {
    const record = gapRecorder(aws.dynamodb, STATE_TABLE, 'default');
    await record({ slot: 2, fromMs: START_MS, toMs: START_MS + 1_500, reason: '1001 maintenance' });
    await record({ slot: 3, fromMs: START_MS, toMs: START_MS + 1_500, reason: '1006' });
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
