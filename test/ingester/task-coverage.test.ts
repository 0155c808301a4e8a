import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TaskCoverage } from '../../functions/ingester/task-coverage.ts';
import { pass, WATCHED_TOPICS } from './coverage-task.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';
import { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const START_MS = 1_800_000_000_000;
let store: MemoryCoverageStore;
let coverage: TaskCoverage;
let readUntilMs: number | undefined;
let served: readonly string[] | undefined;
let log: TestLog;

beforeEach(async () => {
  vi.useFakeTimers({ now: START_MS });
  store = new MemoryCoverageStore();
  readUntilMs = undefined;
  served = WATCHED_TOPICS;
  log = new TestLog();
  coverage = new TaskCoverage({
    log,
    sources: {
      readUntilMs: () => readUntilMs ?? Date.now(),
      servedTopics: () => served,
      oldestUnsentMs: () => undefined,
    },
  });
});
afterEach(() => {
  coverage.abandon();
  vi.useRealTimers();
});

/** The task is a live standby, and time passes. */
async function follow(ms: number): Promise<void> {
  coverage.watch('0', WATCHED_TOPICS);
  coverage.onCovered('0', Date.now());
  await pass(ms);
}
async function lead(fromMs = Date.now(), continuesAtMs?: number): Promise<void> {
  coverage.watch('0', WATCHED_TOPICS);
  coverage.lead({ task: 'term', store, fromMs, continuesAtMs });
  await pass();
}

describe('a standby', () => {
  test('A standby stores nothing, and counts no gaps', async () => {
    await follow(20_000);
    coverage.onUncovered('0', Date.now(), '1006');
    await pass(1_000);
    coverage.onCovered('0', Date.now());
    coverage.add({ subscription: '0', fromMs: START_MS, toMs: START_MS + 5, reason: 'replaced' });
    coverage.addForTopics('0', { topics: ['a'], fromMs: START_MS, toMs: START_MS + 5, reason: 'rejected' });
    await pass(20_000);
    expect(store.attempts).toBe(0);
    expect(coverage.totals).toEqual({ gaps: 0, gapSeconds: 0 });
    expect(coverage.isRecorded).toBe(false);
  });

  test('Its open gap makes it unhealthy like the one of a leader', async () => {
    await follow(1_000);
    coverage.onUncovered('0', START_MS + 500, '1006');
    expect(coverage.isComplete(['0'])).toBe(false);
    expect(coverage.longestOpenGap()).toMatchObject({ ms: 500, reason: '1006' });
  });
});

describe('the beginning of a term', () => {
  test('The coverage of the term begins where the task sends what it kept', async () => {
    await follow(20_000);
    await lead(START_MS + 8_000);
    await pass(10_000);
    expect(store.spans).toMatchObject([{ task: 'term', fromMs: START_MS + 8_000, toMs: START_MS + 30_000 }]);
    expect(store.gaps).toEqual([]);
  });

  test('The coverage does not begin before the topics were served', async () => {
    served = undefined;
    coverage.watch('0', [...WATCHED_TOPICS, 'v2.users.c.presence']);
    await pass(10_000);
    served = WATCHED_TOPICS;
    await follow(10_000);
    await lead(START_MS + 5_000, START_MS + 4_000);
    await pass(10_000);
    expect(store.spans).toMatchObject([{ fromMs: START_MS + 10_000 }]);
    // Another standby can have it.
    expect(coverage.gaps).toMatchObject([{ fromMs: START_MS + 4_000, toMs: START_MS + 10_000 }]);
  });

  test('Gaps of the standby after that are gaps of the term, as far as they are', async () => {
    await follow(5_000);
    for (const [from, to] of [
      [1_000, 2_000],
      [3_000, 4_500],
    ] as const)
      coverage.add({ subscription: '0', fromMs: START_MS + from, toMs: START_MS + to, reason: '1006' });
    coverage.onUncovered('0', START_MS + 4_800, '1001');
    await lead(START_MS + 4_000);
    await pass(1_000);
    coverage.onCovered('0', Date.now());
    await pass();
    expect(store.intervals).toEqual([
      { subscription: '0', fromMs: START_MS + 4_000, toMs: START_MS + 4_500, reason: '1006' },
      { subscription: '0', fromMs: START_MS + 4_800, toMs: START_MS + 6_000, reason: '1001' },
    ]);
  });

  test('An interval that the last term proved with its last beat is not a gap', async () => {
    await store.putProof({
      task: 'last',
      subscription: '0',
      coveredUntilMs: START_MS,
      covering: { topicsId: 'x', fromMs: START_MS - 1 },
      storedAtMs: START_MS,
      isFinal: false,
    });
    await follow(9_000);
    coverage.lead({
      task: 'term',
      store,
      fromMs: START_MS + 6_000,
      known: (proof) => ({ ...proof, coveredUntilMs: START_MS + 8_000, isFinal: true }),
    });
    await pass(10_000);
    expect(store.gaps).toEqual([]);
    expect(store.proof('last')).toBeUndefined();
    expect(store.spans).toContainEqual(expect.objectContaining({ task: 'last', toMs: START_MS + 8_000 }));
  });
});

describe('what is read and recorded', () => {
  test('It is the least of what the connections have read', async () => {
    await lead();
    await follow(10_000);
    expect(coverage.readUntilMs).toBe(Date.now());
    readUntilMs = START_MS + 8_000;
    expect(coverage.readUntilMs).toBe(START_MS + 8_000);
  });

  test('It is not recorded while a record waits to be written', async () => {
    await lead();
    await follow(10_000);
    expect(coverage.isRecorded).toBe(true);
    store.beforeWrite = () => Promise.reject(new Error('no table'));
    coverage.add({ subscription: '0', fromMs: START_MS, toMs: START_MS + 5, reason: 'replaced' });
    await pass();
    expect(coverage.isRecorded).toBe(false);
    store.beforeWrite = () => {};
    await pass(20_000);
    expect(coverage.isRecorded).toBe(true);
  });

  test('It is not recorded while the gap before the first connection is not decided', async () => {
    store.beforeRead = () => Promise.reject(new Error('no table'));
    await lead();
    await follow(1_000);
    expect(coverage.isRecorded).toBe(false);
    store.beforeRead = () => {};
    await pass(20_000);
    expect(coverage.isRecorded).toBe(true);
  });

  test('Without a state table, nothing waits to be recorded', async () => {
    await follow(1_000);
    coverage.lead({ task: 'term', store: undefined });
    expect(coverage.isRecorded).toBe(true);
  });

  test('An open gap does not hold it back, and is listed', async () => {
    await lead();
    await follow(10_000);
    coverage.onUncovered('0', START_MS + 9_000, '1006');
    await pass(5_000);
    expect(coverage.readUntilMs).toBe(Date.now());
    expect(coverage.gaps).toMatchObject([{ subscription: '0', fromMs: START_MS + 9_000, reason: '1006' }]);
    expect(coverage.gaps[0]).not.toHaveProperty('toMs');
  });

  test('A subscription that is not connected yet is a gap since the last term', async () => {
    await pass(5_000);
    await lead(Date.now(), START_MS + 2_000);
    expect(coverage.gaps).toMatchObject([{ fromMs: START_MS + 2_000, reason: 'not connected yet' }]);
    coverage.onCovered('0', START_MS + 5_000);
    expect(coverage.gaps).toMatchObject([{ fromMs: START_MS + 2_000, toMs: START_MS + 5_000 }]);
  });
});

describe('the end of a term', () => {
  test('The term proves no more than was read, and its last records follow once everything is sent', async () => {
    await lead();
    await follow(20_000);
    readUntilMs = START_MS + 18_000;
    const sent = Promise.withResolvers<void>();
    coverage.follow(sent.promise);
    await pass(10_000);
    expect(store.proof('term')).toMatchObject({ isFinal: false });
    expect(store.proof('term')?.coveredUntilMs).toBeLessThanOrEqual(START_MS + 18_000);
    sent.resolve();
    await pass();
    expect(store.proof('term')).toMatchObject({ isFinal: true, coveredUntilMs: START_MS + 18_000 });
  });

  test('Gaps of both terms of a task are counted', async () => {
    await lead();
    await follow(1_000);
    const gap = { subscription: '0', fromMs: START_MS, toMs: START_MS + 500, reason: 'replaced' };
    coverage.add(gap);
    coverage.follow(Promise.resolve());
    await pass(1_000);
    coverage.add(gap);
    coverage.lead({ task: 'term-2', store });
    coverage.add(gap);
    expect(coverage.totals).toEqual({ gaps: 2, gapSeconds: 1 });
  });

  test('A process that stops waits for the records of earlier terms', async () => {
    await lead();
    await follow(1_000);
    coverage.follow(Promise.resolve());
    store.beforeWrite = () => new Promise((resolve) => setTimeout(resolve, 500));
    let isClosed = false;
    void coverage.close().then(() => {
      isClosed = true;
    });
    await pass(100);
    expect(isClosed).toBe(false);
    await pass(5_000);
    expect(isClosed).toBe(true);
    expect(store.proof('term')?.isFinal).toBe(true);
  });
});
