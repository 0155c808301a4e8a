import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  ACCEPTED,
  answered,
  DOWN,
  publishedEvent,
  SimulatedDelivery,
  type SimulationOptions,
} from './simulated-delivery.ts';

vi.mock('node:timers/promises', () => import('../ingester/timers-promises.ts'));

const MINUTE_MS = 60_000;
/** A call that was already on its way when another one learned that none may be made. */
const IN_FLIGHT_MS = 100;

let delivery: SimulatedDelivery | undefined;

async function start(options?: SimulationOptions): Promise<SimulatedDelivery> {
  delivery = await SimulatedDelivery.start(options);
  return delivery;
}

afterEach(async () => {
  await delivery?.stop();
  delivery = undefined;
});

function ids(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `event-${from + index}`);
}

describe('a destination that is down for ten minutes', () => {
  test('While the circuit is open only probes are made; then every event is delivered once, within the rate limit', async () => {
    const own = await start({ environment: { RATE_PER_SECOND: '20' } });
    const expected = ids(300);
    own.answers = () => (Date.now() < startMs + 10 * MINUTE_MS ? DOWN : ACCEPTED);
    const startMs = Date.now();
    for (const id of expected) await own.publish(publishedEvent(id));
    await own.until(() => own.accepted.length >= expected.length, 60 * MINUTE_MS);

    expect(own.accepted.toSorted()).toEqual(expected.toSorted());
    expect(own.messages('dead-letter')).toEqual([]);
    expect(own.messages('delivery')).toEqual([]);
    // The first calls open the circuit. Then there is one probe every 30 seconds.
    const during = own.calls.filter(({ atMs }) => atMs < 10 * MINUTE_MS);
    const opening = during.filter(({ atMs }) => atMs < 20_000).length;
    expect(opening).toBeLessThanOrEqual(15);
    const probes = during.slice(opening).map(({ atMs }) => atMs);
    expect(probes.length).toBeGreaterThanOrEqual(15);
    for (const [index, atMs] of probes.slice(1).entries())
      expect(atMs - (probes[index] ?? 0)).toBeGreaterThan(29_000);
    const after = own.calls.filter(({ atMs }) => atMs >= 10 * MINUTE_MS).map(({ atMs }) => atMs);
    for (const atMs of after)
      expect(after.filter((other) => other >= atMs && other < atMs + 1_000).length).toBeLessThanOrEqual(21);
    expect(await own.destination()).toMatchObject({ state: 'closed' });
  });
});

describe('Retry-After', () => {
  test('After 429 with Retry-After: 7, no invocation calls the destination for 7 seconds', async () => {
    const own = await start({ concurrency: 5 });
    const refusedAtMs: number[] = [];
    own.answers = () => {
      const nowMs = Date.now();
      const isRefused = refusedAtMs.length < 6 && nowMs - (refusedAtMs.at(-1) ?? 0) > 8_000;
      if (isRefused) refusedAtMs.push(nowMs);
      return isRefused ? answered(429, '7') : ACCEPTED;
    };
    const expected = ids(400);
    for (const id of expected) await own.publish(publishedEvent(id));
    for (let index = 0; index < 12; index++) {
      await own.pass(5_000);
      await own.publish(...ids(20, 1_000 + 20 * index).map((id) => publishedEvent(id)));
    }
    await own.until(() => own.accepted.length >= 640, 10 * MINUTE_MS);
    const held = own.calls.filter(({ result }) => result.kind === 'answer' && result.status === 429);
    expect(held.length).toBeGreaterThan(1);
    for (const { atMs } of held)
      expect(own.calls.filter((call) => call.atMs > atMs + IN_FLIGHT_MS && call.atMs < atMs + 7_000)).toEqual(
        [],
      );
    expect(new Set(own.accepted).size).toBe(640);
    expect(own.accepted).toHaveLength(640);
  });
});

describe('the rate limit', () => {
  test('Concurrent invocations together make no more calls per second than configured, and use what is allowed', async () => {
    const own = await start({ environment: { RATE_PER_SECOND: '50' }, concurrency: 10, callMs: 100 });
    const expected = ids(500);
    for (const id of expected) await own.publish(publishedEvent(id));
    await own.until(() => own.accepted.length >= expected.length, 5 * MINUTE_MS);
    const times = own.calls.map(({ atMs }) => atMs);
    for (const atMs of times)
      expect(times.filter((other) => other >= atMs && other < atMs + 1_000).length).toBeLessThanOrEqual(51);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(15_000);
    expect(own.accepted).toHaveLength(500);
  });
});
