import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { deploymentGaps, type StoredCoverage } from '../../functions/backfill/deployment-gaps.ts';
import { PROOF_INTERVAL_MS, PROOF_STALE_MS } from '../../functions/ingester/coverage.ts';
import type { CoverageProof } from '../../functions/ingester/coverage-store.ts';
import { subtract, union } from '../../functions/ingester/intervals.ts';
import type { Interval } from '../../lib/genesys/interval.ts';
import { histories } from '../histories.ts';
import { CoverageTask, pass } from '../ingester/coverage-task.ts';
import { MemoryCoverageStore } from '../ingester/memory-coverage-store.ts';
import { seeded } from '../ingester/overlap-simulation.ts';

vi.mock('node:timers/promises', () => import('../ingester/timers-promises.ts'));

const START_MS = 1_800_000_000_000;
const SEEDS = Array.from({ length: histories(15, 60) }, (_, index) => index + 1);
const EVENTS = 60;
/** A kill can take this much of the coverage of a task: it stores no proof before the decision about its start. */
const MAX_UNPROVEN_MS = PROOF_STALE_MS + 2 * PROOF_INTERVAL_MS;

beforeEach(() => vi.useFakeTimers({ now: START_MS }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A task and when it really was connected. */
class TrackedTask {
  readonly task: CoverageTask;
  readonly connected: Interval[] = [];
  private sinceMs: number | undefined;

  constructor(name: string, store: MemoryCoverageStore) {
    this.task = new CoverageTask(name, store);
    this.task.readUntilMs = () => (this.sinceMs === undefined ? undefined : Date.now());
  }

  async connect(): Promise<void> {
    this.sinceMs ??= Date.now();
    await this.task.cover();
  }

  lose(): void {
    if (!this.disconnect()) return;
    this.task.coverage.onUncovered('0', Date.now(), '1006');
  }

  async stop(): Promise<void> {
    this.disconnect();
    await this.task.stop();
    this.task.kill();
  }

  kill(): void {
    this.disconnect();
    this.task.kill();
  }

  private disconnect(): boolean {
    const { sinceMs } = this;
    this.sinceMs = undefined;
    this.task.served = undefined;
    if (sinceMs !== undefined) this.connected.push({ fromMs: sinceMs, toMs: Date.now() });
    return sinceMs !== undefined;
  }
}

/** Two tasks at a time, which are connected, lose their connections, and are stopped or killed and replaced. */
async function simulate(seed: number) {
  const random = seeded(seed);
  vi.spyOn(Math, 'random').mockImplementation(random);
  const store = new MemoryCoverageStore();
  const all: TrackedTask[] = [];
  const kills: Interval[] = [];
  const start = () => {
    const one = new TrackedTask(`task-${all.length}`, store);
    all.push(one);
    return one;
  };
  const running = [start(), start()];
  await running[0]?.connect();
  for (let n = 0; n < EVENTS; n++) {
    const index = random() < 0.5 ? 0 : 1;
    const one = running[index];
    const what = random();
    if (what < 0.6) await one?.connect();
    else if (what < 0.85) one?.lose();
    else {
      if (what < 0.93) await one?.stop();
      else {
        one?.kill();
        kills.push({ fromMs: Date.now() - MAX_UNPROVEN_MS, toMs: Date.now() });
      }
      running[index] = start();
    }
    await pass(Math.floor(random() * 40_000));
  }
  // At the end everything is recorded.
  for (const one of running) await one.connect();
  await pass(2 * PROOF_STALE_MS);
  const nowMs = Date.now();
  for (const one of running) one.kill();
  return { store, nowMs, kills, connected: all.flatMap((one) => one.connected) };
}

function storedIn(store: MemoryCoverageStore): StoredCoverage {
  const gaps = store.written.flatMap((record) =>
    record.kind === 'gap' ? [{ ...record.gap, task: record.task }] : [],
  );
  const topics = new Map(
    [...gaps, ...store.spans].map(({ topicsId }) => [topicsId, store.topicsOf({ topicsId }) ?? []]),
  );
  const proofs: CoverageProof[] = [];
  return { gaps, spans: store.spans, proofs, topics };
}

test.each(SEEDS)('With seed %i the gaps are the times in which no task was connected', async (seed) => {
  const { store, nowMs, kills, connected } = await simulate(seed);
  const truth = subtract([{ fromMs: START_MS, toMs: nowMs }], connected);
  const reported = union(deploymentGaps(storedIn(store), nowMs));
  expect(subtract(truth, reported)).toEqual([]);
  // More than that is a gap only where a kill left the coverage without a proof.
  expect(subtract(reported, [...truth, ...kills])).toEqual([]);
});

test('The records of the tasks name far more than the gaps of the deployment', async () => {
  const lengthOf = (intervals: readonly Interval[]) =>
    intervals.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  let recorded = 0;
  let reported = 0;
  for (const seed of SEEDS) {
    const { store, nowMs } = await simulate(seed);
    const stored = storedIn(store);
    recorded += lengthOf(union(stored.gaps));
    reported += lengthOf(union(deploymentGaps(stored, nowMs)));
  }
  expect(reported).toBeGreaterThan(0);
  expect(recorded).toBeGreaterThan(1.5 * reported);
});
