import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DELIVERY_TIMES } from '../../functions/delivery/delivery-times.ts';
import { Gate } from '../../functions/delivery/gate.ts';
import { SimulatedDelivery } from './simulated-delivery.ts';

vi.mock('node:timers/promises', () => import('../ingester/timers-promises.ts'));

const ATTEMPT_MS = 20_000;
/** More than can replace the state one after another in ten attempts. */
const GATES = 100;

let simulated: SimulatedDelivery;

beforeEach(async () => {
  simulated = await SimulatedDelivery.start();
});
afterEach(() => simulated.stop());

/** The gate of another invocation. */
function gate(ratePerSecond?: number): Gate {
  const { store } = simulated;
  return new Gate({ store, times: DELIVERY_TIMES, ratePerSecond, attemptMs: ATTEMPT_MS });
}

function enter(own: Gate) {
  return own.enter(Date.now() + 60_000);
}

async function open(): Promise<void> {
  const own = gate();
  for (let index = 0; index < 10; index++) await own.onFailure('503', { isProbe: false });
  expect((await simulated.destination()).state).toBe('open');
  await simulated.pass(DELIVERY_TIMES.openMs);
}

describe('a probe', () => {
  test('Only one is allowed, until its attempt has certainly ended; then another one', async () => {
    await open();
    expect(await enter(gate())).toEqual({ kind: 'call', isProbe: true });
    await simulated.pass(ATTEMPT_MS);
    expect(await enter(gate())).toMatchObject({ kind: 'wait', why: 'probe' });
    await simulated.pass(ATTEMPT_MS);
    expect(await enter(gate())).toEqual({ kind: 'call', isProbe: true });
  });

  test('Its success closes the circuit at once; the result of an earlier call changes nothing', async () => {
    await open();
    const own = gate();
    await enter(own);
    const earlier = gate();
    await earlier.onSuccess({ isProbe: false });
    await earlier.flush();
    await earlier.onFailure('503', { isProbe: false });
    expect((await simulated.destination()).state).toBe('half_open');
    await own.onSuccess({ isProbe: true });
    expect((await simulated.destination()).state).toBe('closed');
  });

  test('Its success does not resume a destination that was stopped', async () => {
    await open();
    const own = gate();
    await enter(own);
    await gate().stop('410');
    await own.onSuccess({ isProbe: true });
    expect((await simulated.destination()).state).toBe('stopped');
  });
});

describe('Retry-After', () => {
  test('It also applies to a call that waits for its turn in the rate limit', async () => {
    const limited = gate(1);
    await enter(limited);
    const waiting = enter(limited);
    await gate().hold(100_000, '429');
    await simulated.pass(1_000);
    expect(await waiting).toMatchObject({ kind: 'wait', why: 'held' });
  });

  test('It outlasts a circuit that opens, and a probe that succeeds', async () => {
    await gate().hold(300_000, '429');
    await open();
    expect(await enter(gate())).toMatchObject({ kind: 'wait', why: 'held' });
    await gate().onSuccess({ isProbe: true });
    expect(await enter(gate())).toMatchObject({ kind: 'wait', why: 'held' });
  });

  test('Of many invocations that learn of one at the same time, the longest counts', async () => {
    const nowMs = Date.now();
    const holds = Array.from({ length: GATES }, (_, index) => gate().hold(1_000 * (GATES - index), '429'));
    await simulated.pass(5_000);
    await Promise.all(holds);
    expect((await simulated.destination()).heldUntilMs).toBe(nowMs + 1_000 * GATES);
  });
});

describe('410', () => {
  test('It is recorded although many other invocations change the state at the same time', async () => {
    const others = Array.from({ length: GATES }, () => gate().onFailure('503', { isProbe: false }));
    const stopped = gate().stop('410');
    await simulated.pass(5_000);
    await Promise.all([...others, stopped]);
    expect(await simulated.destination()).toMatchObject({ state: 'stopped', reason: '410' });
  });
});
