import { afterEach, describe, expect, test } from 'vitest';
import { bridgedGaps } from '../../bin/gaps/bridged-gaps.ts';
import { deploymentGaps } from '../../functions/backfill/deployment-gaps.ts';
import { readCoverage } from '../../functions/backfill/stored-coverage.ts';
import type { Ingester } from '../../functions/ingester/ingester.ts';
import { eventually } from './eventually.ts';
import { IngesterRun } from './ingester-run.ts';
import { STATE_TABLE } from './local-aws.ts';

let run: IngesterRun;
let other: Ingester | undefined;
/** The channel of the first task. */
let channelId: string | undefined;
afterEach(async () => {
  await other?.stop();
  other = undefined;
  await run.close();
});

/** A leader, and a live standby. */
async function startTwo(): Promise<Ingester> {
  run = await IngesterRun.start({ environment: { TASKS: '2' } });
  await eventually(() => run.ingester.role.isLeading).toBe(true);
  [channelId] = (await run.aws.records('channel#')).map((channel) => channel.channelId?.S ?? '');
  const standby = run.newIngester();
  other = standby;
  await standby.start();
  await eventually(() => standby.isCovered).toBe(true);
  return standby;
}

const received = (ingester: Ingester) => ingester.intake.totals.received;

describe('two tasks', () => {
  test('The first task leads, and the second one reads everything and sends nothing', async () => {
    const standby = await startTwo();
    run.emit(100);
    await eventually(() => received(standby)).toBe(100);
    await eventually(() => run.aws.events.length).toBe(100);
    await eventually(() => standby.role.state.isLiveStandby).toBe(true);
    expect(standby.role.state).toMatchObject({ role: 'standby', bridgedSeconds: 0 });
    expect(standby.role.state.keptBytes).toBeGreaterThan(100);
    expect(standby.batcher.totals.calls).toBe(0);
    expect(await run.aws.records('proof#')).toHaveLength(1);
    expect((await run.health()).body.leadership).toMatchObject({ role: 'leader', isLiveStandby: false });
  });

  test('When the leader stops under load, the standby leads, and every event is in the queue', async () => {
    const standby = await startTwo();
    await run.whileEmitting(async () => {
      expect([run.ingester, standby].map(({ role }) => role.state.takeovers)).toEqual([1, 0]);
      await run.ingester.stop();
      await eventually(() => standby.role.isLeading).toBe(true);
    });
    expect(standby.role.state.takeovers).toBe(1);
    await eventually(() => received(standby)).toBe(run.emitted);
    await standby.stop();
    expect(run.account).toMatchObject({ lost: 0, uncovered: 0, unproven: 0, published: run.emitted });
    expect(await run.aws.records('gap#')).toEqual([]);
  });

  test('Items that the leader sent shortly before it stopped are sent again, and nothing older', async () => {
    const standby = await startTwo();
    run.emit(50);
    await eventually(() => run.aws.events.length).toBe(50);
    await run.ingester.stop();
    await eventually(() => standby.role.isLeading).toBe(true);
    await eventually(() => run.aws.events.length).toBe(100);
    const ids = run.aws.events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(50);
  });

  test('A connection that the leader loses is bridged by the standby', async () => {
    const standby = await startTwo();
    const liveAtMs = Date.now();
    await run.whileEmitting(async () => {
      // The gap begins where the leader has proven to have read.
      await eventually(() => run.ingester.coverage.readUntilMs > liveAtMs).toBe(true);
      run.simulator.dropSockets(channelId);
      await eventually(() => run.ingester.coverage.totals.gaps).toBe(1);
      await run.covered();
      await eventually(() => standby.role.state.bridgedSeconds > 0).toBe(true);
    });
    await eventually(() => received(standby)).toBe(run.emitted);
    const location = { client: run.aws.dynamodb, tableName: STATE_TABLE, subscriptionSet: 'default' };
    await eventually(async () => deploymentGaps(await readCoverage(location, 0), Date.now())).toEqual([]);
    await run.ingester.stop();
    expect(run.account).toMatchObject({ lost: 0, uncovered: 0, unproven: 0 });
    expect(await run.aws.records('gap#')).toHaveLength(1);
    expect(bridgedGaps(await readCoverage(location, 0))).toMatchObject([
      { topics: expect.arrayContaining([expect.any(String)]) },
    ]);
  });

  test.each([
    [1, 1],
    [1, 2],
    [2, 1],
  ])('An upgrade from %i to %i tasks under load loses nothing, and is no gap', async (before, after) => {
    run = await IngesterRun.start({ environment: { TASKS: String(before) } });
    await eventually(() => run.ingester.role.isLeading).toBe(true);
    const next = run.newIngester({ tasks: after });
    other = next;
    await run.whileEmitting(async () => {
      await next.start();
      await eventually(() => next.isCovered && next.role.isLeading).toBe(true);
      await run.ingester.stop();
    });
    await next.stop();
    expect(run.account).toMatchObject({ lost: 0, uncovered: 0, unproven: 0, published: run.emitted });
    expect(await run.aws.records('gap#')).toEqual([]);
  });

  test('A task that starts after the leader has stopped leads at once', async () => {
    run = await IngesterRun.start({ environment: { TASKS: '2' } });
    await eventually(() => run.ingester.role.isLeading).toBe(true);
    await run.ingester.stop();
    other = run.newIngester();
    await other.start();
    await eventually(() => other?.role.isLeading).toBe(true);
    await eventually(async () => (await run.aws.records('gap#')).length).toBe(1);
  });
});
