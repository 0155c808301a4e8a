import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PROOF_INTERVAL_MS, PROOF_STALE_MS } from '../../functions/ingester/coverage.ts';
import { CoverageTask, pass, WATCHED_TOPICS } from './coverage-task.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const START_MS = 1_800_000_000_000;
let store: MemoryCoverageStore;
let tasks: CoverageTask[];

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  store = new MemoryCoverageStore();
  tasks = [];
});
afterEach(() => {
  for (const task of tasks) task.kill();
  vi.useRealTimers();
});

function startTask(name: string): CoverageTask {
  const task = new CoverageTask(name, store);
  tasks.push(task);
  return task;
}

/** Start a task and connect it. */
async function liveTask(name: string): Promise<CoverageTask> {
  const task = startTask(name);
  await task.cover();
  return task;
}

/** The gap records, in seconds since the start. */
const gaps = () =>
  store.gaps.map(({ fromMs, toMs, reason }) => [
    (fromMs - START_MS) / 1_000,
    (toMs - START_MS) / 1_000,
    reason,
  ]);
const NOT_CONNECTED = 'no task was connected';

describe('a task that is killed', () => {
  test('The next task records a gap from the last proof of a killed task to its own connection', async () => {
    const first = await liveTask('first');
    await pass(25_000);
    first.kill();
    await pass(35_000);
    await liveTask('second');
    expect(gaps()).toEqual([[20, 60, NOT_CONNECTED]]);
    expect(store.topicsOf(store.gaps[0]!)).toEqual(WATCHED_TOPICS);
  });

  test.each([1, 9_999, 10_001, 123_456])(
    'The gap after a kill %i ms after the start includes the kill and begins at most one interval before it',
    async (livedMs) => {
      const first = await liveTask('first');
      await pass(livedMs);
      first.kill();
      await pass(PROOF_STALE_MS);
      await liveTask('second');
      const [gap] = store.gaps;
      const killedAtMs = START_MS + livedMs;
      expect(gap?.fromMs).toBeLessThanOrEqual(killedAtMs);
      expect(gap?.fromMs).toBeGreaterThan(killedAtMs - PROOF_INTERVAL_MS);
      expect(gap?.toMs).toBe(killedAtMs + PROOF_STALE_MS);
    },
  );

  test('A task that starts soon after a kill records the gap when the proof of the killed task is stale', async () => {
    const first = await liveTask('first');
    await pass(25_000);
    first.kill();
    await pass(2_000);
    const second = await liveTask('second');
    await pass(20_000);
    expect(gaps()).toEqual([]);
    await pass(10_000);
    expect(gaps()).toEqual([[20, 27, NOT_CONNECTED]]);
    expect(second.log.lines.map(({ message }) => message)).toEqual(['gap']);
  });

  test('The next task does not store its own proof before the gap of its start is recorded', async () => {
    const first = await liveTask('first');
    await pass(25_000);
    first.kill();
    const second = await liveTask('second');
    await pass(20_000);
    expect(store.proof('second')).toBeUndefined();
    second.kill();
    await pass(60_000);
    await liveTask('third');
    expect(gaps()).toEqual([[20, 105, NOT_CONNECTED]]);
  });

  test('A task that is killed without a connection since a loss leaves the gap from its last frame', async () => {
    const first = await liveTask('first');
    await pass(31_000);
    first.coverage.onUncovered('0', START_MS + 29_000, '1006');
    await pass(60_000);
    first.kill();
    await pass(100_000);
    await liveTask('second');
    expect(gaps()).toEqual([[29, 191, NOT_CONNECTED]]);
  });

  test('A task that is killed with unsent events leaves the gap from the oldest of them', async () => {
    const first = await liveTask('first');
    await pass(5_000);
    first.oldestUnsentMs = START_MS + 4_000;
    await pass(50_000);
    first.kill();
    await pass(45_000);
    await liveTask('second');
    expect(gaps()).toEqual([[4, 100, NOT_CONNECTED]]);
  });

  test('A task that is killed while its connection is silent leaves the gap from the last frame', async () => {
    const first = await liveTask('first');
    await pass(12_000);
    first.readUntilMs = () => START_MS + 12_000;
    await pass(20_000);
    first.kill();
    await pass(68_000);
    await liveTask('second');
    expect(gaps()).toEqual([[12, 100, NOT_CONNECTED]]);
  });

  test('The proof of an ended task is deleted after the next task has stored its own', async () => {
    (await liveTask('first')).kill();
    await pass(PROOF_STALE_MS);
    await liveTask('second');
    expect(store.written.slice(-3)).toMatchObject([
      { kind: 'gap' },
      { kind: 'proof', proof: { task: 'second' } },
      { kind: 'deletion', task: 'first', subscription: '0' },
    ]);
    expect(store.proof('first')).toBeUndefined();
  });

  test('The proofs of several ended tasks are all deleted, once each', async () => {
    (await liveTask('first')).kill();
    (await liveTask('second')).kill();
    await pass(PROOF_STALE_MS);
    await liveTask('third');
    await pass(5 * PROOF_INTERVAL_MS);
    expect(store.proof('first')).toBeUndefined();
    expect(store.proof('second')).toBeUndefined();
    expect(store.written.filter(({ kind }) => kind === 'deletion')).toHaveLength(2);
  });
});

describe('a state table that is slow', () => {
  test('The proof of an ended task is not deleted before another proof is stored, even if that is delayed', async () => {
    (await liveTask('first')).kill();
    await pass(PROOF_STALE_MS);
    let isUp = false;
    store.beforeWrite = (kind) => {
      if (kind === 'proof' && !isUp) throw new Error('no table');
    };
    const second = await liveTask('second');
    // Every change stores the proof again, behind everything that waits.
    for (let n = 0; n < 5; n++) {
      second.coverage.onUncovered('0', Date.now(), '1006');
      await pass(1_000);
      await second.cover();
    }
    expect(store.proof('first')).toBeDefined();
    isUp = true;
    await pass(20_000);
    expect(store.proof('second')).toBeDefined();
    expect(store.proof('first')).toBeUndefined();
  });
});

describe('an outage that is longer than a process', () => {
  test('The gap reaches from the last proof to the first connection, over all tasks in between', async () => {
    const first = await liveTask('first');
    await pass(20_000);
    first.kill();
    for (const name of ['second', 'third', 'fourth']) {
      const failing = startTask(name);
      await pass(300_000);
      await failing.stop();
    }
    await pass(80_000);
    await liveTask('last');
    expect(gaps()).toEqual([[20, 1_000, NOT_CONNECTED]]);
  });

  test('A subscription that only the previous task had, and that appears later, has a gap', async () => {
    const first = await liveTask('first');
    await pass(20_000);
    await first.stop();
    const second = startTask('second');
    second.coverage.watch('1', ['v2.users.c.presence']);
    second.coverage.onCovered('1', Date.now());
    await pass(40_000);
    await second.cover();
    expect(gaps()).toEqual([[20, 60, NOT_CONNECTED]]);
  });
});

describe('a clean stop and a start', () => {
  test('The gap reaches from the beginning of the stop to the next connection', async () => {
    const first = await liveTask('first');
    await pass(33_000);
    await first.stop(4_000);
    await pass(13_000);
    await liveTask('second');
    expect(gaps()).toEqual([[33, 50, NOT_CONNECTED]]);
  });

  test('A start right after a clean stop does not wait, because the last proof is final', async () => {
    const first = await liveTask('first');
    await pass(33_000);
    await first.stop();
    await pass(1);
    await liveTask('second');
    expect(gaps()).toEqual([[33, 33.001, NOT_CONNECTED]]);
  });

  test('A start after many stops has one gap per stop', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      const task = await liveTask(name);
      await pass(30_000);
      await task.stop();
      await pass(10_000);
    }
    expect(gaps()).toEqual([
      [30, 40, NOT_CONNECTED],
      [70, 80, NOT_CONNECTED],
      [110, 120, NOT_CONNECTED],
    ]);
  });
});

describe('a start without a gap', () => {
  test('A task that connects at the moment up to which the one before covered leaves no gap', async () => {
    const first = await liveTask('first');
    await pass(20_000);
    await first.stop();
    await liveTask('second');
    await pass(60_000);
    expect(gaps()).toEqual([]);
    expect(store.proof('second')).toBeDefined();
  });

  test('The time in which a task did not want a subscription is no gap when it wants it again', async () => {
    const task = await liveTask('first');
    await pass(20_000);
    task.coverage.forget('0');
    await pass(60_000);
    task.coverage.watch('0', WATCHED_TOPICS);
    await task.cover();
    await pass(60_000);
    expect(gaps()).toEqual([]);
    expect(store.proof('first')).toMatchObject({ coveredUntilMs: Date.now(), isFinal: false });
  });

  test('A subscription that is forgotten before its start is decided leaves the gap to the next task', async () => {
    const first = await liveTask('first');
    await pass(25_000);
    first.kill();
    const second = await liveTask('second');
    second.coverage.forget('0');
    await pass(60_000);
    expect(gaps()).toEqual([]);
    await liveTask('third');
    expect(gaps()).toEqual([[20, 85, NOT_CONNECTED]]);
  });

  test('The proofs of other tasks are read only until the start is decided', async () => {
    let reads = 0;
    store.beforeRead = () => {
      reads++;
    };
    const task = await liveTask('first');
    await pass(300_000);
    task.coverage.onUncovered('0', Date.now(), '1006');
    await task.cover();
    await pass(300_000);
    expect(reads).toBe(1);
  });
});

describe('a rolling upgrade', () => {
  test('A task that connects before the other one stops leaves no gap', async () => {
    const first = await liveTask('first');
    await pass(33_000);
    await liveTask('second');
    await pass(2_000);
    await first.stop(3_000);
    await pass(60_000);
    expect(gaps()).toEqual([]);
    expect(store.proof('second')).toBeDefined();
  });

  test('A task that overlaps with another one for long leaves no gap', async () => {
    await liveTask('first');
    await pass(33_000);
    await liveTask('second');
    await pass(600_000);
    expect(gaps()).toEqual([]);
  });

  test('A task that stops before the next one connects leaves a gap, even if both run at the same time', async () => {
    const first = await liveTask('first');
    await pass(33_000);
    const second = startTask('second');
    first.coverage.stopping();
    await pass(5_000);
    await second.cover();
    await first.stop();
    await pass(60_000);
    expect(gaps()).toEqual([[33, 38, NOT_CONNECTED]]);
  });

  test('A task that is killed during the overlap without covering the start leaves a gap', async () => {
    const first = await liveTask('first');
    await pass(45_000);
    first.kill();
    await pass(5_000);
    await liveTask('second');
    await pass(60_000);
    expect(gaps()).toEqual([[40, 50, NOT_CONNECTED]]);
  });

  test('A task that has lost its connection and is killed leaves a gap from its last frame', async () => {
    const first = await liveTask('first');
    await pass(35_000);
    first.coverage.onUncovered('0', START_MS + 34_000, '1006');
    await pass(5_000);
    await liveTask('second');
    first.kill();
    await pass(60_000);
    expect(gaps()).toEqual([[34, 40, NOT_CONNECTED]]);
  });

  test('A stop of the new task does not wait for the other one and records what is not proven', async () => {
    await liveTask('first');
    await pass(35_000);
    const second = await liveTask('second');
    await second.stop();
    expect(gaps()).toEqual([[30, 35, NOT_CONNECTED]]);
  });
});

describe('proofs that cannot be read', () => {
  test('The gap before the first connection is recorded as soon as the proofs can be read', async () => {
    const first = await liveTask('first');
    await pass(20_000);
    first.kill();
    await pass(PROOF_STALE_MS);
    let isUp = false;
    store.beforeRead = () => (isUp ? undefined : Promise.reject(new Error('no table')));
    const second = await liveTask('second');
    await pass(100_000);
    expect(gaps()).toEqual([]);
    expect(store.proof('second')).toBeUndefined();
    const lines = second.log.about('the proofs of coverage could not be read');
    expect(lines.length).toBeGreaterThan(5);
    expect(lines[0]).toMatchObject({ level: 'error', fields: { error: new Error('no table') } });
    isUp = true;
    await pass(PROOF_INTERVAL_MS);
    expect(gaps()).toEqual([[20, 50, NOT_CONNECTED]]);
    expect(store.proof('second')).toBeDefined();
  });

  test('A task that stops without having read the proofs leaves the gap to the next one', async () => {
    const first = await liveTask('first');
    await pass(20_000);
    first.kill();
    store.beforeRead = () => Promise.reject(new Error('no table'));
    const second = await liveTask('second');
    await pass(PROOF_STALE_MS);
    await second.stop();
    store.beforeRead = () => {};
    await pass(50_000);
    await liveTask('third');
    expect(gaps()).toEqual([[20, 100, NOT_CONNECTED]]);
  });

  test('A proof of another subscription is not the beginning of a gap', async () => {
    const first = startTask('first');
    first.coverage.watch('1', ['v2.users.c.presence']);
    first.coverage.onCovered('1', Date.now());
    await pass(20_000);
    first.kill();
    await pass(60_000);
    await liveTask('second');
    expect(gaps()).toEqual([]);
  });
});
