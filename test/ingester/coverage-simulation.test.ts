import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { histories } from '../histories.ts';
import { CoverageTask, pass } from './coverage-task.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';
import { seeded } from './overlap-simulation.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const START_MS = 1_800_000_000_000;
const SEEDS = Array.from({ length: histories(15, 60) }, (_, index) => index + 1);
const TASKS = 6;

interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

beforeEach(() => vi.useFakeTimers({ now: START_MS }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** One task and what really happens to its connection. */
class SimulatedTask {
  readonly task: CoverageTask;
  /** Intervals whose events are lost. */
  readonly lost: Interval[] = [];
  /** Since when the connection is silent without having ended. */
  private silentSinceMs: number | undefined;
  /** The last frame before the connection was lost. */
  private uncoveredSinceMs: number | undefined;

  constructor(name: string, store: MemoryCoverageStore) {
    this.task = new CoverageTask(name, store);
    this.task.readUntilMs = () =>
      this.uncoveredSinceMs === undefined ? (this.silentSinceMs ?? Date.now()) : undefined;
  }

  /** Since when the events are lost if the process is killed now. */
  get lostSinceMs(): number {
    const { oldestUnsentMs = Date.now() } = this.task;
    return Math.min(this.uncoveredSinceMs ?? this.silentSinceMs ?? Date.now(), oldestUnsentMs);
  }

  /** Something happens, if it can. */
  happen(what: string): void {
    const { coverage } = this.task;
    const nowMs = Date.now();
    const { silentSinceMs, uncoveredSinceMs } = this;
    if (what === 'silence' && uncoveredSinceMs === undefined) this.silentSinceMs ??= nowMs;
    else if (what === 'loss' && uncoveredSinceMs === undefined) {
      this.uncoveredSinceMs = silentSinceMs ?? nowMs;
      this.silentSinceMs = undefined;
      coverage.onUncovered('0', this.uncoveredSinceMs, '1006');
    } else if (what === 'connect' && uncoveredSinceMs !== undefined) {
      this.lost.push({ fromMs: uncoveredSinceMs, toMs: nowMs });
      this.uncoveredSinceMs = undefined;
      coverage.onCovered('0', nowMs);
    } else if (what === 'replacement' && silentSinceMs !== undefined) {
      this.lost.push({ fromMs: silentSinceMs, toMs: nowMs });
      this.silentSinceMs = undefined;
      const gap = { subscription: '0', fromMs: silentSinceMs, toMs: nowMs };
      coverage.add({ ...gap, reason: 'replaced without an answer' });
    } else if (what === 'SQS fails') this.task.oldestUnsentMs ??= nowMs;
    else if (what === 'SQS recovers') this.task.oldestUnsentMs = undefined;
  }
}

const HAPPENINGS = [
  'silence',
  'loss',
  'connect',
  'connect',
  'replacement',
  'replacement',
  'SQS fails',
  'SQS recovers',
];

/** Lives of tasks that are killed or stopped, with a state table that fails at times. */
async function simulate(seed: number): Promise<{ lost: Interval[]; store: MemoryCoverageStore }> {
  const random = seeded(seed);
  vi.spyOn(Math, 'random').mockImplementation(random);
  const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
  const store = new MemoryCoverageStore();
  let isTableUp = true;
  const tableCall = async (failures: number): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, between(0, 300)));
    if (!isTableUp || random() < failures) throw new Error('no table');
  };
  store.beforeWrite = () => tableCall(0.3);
  store.beforeRead = () => tableCall(0);
  const lost: Interval[] = [];
  let lostSinceMs: number | undefined;
  for (let n = 0; n <= TASKS; n++) {
    const isLast = n === TASKS;
    const simulated = new SimulatedTask(`task-${n}`, store);
    const { task } = simulated;
    await pass(between(0, 60_000));
    if (isLast) isTableUp = true;
    // Some processes never connect.
    if (isLast || random() < 0.8) {
      await task.cover();
      // Losses before the first proof of the first task are unknown to everybody.
      if (n === 0) await pass(1);
      if (lostSinceMs !== undefined) lost.push({ fromMs: lostSinceMs, toMs: Date.now() });
      lostSinceMs = undefined;
      for (let left = isLast ? 0 : between(0, 25); left > 0; left--) {
        simulated.happen(HAPPENINGS[between(0, HAPPENINGS.length - 1)] ?? '');
        if (n > 0 && random() < 0.2) isTableUp = !isTableUp;
        // A task can be killed right after something happened.
        await pass(left > 1 ? between(0, 8_000) : between(0, 1_000));
      }
      // A task that is killed before the first proof of a deployment is stored is not known to the next one.
      if (store.hadProof) {
        lostSinceMs = simulated.lostSinceMs;
        lost.push(...simulated.lost);
      }
    }
    if (isLast || (random() < 0.3 && isTableUp)) {
      if (simulated.lostSinceMs < Date.now()) simulated.happen('replacement');
      if (task.oldestUnsentMs !== undefined)
        task.coverage.add({
          subscription: '0',
          fromMs: task.oldestUnsentMs,
          toMs: Date.now(),
          reason: 'unsent',
        });
      // The table answers again, and what waits is written within the longest delay between two attempts.
      task.coverage.stopping();
      void task.coverage.close();
      await pass(60_000);
    }
    task.kill();
  }
  return { lost, store };
}

/** The parts of an interval that no gap record includes. */
function uncoveredBy({ fromMs, toMs }: Interval, records: readonly Interval[]): Interval[] {
  let left: Interval[] = fromMs < toMs ? [{ fromMs, toMs }] : [];
  for (const record of records)
    left = left.flatMap((one) =>
      [
        { fromMs: one.fromMs, toMs: Math.min(one.toMs, record.fromMs) },
        { fromMs: Math.max(one.fromMs, record.toMs), toMs: one.toMs },
      ].filter((part) => part.fromMs < part.toMs),
    );
  return left;
}

describe('a seeded simulation of processes that are killed, with a state table that fails', () => {
  test.each(SEEDS)(
    'With seed %i every interval without proven coverage is in the gap records',
    async (seed) => {
      const { lost, store } = await simulate(seed);
      expect(lost.flatMap((interval) => uncoveredBy(interval, store.gaps))).toEqual([]);
    },
  );

  test.each(SEEDS)('With seed %i no gap record ends before it begins', async (seed) => {
    const { store } = await simulate(seed);
    expect(store.gaps.filter(({ fromMs, toMs }) => fromMs > toMs)).toEqual([]);
  });

  test.each(SEEDS)('With seed %i no task counts as having covered what was lost', async (seed) => {
    const { lost, store } = await simulate(seed);
    const gaps = store.written.flatMap((record) => (record.kind === 'gap' ? [record] : []));
    const claims = store.spans.flatMap((span) =>
      uncoveredBy(
        span,
        gaps.flatMap(({ gap, task }) => (task === span.task ? [gap] : [])),
      ),
    );
    expect(claims.length).toBeGreaterThan(0);
    expect(
      lost.flatMap((one) => claims.filter(({ fromMs, toMs }) => fromMs < one.toMs && one.fromMs < toMs)),
    ).toEqual([]);
  });

  test('The simulation has several losses per seed', async () => {
    let losses = 0;
    for (const seed of SEEDS) losses += (await simulate(seed)).lost.length;
    expect(losses).toBeGreaterThan(5 * SEEDS.length);
  });
});
