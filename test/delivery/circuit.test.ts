import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { afterCalls, type Circuit } from '../../functions/delivery/circuit.ts';
import { DELIVERY_TIMES } from '../../functions/delivery/delivery-times.ts';

const START_MS = Date.parse('2027-01-15T08:00:00Z');

beforeEach(() => vi.useFakeTimers({ now: START_MS, toFake: ['Date'] }));
afterEach(() => vi.useRealTimers());

function calls(succeeded: number, failed: number): boolean[] {
  return [...Array<boolean>(succeeded).fill(true), ...Array<boolean>(failed).fill(false)];
}

/** As it is stored between two invocations. */
function stored({ policy }: Circuit): unknown {
  return JSON.parse(JSON.stringify(policy));
}

describe('the circuit', () => {
  test('It opens for 30 seconds when half of at least 10 calls fail', async () => {
    const before = await afterCalls(undefined, calls(5, 4), DELIVERY_TIMES);
    expect(before.opensAtMs).toBeUndefined();
    const after = await afterCalls(stored(before), [false], DELIVERY_TIMES);
    expect(after.opensAtMs).toBe(START_MS + 30_000);
  });

  test('It stays closed if fewer than 10 calls were made, or fewer than half of them fail', async () => {
    expect((await afterCalls(undefined, calls(0, 9), DELIVERY_TIMES)).opensAtMs).toBeUndefined();
    expect((await afterCalls(undefined, calls(60, 40), DELIVERY_TIMES)).opensAtMs).toBeUndefined();
  });

  test('Calls of 30 seconds ago do not count', async () => {
    const before = await afterCalls(undefined, calls(0, 9), DELIVERY_TIMES);
    vi.setSystemTime(START_MS + 30_000);
    const after = await afterCalls(stored(before), [false], DELIVERY_TIMES);
    expect(after.opensAtMs).toBeUndefined();
    vi.setSystemTime(START_MS + 60_000);
    expect((await afterCalls(stored(after), calls(0, 8), DELIVERY_TIMES)).opensAtMs).toBeUndefined();
  });

  test('A successful probe closes it and forgets the failed calls; a failed one opens it for another 30 seconds', async () => {
    const open = await afterCalls(undefined, calls(0, 10), DELIVERY_TIMES);
    vi.setSystemTime(START_MS + 30_000);
    const failed = await afterCalls(stored(open), [false], DELIVERY_TIMES);
    expect(failed.opensAtMs).toBe(START_MS + 60_000);
    vi.setSystemTime(START_MS + 60_000);
    const closed = await afterCalls(stored(failed), [true], DELIVERY_TIMES);
    expect(closed.opensAtMs).toBeUndefined();
    expect((await afterCalls(stored(closed), calls(0, 8), DELIVERY_TIMES)).opensAtMs).toBeUndefined();
  });

  test('After a successful probe, calls from before the circuit opened do not count, however recent', async () => {
    const times = { sampleMs: 300_000, openMs: 30_000 };
    const open = await afterCalls(undefined, calls(0, 10), times);
    vi.setSystemTime(START_MS + 30_000);
    const closed = await afterCalls(stored(open), [true], times);
    expect((await afterCalls(stored(closed), calls(0, 8), times)).opensAtMs).toBeUndefined();
    expect((await afterCalls(stored(closed), calls(0, 9), times)).opensAtMs).toBe(START_MS + 60_000);
  });

  test('While it is open, the results of calls that began earlier change nothing', async () => {
    const open = await afterCalls(undefined, calls(0, 10), DELIVERY_TIMES);
    vi.setSystemTime(START_MS + 10_000);
    expect((await afterCalls(stored(open), [true, false], DELIVERY_TIMES)).opensAtMs).toBe(START_MS + 30_000);
  });

  test('Its state stays small, however many calls are made', async () => {
    let circuit = await afterCalls(undefined, [], DELIVERY_TIMES);
    for (let second = 0; second < 600; second++) {
      vi.setSystemTime(START_MS + second * 1_000);
      circuit = await afterCalls(stored(circuit), calls(100, 10), DELIVERY_TIMES);
    }
    expect(JSON.stringify(circuit.policy).length).toBeLessThan(1_500);
  });
});
