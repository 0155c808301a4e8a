import { FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { IngesterRun, QUICK, type RunOptions } from './ingester-run.ts';

let run: IngesterRun;
afterEach(() => run.close());

async function start(options: RunOptions = {}): Promise<void> {
  run = await IngesterRun.start(options);
}

describe('a full buffer', () => {
  test('A full buffer pauses the socket until SQS accepts messages again, and nothing is lost', async () => {
    const faults = new FaultInjector({ seed: 1, rates: { throttle: 1 } });
    await start({
      aws: { faults: Object.assign(faults, { enabled: false }) },
      dependencies: {
        limits: {
          ...QUICK,
          batcher: {
            lingerMs: 5,
            highWaterBytes: 1_000_000,
            lowWaterBytes: 500_000,
            backoffBaseMs: 5,
            backoffCapMs: 20,
          },
        },
      },
    });
    faults.enabled = true;
    const text = { text: 'x'.repeat(4_000) };
    run.emit(300, undefined, text);
    await eventually(() => run.metric('paused')).toBe(1);
    expect((await run.health()).body.paused).toBe(true);
    // Far more than all buffers in between can take.
    for (let burst = 0; burst < 40; burst++) {
      run.emit(120, undefined, text);
      await new Promise(setImmediate);
    }
    expect(await run.metric('buffer_bytes')).toBeLessThan(4_000_000);
    expect(run.ingester.intake.totals.received).toBeLessThan(run.emitted);
    expect(run.simulator.bufferedBytes).toBeGreaterThan(0);
    faults.enabled = false;
    await eventually(() => run.ingester.batcher.totals.itemsSent).toBe(run.emitted);
    expect(await run.metric('items_sent_total')).toBe(run.emitted);
    expect(await run.metric('paused')).toBe(0);
    await run.expectEverythingArrives();
    expect(run.account.uncovered).toBe(0);
  });

  test('A stop sends the full buffer and what was not read yet', async () => {
    const faults = new FaultInjector({ seed: 1, rates: { throttle: 1 } });
    await start({
      aws: { faults: Object.assign(faults, { enabled: false }) },
      dependencies: {
        limits: {
          ...QUICK,
          batcher: {
            lingerMs: 5,
            highWaterBytes: 50_000,
            lowWaterBytes: 10_000,
            backoffBaseMs: 5,
            backoffCapMs: 20,
          },
        },
      },
    });
    faults.enabled = true;
    run.emit(2_000, undefined, { text: 'x'.repeat(1_000) });
    await eventually(() => run.metric('paused')).toBe(1);
    const stopping = run.ingester.stop();
    await eventually(() => run.simulator.connections).toBe(0);
    faults.enabled = false;
    await stopping;
    expect(run.aws.events).toHaveLength(run.emitted);
    await run.expectEverythingArrives();
  });
});

describe('failures of SQS', () => {
  test('No kind of SQS failure loses events', async () => {
    const faults = new FaultInjector({
      seed: 7,
      rates: {
        throttle: 0.1,
        server_error: 0.1,
        timeout_before_commit: 0.05,
        timeout_after_commit: 0.05,
        partial_failure: 0.3,
      },
      stallMs: 5,
    });
    await start({
      aws: { faults },
      dependencies: {
        limits: {
          ...QUICK,
          batcher: { lingerMs: 2, envelopeEvents: 10, backoffBaseMs: 2, backoffCapMs: 20 },
        },
      },
    });
    for (let burst = 0; burst < 60; burst++) {
      run.emit(50);
      await new Promise(setImmediate);
    }
    await run.ingester.stop();
    const { sent, lost, unexpected } = run.account;
    expect(sent).toBe(run.emitted);
    expect(lost).toBe(0);
    expect(unexpected).toBe(0);
    expect(faults.counts.partial_failure).toBeGreaterThan(0);
  });
});
