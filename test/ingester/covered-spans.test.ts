import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PROOF_STALE_MS } from '../../functions/ingester/coverage.ts';
import { MAX_ENDED_SPANS } from '../../functions/ingester/covered-spans.ts';
import { CoverageTask, pass, WATCHED_TOPICS } from './coverage-task.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const START_MS = 1_800_000_000_000;
const [A, B] = WATCHED_TOPICS as [string, string];
const C = 'v2.users.c.presence';
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

async function liveTask(name: string): Promise<CoverageTask> {
  const task = new CoverageTask(name, store);
  tasks.push(task);
  await task.cover();
  return task;
}

/** The topics change, and the connection delivers the new ones after `delayMs`. */
async function change(task: CoverageTask, topics: readonly string[], delayMs = 0): Promise<void> {
  task.coverage.watch('0', topics);
  await pass(delayMs);
  task.served = topics;
}

/** What tasks covered: task, seconds since the start, topics. */
const spans = () =>
  store.spans
    .map(({ task, fromMs, toMs, ...span }) => [
      task,
      (fromMs - START_MS) / 1_000,
      (toMs - START_MS) / 1_000,
      store.topicsOf(span)?.toSorted(),
    ])
    .toSorted((left, right) => Number(left[1]) - Number(right[1]));

describe('what a task covered', () => {
  test('The proof of a task says which topics it covers and since when', async () => {
    const task = await liveTask('first');
    await pass(25_000);
    expect(spans()).toEqual([['first', 0, 20, [A, B]]]);
    await task.stop();
    expect(spans()).toEqual([['first', 0, 25, [A, B]]]);
  });

  test('Before its first connection a task covers nothing', async () => {
    const task = new CoverageTask('first', store);
    tasks.push(task);
    await pass(15_000);
    await task.cover();
    await pass(10_000);
    expect(spans()).toEqual([['first', 15, 20, [A, B]]]);
  });

  test('A topic that the connection does not deliver is not covered', async () => {
    const task = new CoverageTask('first', store);
    tasks.push(task);
    task.served = [A];
    await task.cover();
    await pass(15_000);
    expect(spans()).toEqual([['first', 0, 10, [A]]]);
  });

  test('The coverage of a stopped task remains after the next task has deleted its proof', async () => {
    const first = await liveTask('first');
    await pass(33_000);
    await first.stop();
    await pass(7_000);
    await liveTask('second');
    await pass(10_000);
    expect(store.proof('first')).toBeUndefined();
    expect(spans()).toEqual([
      ['first', 0, 33, [A, B]],
      ['second', 40, 50, [A, B]],
    ]);
  });

  test('The coverage of a killed task ends with its last proof', async () => {
    const first = await liveTask('first');
    await pass(33_000);
    first.kill();
    await pass(PROOF_STALE_MS);
    await liveTask('second');
    expect(spans()[0]).toEqual(['first', 0, 30, [A, B]]);
  });

  test('A subscription that is no longer wanted is covered until then', async () => {
    const task = await liveTask('first');
    await pass(12_000);
    task.served = undefined;
    task.coverage.forget('0');
    await pass(20_000);
    expect(spans()).toEqual([['first', 0, 12, [A, B]]]);
    expect(store.proof('first')?.covering).toBeUndefined();
  });
});

describe('topics that change', () => {
  test('A new topic is covered once the connection delivers it, and the others stay covered', async () => {
    const task = await liveTask('first');
    await pass(15_000);
    await change(task, [A, B, C], 7_000);
    await pass(38_000);
    expect(spans()).toEqual([
      ['first', 0, 30, [A, B]],
      ['first', 30, 60, [A, B, C]],
    ]);
  });

  test('A removed topic is no longer covered, even while the connection still delivers it', async () => {
    const task = await liveTask('first');
    await pass(15_000);
    await change(task, [B], 7_000);
    await pass(38_000);
    expect(spans()).toEqual([
      ['first', 0, 15, [A, B]],
      ['first', 15, 60, [B]],
    ]);
  });

  test('A part of a combined topic that remains stays covered', async () => {
    const task = await liveTask('first');
    await change(task, ['v2.users.a?presence&station']);
    await pass(10_000);
    task.coverage.watch('0', [A]);
    await pass(10_000);
    expect(spans().at(-1)).toEqual(['first', 10, 20, [A]]);
  });

  test('The same topics in another order are still the same span', async () => {
    const task = await liveTask('first');
    await pass(15_000);
    await change(task, [B, A]);
    await pass(15_000);
    expect(spans()).toEqual([['first', 0, 30, [A, B]]]);
  });

  test('A span ends at its last proof if the task is killed before there is a later one', async () => {
    const task = await liveTask('first');
    await pass(15_000);
    task.readUntilMs = () => START_MS + 12_000;
    await change(task, [B]);
    task.coverage.onCovered('0', Date.now());
    await pass();
    task.kill();
    expect(spans()[0]).toEqual(['first', 0, 12, [A, B]]);
  });

  test('A span reaches to the change of the topics once that is proven', async () => {
    const task = await liveTask('first');
    await pass(15_000);
    task.readUntilMs = () => START_MS + 12_000;
    await change(task, [B]);
    await pass(10_000);
    expect(spans()[0]).toEqual(['first', 0, 12, [A, B]]);
    task.readUntilMs = () => START_MS + 25_000;
    await pass(10_000);
    expect(spans()[0]).toEqual(['first', 0, 15, [A, B]]);
  });

  test('A gap that began before the change ends the span, because its record lacks the removed topics', async () => {
    const task = await liveTask('first');
    await pass(15_000);
    task.readUntilMs = () => START_MS + 12_000;
    await change(task, [B]);
    task.served = undefined;
    task.coverage.onUncovered('0', START_MS + 12_000, '1006');
    await pass(5_000);
    task.readUntilMs = () => Date.now();
    task.served = [B];
    await task.cover();
    await pass(20_000);
    expect(spans()[0]).toEqual(['first', 0, 12, [A, B]]);
  });

  test('A topic that is removed during a gap is covered until the gap', async () => {
    const task = await liveTask('first');
    await pass(15_000);
    task.served = undefined;
    task.coverage.onUncovered('0', START_MS + 12_000, '1006');
    await pass(5_000);
    task.coverage.watch('0', [B]);
    await pass(5_000);
    task.served = [B];
    await task.cover();
    await pass(20_000);
    expect(spans()[0]).toEqual(['first', 0, 12, [A, B]]);
  });

  test('A span that is proven up to its end is written once', async () => {
    const task = await liveTask('first');
    await pass(20_000);
    await change(task, [B]);
    await task.cover();
    await pass(60_000);
    expect(store.written.filter(({ kind }) => kind === 'span')).toHaveLength(1);
  });

  test('A span of which nothing is proven is not written', async () => {
    const task = await liveTask('first');
    await pass(15_000);
    await change(task, [B]);
    await pass(1_000);
    task.readUntilMs = () => START_MS + 12_000;
    await change(task, [C]);
    await pass(5_000);
    task.readUntilMs = () => START_MS + 15_000;
    await pass(10_000);
    const written = store.written.flatMap((record) => (record.kind === 'span' ? [record.span] : []));
    expect(written.map(({ fromMs, toMs }) => [fromMs - START_MS, toMs - START_MS])).toEqual([
      [0, 12_000],
      [0, 15_000],
    ]);
  });

  test('Changes at the same moment do not displace spans that wait for a proof', async () => {
    const task = await liveTask('first');
    store.beforeWrite = () => Promise.reject(new Error('no table'));
    await pass(10_000);
    for (let n = 0; n < MAX_ENDED_SPANS; n++) await change(task, [A, `v2.users.${n}.presence`]);
    store.beforeWrite = () => {};
    await pass(30_000);
    expect(spans()[0]).toEqual(['first', 0, 10, [A, B]]);
  });

  test('A span that is cut by a gap while it is written ends at the gap', async () => {
    const task = await liveTask('first');
    await pass(20_000);
    const written = Promise.withResolvers<void>();
    store.beforeWrite = (kind) => (kind === 'span' ? written.promise : undefined);
    await change(task, [B]);
    await pass(10_000);
    task.coverage.onUncovered('0', START_MS + 15_000, '1006');
    await task.cover();
    written.resolve();
    await pass(20_000);
    expect(spans()[0]).toEqual(['first', 0, 15, [A, B]]);
  });

  test('Of several combined topics that are served in part, those that are wanted stay combined', async () => {
    const whole = 'v2.users.a?presence&station';
    const task = await liveTask('first');
    await change(task, [whole, 'v2.users.b?presence&station']);
    await pass(10_000);
    task.coverage.watch('0', [whole, B]);
    await pass(10_000);
    expect(spans().at(-1)).toEqual(['first', 10, 20, [whole, B]]);
  });

  test('The number of spans that wait for a proof is bounded', async () => {
    const task = await liveTask('first');
    store.beforeWrite = () => Promise.reject(new Error('no table'));
    for (let n = 0; n < MAX_ENDED_SPANS + 50; n++) {
      await change(task, [A, `v2.users.${n}.presence`]);
      await pass(10_000);
    }
    store.beforeWrite = () => {};
    await pass(30_000);
    expect(spans()).toHaveLength(MAX_ENDED_SPANS + 1);
  });
});
