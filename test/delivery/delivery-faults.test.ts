import { afterEach, describe, expect, test, vi } from 'vitest';
import { AWS_FAULT_RATES } from '../../bin/local/fault-options.ts';
import {
  ACCEPTED,
  answered,
  DOWN,
  publishedEvent,
  SimulatedDelivery,
  type SimulationOptions,
} from './simulated-delivery.ts';

vi.mock('node:timers/promises', () => import('../ingester/timers-promises.ts'));

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const EVENTS = 150;

let delivery: SimulatedDelivery | undefined;

async function start(options?: SimulationOptions): Promise<SimulatedDelivery> {
  delivery = await SimulatedDelivery.start(options);
  return delivery;
}

afterEach(async () => {
  await delivery?.stop();
  delivery = undefined;
});

describe('copies of an event', () => {
  test('Of two messages with the same event, one is delivered, even if both are received at the same time', async () => {
    const own = await start({ callMs: SECOND_MS });
    const event = publishedEvent('event-1');
    for (let index = 0; index < 20; index++) await own.publish(publishedEvent(`other-${index}`));
    await own.publish(event, event);
    await own.until(() => own.messages('delivery').length === 0, 30 * MINUTE_MS);
    expect(own.accepted.filter((id) => id === 'event-1')).toHaveLength(1);
    expect(own.reports.flatMap(({ ends }) => [...ends.values()])).toContain('duplicate');
  });

  test('A copy that is received after the delivery is dropped', async () => {
    const own = await start();
    await own.publish(publishedEvent('event-1'));
    await own.until(() => own.accepted.length === 1, 5 * SECOND_MS);
    await own.publish(publishedEvent('event-1'));
    await own.pass(5 * SECOND_MS);
    expect(own.accepted).toEqual(['event-1']);
    expect(own.messages('delivery')).toEqual([]);
  });

  test('An event that is replayed from an archive is delivered again', async () => {
    const own = await start();
    await own.publish(publishedEvent('event-1'));
    await own.until(() => own.accepted.length === 1, 5 * SECOND_MS);
    await own.publish({ ...publishedEvent('event-1'), 'replay-name': 'after-the-fix' });
    await own.until(() => own.accepted.length === 2, 5 * SECOND_MS);
  });
});

describe.each([1, 2, 3])('with faults of AWS, killed invocations and failing calls (seed %i)', (seed) => {
  test('Every event is delivered or in the dead-letter queue, and twice only if an outcome is unknown', async () => {
    const own = await start({ faults: { seed, rates: AWS_FAULT_RATES }, crashRate: 0.05 });
    const refused = (id: string) => Number(id.slice(6)) % 29 === 0;
    let calls = 0;
    const lost = new Set<string>();
    own.answers = (id) => {
      calls += 1;
      if (refused(id)) return answered(422);
      if (calls % 7 === 0) return answered(503);
      if (calls % 11 === 0) return DOWN;
      if (calls % 13 !== 0) return ACCEPTED;
      lost.add(id);
      return { kind: 'failed', reason: 'timeout', message: 'no answer', mayHaveArrived: true };
    };
    const expected = Array.from({ length: EVENTS }, (_, index) => `event-${index}`);
    for (const id of expected) await own.publishReliably(publishedEvent(id));
    await own.until(() => own.messages('delivery').length === 0, 24 * 60 * MINUTE_MS);

    const deadLettered = own
      .messages('dead-letter')
      .map(({ body }) => JSON.parse(body).detail.metadata.eventId);
    const delivered = new Set(own.accepted);
    expect(expected.filter((id) => !delivered.has(id) && !deadLettered.includes(id))).toEqual([]);
    expect(new Set(deadLettered)).toEqual(new Set(expected.filter(refused)));
    const times = Map.groupBy(own.accepted, (id) => id);
    const twice = [...times].filter(([, all]) => all.length > 1).map(([id]) => id);
    expect(own.unknown.size).toBeGreaterThan(0);
    expect(twice.filter((id) => !own.unknown.has(id) && !lost.has(id))).toEqual([]);
  });
});
