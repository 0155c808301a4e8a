import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from './eventually.ts';
import { IngesterRun, type RunOptions } from './ingester-run.ts';

let run: IngesterRun;
afterEach(() => run.close());

async function start(options: RunOptions = {}): Promise<void> {
  run = await IngesterRun.start(options);
}

describe('connections that overlap', () => {
  it('on socket_closing leave nothing uncovered and lose nothing', async () => {
    await start({ simulator: { closingGraceMs: 2_000 } });
    for (let round = 1; round <= 3; round++) {
      await run.whileEmitting(async () => {
        expect(run.simulator.closingSoon()).toBe(1);
        await eventually(() => run.opened('socket_closing')).toBe(round);
        await eventually(() => run.simulator.connections).toBe(1);
      });
    }
    await run.everythingArrives();
    expect(run.account).toMatchObject({ uncovered: 0 });
    expect(run.ingester.coverage.totals.gaps).toBe(0);
    expect(run.account.sent).toBe(run.emitted);
  });

  it('before channels and tokens end leave nothing uncovered and lose nothing', async () => {
    await start({ simulator: { channelLifeMs: 2_500, tokenLifeSeconds: 2 } });
    await run.whileEmitting(() => eventually(() => run.opened('expiry')).toBeGreaterThanOrEqual(2));
    await run.everythingArrives();
    expect([run.account.uncovered, run.ingester.coverage.totals.gaps]).toEqual([0, 0]);
    expect(run.account.sent).toBe(run.emitted);
  });

  it('on a revoked token leave nothing uncovered and lose nothing', async () => {
    await start({ simulator: { closingGraceMs: 2_000 } });
    await run.whileEmitting(async () => {
      run.simulator.revokeTokens();
      await eventually(() => run.opened('token_revoked')).toBe(1);
      await eventually(() => run.simulator.connections).toBe(1);
    });
    await run.everythingArrives();
    expect(run.account.uncovered).toBe(0);
  });

  it('bring copies, and those are dropped', async () => {
    await start({ simulator: { closingGraceMs: 2_000 } });
    run.simulator.hooks.duplicateNext();
    await run.whileEmitting(async () => {
      run.simulator.closingSoon();
      await eventually(() => run.opened('socket_closing')).toBe(1);
      await eventually(() => run.simulator.connections).toBe(1);
    });
    expect(run.ingester.intake.totals.copies).toBeGreaterThanOrEqual(1);
    await run.everythingArrives();
  });
});
