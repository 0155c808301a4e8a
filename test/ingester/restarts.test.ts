import { afterEach, describe, expect, test } from 'vitest';
import type { Ingester } from '../../functions/ingester/ingester.ts';
import { eventually } from './eventually.ts';
import { IngesterRun, type RunOptions } from './ingester-run.ts';

let run: IngesterRun;
afterEach(() => run.close());

async function start(options: RunOptions = {}): Promise<void> {
  run = await IngesterRun.start(options);
}

async function startAnother(): Promise<Ingester> {
  const ingester = run.newIngester();
  await ingester.start();
  await eventually(() => ingester.isCovered).toBe(true);
  return ingester;
}

/** The gap records with their topics, the earliest first. */
async function gaps() {
  const topics = new Map((await run.aws.records('topics#')).map(({ sk, topics: list }) => [sk?.S, list?.L]));
  return (await run.aws.records('gap#'))
    .map((record) => ({
      fromMs: Number(record.fromMs?.N),
      toMs: Number(record.toMs?.N),
      reason: record.reason?.S,
      topics: topics.get(`topics#${record.topicsId?.S}`)?.map(({ S }) => S),
    }))
    .toSorted((one, other) => one.fromMs - other.fromMs);
}
const proofs = () => run.aws.records('proof#');

describe('two ingesters, one after the other, with one state table', () => {
  test('The first ingester of a deployment records no gap and stores a proof', async () => {
    await start();
    await eventually(proofs).toHaveLength(1);
    await run.ingester.stop();
    expect(await gaps()).toEqual([]);
    expect((await proofs())[0]).toMatchObject({ isFinal: { BOOL: true } });
  });

  test('The time between a clean stop and the next connection is one gap with all topics', async () => {
    await start();
    await eventually(proofs).toHaveLength(1);
    const stopsAtMs = Date.now();
    await run.ingester.stop();
    const stoppedAtMs = Date.now();
    run.emit(10);
    const second = await startAnother();
    const coveredAtMs = Date.now();
    await eventually(gaps).toHaveLength(1);
    const [gap] = await gaps();
    expect(gap?.reason).toBe('no task was connected');
    expect(gap?.fromMs).toBeGreaterThanOrEqual(stopsAtMs);
    expect(gap?.fromMs).toBeLessThanOrEqual(stoppedAtMs);
    expect(gap?.toMs).toBeGreaterThanOrEqual(stoppedAtMs);
    expect(gap?.toMs).toBeLessThanOrEqual(coveredAtMs);
    expect(gap?.topics?.toSorted()).toEqual(
      run.simulator.userIds.map((id) => `v2.users.${id}.presence`).toSorted(),
    );
    expect(run.account.uncovered).toBe(10);
    for (const { fromMs } of run.account.uncoveredSpans) {
      expect(fromMs).toBeGreaterThan(gap?.fromMs ?? 0);
      expect(fromMs).toBeLessThan(gap?.toMs ?? 0);
    }
    await second.stop();
  });

  test('The proof of the stopped ingester is replaced by that of the next one', async () => {
    await start();
    await eventually(proofs).toHaveLength(1);
    const [before] = await proofs();
    await run.ingester.stop();
    const second = await startAnother();
    await eventually(async () => (await proofs()).map(({ sk }) => sk?.S)).not.toContain(before?.sk?.S);
    expect(await proofs()).toHaveLength(1);
    await second.stop();
  });

  test('A rolling upgrade, in which the next ingester connects before the first stops, leaves no gap', async () => {
    await start();
    await eventually(proofs).toHaveLength(1);
    const second = await startAnother();
    await run.ingester.stop();
    run.emit(5);
    await eventually(() => run.aws.events.length).toBe(5);
    await second.stop();
    expect(await gaps()).toEqual([]);
  });
});
