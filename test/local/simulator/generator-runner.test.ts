import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { frameNumber } from './cloud-client.ts';

const source = { next: () => frameNumber('t', 1) };
let emitted = 0;
const target = {
  emit: () => {
    emitted += 1;
  },
  bufferedBytes: 0,
};

beforeEach(() => {
  emitted = 0;
  target.bufferedBytes = 0;
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

describe('the runner', () => {
  it('emits at its rate until its count is reached', async () => {
    const runner = new GeneratorRunner({ source, target, ratePerSecond: 1_000, count: 2_500 }).start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(emitted).toBe(1_000);
    await vi.advanceTimersByTimeAsync(2_000);
    const summary = await runner.done;
    expect(summary.emitted).toBe(2_500);
    expect(summary.elapsedMs).toBeGreaterThanOrEqual(2_495);
    expect(summary.elapsedMs).toBeLessThanOrEqual(2_505);
  });

  it('keeps slow rates exact too', async () => {
    const runner = new GeneratorRunner({ source, target, ratePerSecond: 3 }).start();
    await vi.advanceTimersByTimeAsync(10_005);
    expect(emitted).toBe(30);
    runner.stop();
    expect((await runner.done).emitted).toBe(30);
  });

  it('makes up for a stall within bounds and skips the rest of it', async () => {
    const runner = new GeneratorRunner({ source, target, ratePerSecond: 1_000 }).start();
    await vi.advanceTimersByTimeAsync(1_000);
    target.bufferedBytes = Number.MAX_SAFE_INTEGER;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(emitted).toBe(1_000);
    target.bufferedBytes = 0;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(emitted).toBe(2_000);
    runner.stop();
    expect((await runner.done).slippedMs).toBeCloseTo(1_000, -1);
  });

  it('emits as much as the clients take when the rate is infinite', async () => {
    const runner = new GeneratorRunner({
      source,
      target,
      ratePerSecond: Number.POSITIVE_INFINITY,
      count: 10_000,
    }).start();
    await vi.runAllTimersAsync();
    expect((await runner.done).emitted).toBe(10_000);
  });

  it('rejects with what the source throws, and refuses rates that are none', async () => {
    const broken = {
      next: () => {
        throw new Error('nothing recorded');
      },
    };
    const runner = new GeneratorRunner({ source: broken, target, ratePerSecond: 100 }).start();
    const failed = expect(runner.done).rejects.toThrow('nothing recorded');
    await vi.advanceTimersByTimeAsync(100);
    await failed;
    expect(() => new GeneratorRunner({ source, target, ratePerSecond: 0 })).toThrow(/ratePerSecond/);
  });
});
