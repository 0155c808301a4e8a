import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MAX_PENDING_RECORDS } from '../../functions/ingester/coverage-writer.ts';
import type { TaskCoverage } from '../../functions/ingester/task-coverage.ts';
import { MAX_PERIODS } from '../../functions/ingester/topic-periods.ts';
import { CoverageTask, pass, WATCHED_TOPICS } from './coverage-task.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';
import type { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const START_MS = 1_800_000_000_000;
let store: MemoryCoverageStore;
let task: CoverageTask;
let coverage: TaskCoverage;
let log: TestLog;

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  store = new MemoryCoverageStore();
  task = new CoverageTask('this', store);
  ({ coverage, log } = task);
});
afterEach(() => {
  coverage.abandon();
  vi.useRealTimers();
});

describe('coverage', () => {
  test('Coverage is complete while every subscription is covered', () => {
    coverage.watch('1', ['b']);
    coverage.onCovered('0', START_MS);
    expect(coverage.isComplete(['0', '1'])).toBe(false);
    expect(coverage.wasComplete(['0', '1'])).toBe(false);
    coverage.onCovered('1', START_MS);
    expect(coverage.isComplete(['0', '1'])).toBe(true);
    expect(coverage.wasComplete(['0', '1'])).toBe(true);
    coverage.onUncovered('0', START_MS, 'lost');
    expect(coverage.isComplete(['0', '1'])).toBe(false);
    expect(coverage.wasComplete(['0', '1'])).toBe(true);
  });

  test('There is no gap before the first connection of the first task', async () => {
    await task.cover();
    await task.stop();
    expect(store.gaps).toEqual([]);
    expect(coverage.longestOpenGap()).toBeUndefined();
  });

  test('A gap is recorded when it ends, from the last proof of life to the next connection', async () => {
    await task.cover();
    await pass(1_000);
    coverage.onUncovered('0', START_MS + 1_000, '1006');
    await pass(1_000);
    coverage.onUncovered('0', START_MS + 2_000, 'a second reason');
    await pass(1_500);
    expect(store.gaps).toEqual([]);
    await task.cover();
    expect(store.intervals).toEqual([
      { subscription: '0', fromMs: START_MS + 1_000, toMs: START_MS + 3_500, reason: '1006' },
    ]);
    expect(coverage.totals).toEqual({ gaps: 1, gapSeconds: 2.5 });
    expect(log.about('gap')[0]?.fields).toEqual({
      subscription: '0',
      fromMs: START_MS + 1_000,
      toMs: START_MS + 3_500,
      from: '2027-01-15T08:00:01.000Z',
      to: '2027-01-15T08:00:03.500Z',
      reason: '1006',
    });
  });

  test('The longest open gap is the one that started first', () => {
    for (const name of ['1', '2']) coverage.watch(name, [name]);
    coverage.onUncovered('0', START_MS - 1_000, 'short');
    coverage.onUncovered('1', START_MS - 5_000, 'long');
    coverage.onUncovered('2', START_MS - 2_000, 'shorter');
    expect(coverage.longestOpenGap()).toEqual({ subscription: '1', ms: 5_000, reason: 'long' });
  });

  test('An open gap ends with the process', async () => {
    await task.cover();
    coverage.onUncovered('0', START_MS - 1_000, 'lost');
    await task.stop();
    expect(store.intervals).toEqual([
      { subscription: '0', fromMs: START_MS - 1_000, toMs: START_MS, reason: 'lost' },
    ]);
  });

  test('An open gap ends when its subscription is no longer wanted', async () => {
    await task.cover();
    coverage.onUncovered('0', START_MS - 1_000, 'lost');
    coverage.forget('0');
    await pass();
    expect(store.gaps).toHaveLength(1);
    expect(coverage.longestOpenGap()).toBeUndefined();
    expect(coverage.wasComplete(['0'])).toBe(false);
  });

  test('A subscription that is not watched has no coverage', () => {
    coverage.onCovered('unknown', START_MS);
    coverage.onUncovered('unknown', START_MS, 'lost');
    coverage.forget('unknown');
    expect(coverage.isComplete(['unknown'])).toBe(false);
    expect(coverage.wasComplete(['unknown'])).toBe(false);
    expect(coverage.longestOpenGap()).toBeUndefined();
  });

  test('Missing sequence numbers are a gap from the last frame to now', async () => {
    task.readUntilMs = () => START_MS - 700;
    coverage.addSequenceGap('0', 5, 9);
    await pass();
    const reason = '5 events not delivered: sequence numbers 5 to 9';
    expect(store.intervals).toEqual([{ subscription: '0', fromMs: START_MS - 700, toMs: START_MS, reason }]);
  });

  test.each([undefined, START_MS + 5_000])(
    'Missing sequence numbers are a gap without length if the last frame is at %s',
    async (readUntilMs) => {
      task.readUntilMs = () => readUntilMs;
      coverage.addSequenceGap('0', 5, 9);
      await pass();
      expect(store.gaps).toMatchObject([{ fromMs: START_MS, toMs: START_MS }]);
      expect(coverage.totals).toEqual({ gaps: 1, gapSeconds: 0 });
    },
  );

  test('Without a state table a gap is logged and counted', async () => {
    const local = new CoverageTask('local', undefined);
    await local.cover();
    local.coverage.onUncovered('0', START_MS, '1006');
    await pass(2_000);
    local.coverage.addForTopics('topics', {
      topics: ['v2.users.a.presence'],
      fromMs: START_MS,
      toMs: START_MS + 1,
      reason: 'topic rejected',
    });
    await local.cover();
    expect(local.coverage.isComplete(['0'])).toBe(true);
    local.coverage.forget('0');
    await local.stop();
    expect(local.log.lines.map(({ message }) => message)).toEqual(['gap']);
    expect(local.coverage.totals).toEqual({ gaps: 1, gapSeconds: 2 });
    expect(local.coverage.pendingRecords).toBe(0);
  });
});

describe('the topics of a gap', () => {
  test('A gap record refers to the topics of its subscription', async () => {
    coverage.add({ subscription: '0', fromMs: 1, toMs: 2, reason: 'x' });
    await pass();
    expect(store.topicsOf(store.gaps[0]!)).toEqual(WATCHED_TOPICS);
  });

  test('The topics are written before the gap that refers to them', async () => {
    coverage.add({ subscription: '0', fromMs: 1, toMs: 2, reason: 'x' });
    await pass();
    expect(store.written.map(({ kind }) => kind)).toEqual(['topics', 'gap']);
  });

  test('A gap of a subscription that is no longer wanted has the topics that it had', async () => {
    await task.cover();
    coverage.forget('0');
    coverage.add({ subscription: '0', fromMs: 1, toMs: 2, reason: 'no reply to the close frame' });
    await pass();
    expect(store.gaps.map((gap) => store.topicsOf(gap))).toEqual([WATCHED_TOPICS]);
  });

  test('A gap of a subscription that was never wanted is recorded without topics', async () => {
    const gap = { subscription: 'unknown', fromMs: 1, toMs: 2, reason: 'no reply to the close frame' };
    coverage.add(gap);
    await pass();
    expect(store.gaps).toEqual([{ ...gap, topicsId: '' }]);
  });

  test('The topics of every subscription are written', async () => {
    const topics = ['c', 'd', 'e'].map((user) => [`v2.users.${user}.presence`]);
    for (const [n, list] of topics.entries()) {
      coverage.watch(String(n + 1), list);
      coverage.add({ subscription: String(n + 1), fromMs: 1, toMs: 2, reason: 'x' });
    }
    await pass();
    expect(store.gaps.map((gap) => store.topicsOf(gap))).toEqual(topics);
  });

  test('Topics that are wanted and served are written once', async () => {
    await task.cover();
    await pass(60_000);
    expect(store.written.filter(({ kind }) => kind === 'topics')).toHaveLength(1);
  });

  test('A gap without length refers to the current topics', async () => {
    const at = { fromMs: START_MS - 10, toMs: START_MS - 10 };
    coverage.add({ subscription: '0', ...at, reason: 'before' });
    coverage.watch('0', ['v2.users.c.presence']);
    coverage.add({ subscription: '0', ...at, reason: 'after' });
    await pass();
    expect(store.gaps.map((gap) => store.topicsOf(gap))).toEqual([WATCHED_TOPICS, ['v2.users.c.presence']]);
  });

  test('A gap in which the same topics are assigned again is one record', async () => {
    await task.cover();
    coverage.onUncovered('0', START_MS, '1006');
    for (let n = 0; n < 3; n++) {
      await pass(1_000);
      coverage.watch('0', WATCHED_TOPICS.toReversed());
    }
    await task.cover();
    expect(store.gaps).toMatchObject([{ fromMs: START_MS, toMs: START_MS + 3_000 }]);
  });

  test('Gaps before and after a change of the topics refer to the topics of their time', async () => {
    const changedMs = Date.now();
    coverage.watch('0', ['v2.users.c.presence']);
    coverage.add({ subscription: '0', fromMs: changedMs - 20, toMs: changedMs - 10, reason: 'before' });
    coverage.add({ subscription: '0', fromMs: changedMs + 10, toMs: changedMs + 20, reason: 'after' });
    await pass();
    expect(store.gaps).toHaveLength(2);
    const [before, after] = store.gaps;
    expect(store.topicsOf(before!)).toEqual(WATCHED_TOPICS);
    expect(store.topicsOf(after!)).toEqual(['v2.users.c.presence']);
  });

  test('A gap in which the topics change refers to the earlier topics until the change', async () => {
    await task.cover();
    coverage.onUncovered('0', Date.now(), '1006');
    await pass(2_000);
    const changedMs = Date.now();
    coverage.watch('0', ['v2.users.c.presence']);
    await pass(3_000);
    coverage.onCovered('0', Date.now());
    await pass();
    const gaps = store.gaps.filter(({ reason }) => reason === '1006');
    expect(gaps.map(({ fromMs, toMs }) => [fromMs - changedMs, toMs - changedMs])).toEqual([
      [-2_000, 0],
      [0, 3_000],
    ]);
    expect(gaps.map((gap) => store.topicsOf(gap))).toEqual([WATCHED_TOPICS, ['v2.users.c.presence']]);
    expect(coverage.totals.gaps).toBe(1);
  });

  test('After many changes of the topics, a gap that begins before them is still recorded', async () => {
    const fromMs = Date.now();
    for (let n = 0; n < 100; n++) {
      await pass(10);
      coverage.watch('0', [`v2.users.${n}.presence`]);
    }
    coverage.add({ subscription: '0', fromMs, toMs: Date.now() + 1, reason: 'long' });
    await pass();
    const parts = store.gaps.filter(({ reason }) => reason === 'long');
    expect(parts).toHaveLength(MAX_PERIODS);
    expect(parts[0]?.fromMs).toBe(fromMs);
  });

  test('The same topics in another order are not written again', async () => {
    coverage.watch('0', WATCHED_TOPICS.toReversed());
    await pass();
    expect(store.written.filter(({ kind }) => kind === 'topics')).toHaveLength(1);
  });

  test('A change of the topics does not change whether a subscription is covered', async () => {
    await task.cover();
    coverage.watch('0', ['v2.users.c.presence']);
    expect(coverage.isComplete(['0'])).toBe(true);
  });

  test('A gap of single topics refers to these topics only', async () => {
    coverage.addForTopics('topics', {
      topics: ['v2.users.a.presence'],
      fromMs: 1_000,
      toMs: 2_000,
      reason: 'topic rejected',
    });
    await pass();
    expect(store.gaps).toMatchObject([
      { subscription: 'topics', fromMs: 1_000, toMs: 2_000, reason: 'topic rejected' },
    ]);
    expect(store.topicsOf(store.gaps[0]!)).toEqual(['v2.users.a.presence']);
  });

  test('Gaps of different topics or times that wait for the state table are all written', async () => {
    coverage.addForTopics('topics', {
      topics: ['v2.users.a.presence'],
      fromMs: 1_000,
      toMs: 2_000,
      reason: 'topic rejected',
    });
    coverage.addForTopics('topics', {
      topics: ['v2.users.b.presence'],
      fromMs: 1_000,
      toMs: 2_000,
      reason: 'topic rejected',
    });
    coverage.addForTopics('topics', {
      topics: ['v2.users.a.presence'],
      fromMs: 3_000,
      toMs: 4_000,
      reason: 'topic rejected',
    });
    await pass();
    expect(store.gaps).toHaveLength(3);
  });

  test('A gap of single topics that continues is one record with the last end', async () => {
    for (const toMs of [2_000, 3_000, 4_000]) {
      coverage.addForTopics('topics', {
        topics: ['v2.users.a.presence'],
        fromMs: 1_000,
        toMs,
        reason: 'topic rejected',
      });
      await pass();
    }
    expect(store.gaps).toMatchObject([{ fromMs: 1_000, toMs: 4_000 }]);
  });
});

describe('failed writes', () => {
  const fail = () => Promise.reject(new Error('no table'));

  test('A gap that cannot be written is logged as an error once and repeated until it is written', async () => {
    store.beforeWrite = fail;
    coverage.add({ subscription: '0', fromMs: 1, toMs: 2, reason: 'x' });
    await pass(120_000);
    expect(store.attempts).toBeGreaterThan(10);
    expect(store.gaps).toEqual([]);
    expect(coverage.pendingRecords).toBe(1);
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'error']);
    store.beforeWrite = () => {};
    await pass(10_000);
    expect(store.gaps).toMatchObject([{ fromMs: 1, toMs: 2 }]);
    expect(coverage.pendingRecords).toBe(0);
  });

  test('Every gap of an outage of the state table is written after it, in order', async () => {
    await task.cover();
    store.beforeWrite = fail;
    for (let n = 0; n < 5; n++) {
      coverage.onUncovered('0', Date.now(), String(n));
      await pass(7_000);
      await task.cover();
      await pass(7_000);
    }
    store.beforeWrite = () => {};
    await pass(10_000);
    expect(store.gaps.map(({ reason }) => reason)).toEqual(['0', '1', '2', '3', '4']);
  });

  test('The proofs of an outage of the state table do not accumulate', async () => {
    await task.cover();
    store.beforeWrite = fail;
    await pass(600_000);
    expect(coverage.pendingRecords).toBe(1);
  });

  test('A stop waits until everything is written', async () => {
    let failures = 3;
    store.beforeWrite = () => (failures-- > 0 ? fail() : undefined);
    coverage.add({ subscription: '0', fromMs: 1, toMs: 2, reason: 'x' });
    let isClosed = false;
    const closing = coverage.close().then(() => {
      isClosed = true;
    });
    await pass();
    expect(isClosed).toBe(false);
    await pass(10_000);
    await closing;
    expect(store.gaps).toHaveLength(1);
  });

  test('An abandoned coverage writes no more, and its stop ends', async () => {
    store.beforeWrite = fail;
    coverage.add({ subscription: '0', fromMs: 1, toMs: 2, reason: 'x' });
    const closing = coverage.close();
    await pass();
    coverage.abandon();
    await pass();
    await closing;
    const { attempts } = store;
    await pass(60_000);
    expect(store.attempts).toBe(attempts);
  });

  test('An abandoned coverage has no timer that keeps the process running', async () => {
    await task.cover();
    coverage.abandon();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('The number of waiting records is bounded, and a record names every gap', async () => {
    const gate = Promise.withResolvers<void>();
    store.beforeWrite = () => gate.promise;
    const count = MAX_PENDING_RECORDS + 500;
    for (let n = 0; n < count; n++) coverage.add({ subscription: '0', fromMs: n, toMs: n, reason: 'x' });
    expect(coverage.pendingRecords).toBe(MAX_PENDING_RECORDS + 1);
    expect(coverage.totals.gaps).toBe(count);
    expect(log.lines.filter(({ message }) => message === 'gap')).toHaveLength(count);
    gate.resolve();
    await pass();
    expect(store.gaps).toHaveLength(MAX_PENDING_RECORDS + 1);
    expect(store.gaps.at(-1)).toMatchObject({ fromMs: MAX_PENDING_RECORDS, toMs: count - 1 });
  });
});

describe('proofs', () => {
  const proofs = () => store.written.flatMap((record) => (record.kind === 'proof' ? [record.proof] : []));

  test('A proof is stored with the first connection and every ten seconds', async () => {
    await task.cover();
    await pass(35_000);
    expect(proofs().map(({ coveredUntilMs }) => coveredUntilMs - START_MS)).toEqual([
      0, 10_000, 20_000, 30_000,
    ]);
  });

  test('Without a connection no proof is stored', async () => {
    await pass(60_000);
    expect(proofs()).toEqual([]);
  });

  test('A proof is not later than the last frame', async () => {
    await task.cover();
    task.readUntilMs = () => START_MS + 4_000;
    await pass(10_000);
    expect(store.proof('this')).toMatchObject({
      coveredUntilMs: START_MS + 4_000,
      storedAtMs: START_MS + 10_000,
      isFinal: false,
    });
  });

  test('A proof is not later than the oldest event that SQS has not accepted', async () => {
    await task.cover();
    task.oldestUnsentMs = START_MS + 3_000;
    await pass(20_000);
    expect(store.proof('this')?.coveredUntilMs).toBe(START_MS + 3_000);
    task.oldestUnsentMs = undefined;
    await pass(10_000);
    expect(store.proof('this')?.coveredUntilMs).toBe(START_MS + 30_000);
  });

  test('A proof is stored when a connection is lost, up to its last frame', async () => {
    await task.cover();
    await pass(5_000);
    coverage.onUncovered('0', START_MS + 4_500, '1006');
    await pass();
    expect(store.proof('this')?.coveredUntilMs).toBe(START_MS + 4_500);
    await pass(30_000);
    expect(store.proof('this')?.coveredUntilMs).toBe(START_MS + 4_500);
  });

  test('A proof never precedes a gap that was recorded before it', async () => {
    await task.cover();
    let failures = 4;
    store.beforeWrite = () => (failures-- > 0 ? Promise.reject(new Error('no table')) : undefined);
    await pass(10_000);
    coverage.add({ subscription: '0', fromMs: START_MS, toMs: START_MS + 10_000, reason: 'replaced' });
    await pass(60_000);
    const kinds = store.written.map(({ kind }) => kind);
    // The first proof is that of the first connection.
    expect(kinds.indexOf('gap')).toBeLessThan(kinds.indexOf('proof', kinds.indexOf('proof') + 1));
  });

  test('The last proof is final and reaches to the beginning of the stop', async () => {
    await task.cover();
    await pass(5_000);
    await task.stop(4_000);
    expect(store.proof('this')).toMatchObject({
      task: 'this',
      subscription: '0',
      coveredUntilMs: START_MS + 5_000,
      storedAtMs: START_MS + 9_000,
      isFinal: true,
    });
  });

  test('A proof that is stored while the process stops does not reach beyond the beginning of the stop', async () => {
    await task.cover();
    await pass(8_000);
    coverage.stopping();
    // The sockets are closed one after another.
    task.readUntilMs = () => undefined;
    await pass(5_000);
    expect(store.proof('this')).toMatchObject({
      coveredUntilMs: START_MS + 8_000,
      storedAtMs: START_MS + 10_000,
    });
  });

  test('The last proof follows the gaps that are recorded during the stop', async () => {
    await task.cover();
    coverage.stopping();
    coverage.add({ subscription: '0', fromMs: START_MS, toMs: START_MS + 1, reason: 'unsent at exit' });
    await task.stop();
    const gap = store.written.findIndex(({ kind }) => kind === 'gap');
    const final = store.written.findIndex((record) => record.kind === 'proof' && record.proof.isFinal);
    expect(store.gaps).toMatchObject([{ reason: 'unsent at exit' }]);
    expect(final).toBeGreaterThan(gap);
    expect(final).toBe(store.written.length - 1);
  });

  test('The last proof of every subscription is final, even if another one has an open gap', async () => {
    coverage.watch('1', ['v2.users.c.presence']);
    coverage.onCovered('1', START_MS);
    await task.cover();
    await pass(5_000);
    coverage.onUncovered('1', START_MS + 4_000, '1006');
    await pass();
    await task.stop(1_000);
    for (const name of ['0', '1'])
      expect(store.proof('this', name)).toMatchObject({ coveredUntilMs: START_MS + 5_000, isFinal: true });
  });

  test('A subscription that is no longer wanted has a final proof', async () => {
    await task.cover();
    await pass(3_000);
    coverage.forget('0');
    await pass(60_000);
    expect(store.proof('this')).toMatchObject({ coveredUntilMs: START_MS + 3_000, isFinal: true });
  });
});

describe('steps of the wall clock', () => {
  const HOUR_MS = 3_600_000;
  /** Move the wall clock without the monotonic clock. */
  const step = (ms: number) => vi.setSystemTime(Date.now() + ms);

  async function gapWithStep(stepMs: number) {
    await task.cover();
    await pass(10_000);
    coverage.onUncovered('0', Date.now() - 2_000, '1006');
    await pass(3_000);
    step(stepMs);
    await pass(4_000);
    expect(coverage.longestOpenGap()?.ms).toBe(9_000);
    await task.cover();
    const [gap] = store.gaps;
    if (!gap) throw new Error('no gap was recorded');
    return gap;
  }

  test.each([HOUR_MS, -HOUR_MS, 5_000, -5_000])(
    'A gap in which the clock steps by %i ms has its real length, ends now, and has the step',
    async (stepMs) => {
      const gap = await gapWithStep(stepMs);
      expect(gap.toMs).toBe(Date.now());
      expect(gap.toMs - gap.fromMs).toBe(9_000);
      expect(gap.clockJumpMs).toBe(stepMs);
      expect(coverage.totals.gapSeconds).toBe(9);
    },
  );

  test.each([0, 900, -900, 1_000, -1_000])(
    'A gap in which the clock is adjusted by %i ms has no step',
    async (stepMs) => {
      expect(await gapWithStep(stepMs)).not.toHaveProperty('clockJumpMs');
    },
  );

  test('A gap never ends before it begins, even if its last proof of life is in the future', async () => {
    await task.cover();
    coverage.onUncovered('0', Date.now() + HOUR_MS, '1006');
    await pass(1_000);
    await task.cover();
    const [gap] = store.gaps;
    expect(gap?.fromMs).toBe(START_MS);
    expect(gap?.toMs).toBe(START_MS + 1_000);
  });

  test('A step forward does not make an open gap longer, and thereby the process unhealthy', async () => {
    await task.cover();
    coverage.onUncovered('0', Date.now(), '1006');
    step(HOUR_MS);
    await pass(1_000);
    expect(coverage.longestOpenGap()?.ms).toBe(1_000);
  });

  test('A proof after a step backward is not later than the clock', async () => {
    await task.cover();
    task.readUntilMs = () => START_MS + 5_000;
    await pass(5_000);
    step(-HOUR_MS);
    await pass(5_000);
    expect(store.proof('this')?.coveredUntilMs).toBe(START_MS + 10_000 - HOUR_MS);
  });
});
