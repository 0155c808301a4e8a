import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { IngesterRun, QUICK, type RunOptions } from './ingester-run.ts';

/** The simulator's ledger does not use the ingester's clock. */
const CLOCK_SKEW_MS = 20;

let run: IngesterRun;
afterEach(() => run.close());

async function start(options: RunOptions = {}): Promise<void> {
  run = await IngesterRun.start(options);
}

describe('gaps', () => {
  /** The gaps in the state table, in milliseconds. */
  const gaps = async () =>
    (await run.aws.records('gap#')).map((record) => ({
      fromMs: Number(record.fromMs?.N),
      toMs: Number(record.toMs?.N),
      reason: record.reason?.S ?? '',
    }));

  test.each([
    ['a lost connection', () => run.simulator.dropSockets(), /^1006/],
    ['a close of the server', () => run.simulator.hooks.close(1011), /^1011/],
    ['an eviction', () => run.simulator.evictChannel(), /^1001 channel replaced/],
    ['silence', () => run.simulator.silenceSockets(), /^1006 nothing received for/],
  ])(
    'The gap after %s is recorded and includes everything that was uncovered',
    async (_what, happen, reason) => {
      await start({
        dependencies: { limits: { ...QUICK, connection: { silenceMs: 400, pingEveryMs: 60_000 } } },
      });
      run.emit(10);
      await eventually(() => run.ingester.intake.totals.received).toBe(10);
      const readAtMs = Date.now();
      await eventually(() => Date.now()).toBeGreaterThan(readAtMs + CLOCK_SKEW_MS);
      happen();
      await run.whileEmitting(async () => {
        await eventually(() => run.ingester.coverage.totals.gaps).toBe(1);
        await eventually(() => run.ingester.isCovered).toBe(true);
      });
      await run.expectEverythingArrives();
      const [gap, ...more] = await gaps();
      expect(more).toEqual([]);
      expect(gap?.reason).toMatch(reason);
      expect(run.account.uncovered).toBeGreaterThan(0);
      for (const { fromMs, toMs } of run.account.uncoveredSpans) {
        expect(gap?.fromMs).toBeLessThanOrEqual(fromMs);
        expect(gap?.toMs).toBeGreaterThan(toMs - CLOCK_SKEW_MS);
      }
    },
  );

  test('A dead connection that was replaced is recorded as a gap', async () => {
    await start({
      simulator: { channelLifeMs: 1_500 },
      dependencies: { limits: { ...QUICK, connection: { silenceMs: 60_000, pingEveryMs: 60_000 } } },
    });
    run.simulator.silenceSockets();
    await eventually(() => run.opened('expiry')).toBe(1);
    const replacedAtMs = Date.now();
    // The close of the old connection is not answered until the simulator ends.
    await run.simulator.close();
    await eventually(gaps).toHaveLength(1);
    const [gap] = await gaps();
    expect(gap?.reason).toBe('no reply to the close frame (replaced)');
    expect((gap?.toMs ?? 0) - (gap?.fromMs ?? 0)).toBeGreaterThan(500);
    expect(gap?.toMs).toBeLessThanOrEqual(replacedAtMs);
  });

  test('An open gap is recorded when the process ends', async () => {
    await start();
    await run.simulator.close();
    await eventually(() => run.ingester.isCovered).toBe(false);
    await run.ingester.stop();
    expect((await gaps()).map(({ reason }) => reason)).toEqual([expect.stringMatching(/^100[16]/)]);
  });
});
