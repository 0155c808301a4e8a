import { afterEach, expect, test } from 'vitest';
import { IngesterProcess, type KillVerdict } from './ingester-process.ts';

const KILLS = Number(process.env.KILLS ?? 50);
const RATE_PER_SECOND = 200;
/** Topics whose events all differ. `judged-runs.test.ts` has events that repeat. */
const TOPICS = ['v2.analytics.queues.{id}.observations'];

let running: IngesterProcess | undefined;
afterEach(async () => {
  await running?.close();
});

async function killed(seed: number): Promise<KillVerdict> {
  running = await IngesterProcess.start(TOPICS);
  return running.killed(KILLS, seed, RATE_PER_SECOND);
}

test(`After ${KILLS} kills of the ingester, every event is on the bus once or in a gap record that names its topic`, async () => {
  const { kills, report, gaps, gapRecords } = await killed(1);
  expect(kills).toBe(KILLS);
  expect(report.published).toBeGreaterThan(0);
  expect(report, JSON.stringify(report)).toMatchObject({ lost: 0, publishedTwice: 0, unexpected: 0 });
  expect(report.uncovered + report.unproven).toBeGreaterThan(0);
  expect(gaps).toMatchObject({ explained: report.uncovered + report.unproven, unexplained: 0 });
  expect(gapRecords).toBeGreaterThan(0);
});
