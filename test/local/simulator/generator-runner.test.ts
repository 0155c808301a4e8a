import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
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

test('The runner emits at its rate until its count is reached', async () => {
  const runner = new GeneratorRunner({ source, target, ratePerSecond: 1_000, count: 2_500 }).start();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(emitted).toBe(1_000);
  await vi.advanceTimersByTimeAsync(1_490);
  expect(emitted).toBeLessThan(2_500);
  await vi.advanceTimersByTimeAsync(15);
  await runner.done;
  expect(emitted).toBe(2_500);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(emitted).toBe(2_500);
  expect(runner.emitted).toBe(2_500);
});

test('The runner keeps slow rates exact', async () => {
  const runner = new GeneratorRunner({ source, target, ratePerSecond: 3 }).start();
  await vi.advanceTimersByTimeAsync(10_005);
  expect(emitted).toBe(30);
  runner.stop();
  await runner.done;
  expect(runner.emitted).toBe(30);
});

test('The runner emits nothing while the clients lag behind, and skips the time that it cannot make up for', async () => {
  const runner = new GeneratorRunner({ source, target, ratePerSecond: 1_000 }).start();
  await vi.advanceTimersByTimeAsync(1_000);
  target.bufferedBytes = Number.MAX_SAFE_INTEGER;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(emitted).toBe(1_000);
  target.bufferedBytes = 0;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(emitted).toBe(2_000);
  runner.stop();
});

test('The run rejects with the error of the source', async () => {
  const broken = {
    next: () => {
      throw new Error('nothing recorded');
    },
  };
  const runner = new GeneratorRunner({ source: broken, target, ratePerSecond: 100 }).start();
  const failed = expect(runner.done).rejects.toThrow('nothing recorded');
  await vi.advanceTimersByTimeAsync(100);
  await failed;
});

test('The runner rejects a rate of zero', () => {
  expect(() => new GeneratorRunner({ source, target, ratePerSecond: 0 })).toThrow(/ratePerSecond/);
});
