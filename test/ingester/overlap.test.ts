import { afterEach, describe, expect, test } from 'vitest';
import { histories } from '../histories.ts';
import { eventually } from './eventually.ts';
import { IngesterRun, type RunOptions } from './ingester-run.ts';

let run: IngesterRun;
afterEach(() => run.close());

async function start(options: RunOptions = {}): Promise<void> {
  run = await IngesterRun.start(options);
}

describe('replacement by overlap', () => {
  test('A replacement after socket_closing leaves no gap and loses no event', async () => {
    await start();
    for (let round = 1; round <= 3; round++) {
      await run.whileEmitting(async () => {
        expect(run.simulator.closingSoon()).toBe(1);
        await eventually(() => run.opened('socket_closing')).toBe(round);
        await eventually(() => run.simulator.connections).toBe(1);
      });
    }
    await run.expectEverythingArrives();
    expect(run.account).toMatchObject({ uncovered: 0 });
    expect(run.ingester.coverage.totals.gaps).toBe(0);
    expect(run.account.sent).toBe(run.emitted);
  });

  test('A replacement before a channel or token expires leaves no gap and loses no event', async () => {
    // The replacement begins two seconds before the end, which is enough on a busy machine.
    await start({ simulator: { channelLifeMs: 11_000, tokenLifeSeconds: 10 } });
    const replacements = histories(1, 2);
    await run.whileEmitting(() =>
      eventually(() => run.opened('expiry')).toBeGreaterThanOrEqual(replacements),
    );
    await run.expectEverythingArrives();
    expect(run.account.uncovered).toBe(0);
    expect(run.ingester.coverage.totals.gaps).toBe(0);
    expect(run.account.sent).toBe(run.emitted);
  });

  test('A replacement after a revoked token leaves no gap and loses no event', async () => {
    await start();
    await run.whileEmitting(async () => {
      run.simulator.revokeTokens();
      await eventually(() => run.opened('token_revoked')).toBe(1);
      await eventually(() => run.simulator.connections).toBe(1);
    });
    await run.expectEverythingArrives();
    expect(run.account.uncovered).toBe(0);
  });

  test('Events without a recovery key survive replacements, and almost all of their copies are dropped', async () => {
    await start();
    const rounds = 3;
    for (let round = 1; round <= rounds; round++) {
      await run.whileEmitting(
        async () => {
          run.simulator.closingSoon();
          await eventually(() => run.opened('socket_closing')).toBe(round);
          await eventually(() => run.simulator.connections).toBe(1);
        },
        () => run.emitWeak(1),
      );
    }
    await run.ingester.stop();
    const bodies = run.aws.events.map(({ frame }) => frame.eventBody.n);
    expect(run.account).toMatchObject({ sent: run.emitted, published: run.emitted, lost: 0, unexpected: 0 });
    expect(new Set(bodies).size).toBe(run.emitted);
    expect(run.ingester.intake.totals.received).toBe(bodies.length + run.ingester.intake.totals.copies);
    expect(run.ingester.coverage.totals.gaps).toBe(0);
  });

  test('Copies from overlapping connections are dropped', async () => {
    await start();
    run.simulator.hooks.duplicateNext();
    await run.whileEmitting(async () => {
      run.simulator.closingSoon();
      await eventually(() => run.opened('socket_closing')).toBe(1);
      await eventually(() => run.simulator.connections).toBe(1);
    });
    expect(run.ingester.intake.totals.copies).toBeGreaterThanOrEqual(1);
    await run.expectEverythingArrives();
  });
});
