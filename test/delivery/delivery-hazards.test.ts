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

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let delivery: SimulatedDelivery | undefined;

async function start(options?: SimulationOptions): Promise<SimulatedDelivery> {
  delivery = await SimulatedDelivery.start(options);
  return delivery;
}

async function publish(own: SimulatedDelivery, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await own.publishReliably(publishedEvent(`event-${index}`));
}

function reasons(own: SimulatedDelivery): (string | undefined)[] {
  return own.messages('dead-letter').map(({ attributes }) => attributes.reason?.stringValue);
}

function mostReceives(own: SimulatedDelivery): number {
  return Math.max(0, ...own.messages('delivery').map(({ receives }) => receives));
}

afterEach(async () => {
  await delivery?.stop();
  delivery = undefined;
});

describe('while DynamoDB is not available', () => {
  test('An accepted event is not sent again because the state of the destination cannot be written', async () => {
    const own = await start({ callMs: SECOND_MS });
    await publish(own, 5);
    own.broken = (action) => action === 'PutItem';
    await own.until(() => own.accepted.length >= 5, 5 * MINUTE_MS);
    await own.pass(30 * MINUTE_MS);
    expect(own.accepted).toHaveLength(5);
    expect(own.messages('delivery')).toEqual([]);
  });

  test('Nothing is called, and the messages are received less and less often, at least every 15 minutes', async () => {
    const own = await start();
    await publish(own, 5);
    own.broken = (action) => /Item$/.test(action);
    await own.pass(6 * HOUR_MS);
    expect(own.calls).toEqual([]);
    expect(own.messages('delivery')).toHaveLength(5);
    expect(mostReceives(own)).toBeLessThan(80);
    own.broken = () => false;
    await own.pass(15 * MINUTE_MS);
    expect(own.accepted).toHaveLength(5);
  });
});

describe('while the dead-letter queue is not available', () => {
  test('An expired event is not sent to the destination again and again, and has its reason in the end', async () => {
    const own = await start({ concurrency: 2 });
    own.answers = () => answered(500);
    own.broken = (action) => action === 'SendMessage';
    await publish(own, 1);
    await own.pass(97 * HOUR_MS);
    const before = own.calls.length;
    await own.pass(HOUR_MS);
    expect(own.calls.length - before).toBeLessThanOrEqual(10);
    own.broken = () => false;
    await own.until(() => own.messages('dead-letter').length === 1, HOUR_MS);
    expect(reasons(own)).toEqual(['not delivered in time; last: 500 (server error)']);
  });

  test('A refused event does not keep its turn: it is dead-lettered as soon as the queue is available', async () => {
    const own = await start();
    own.answers = () => answered(422);
    own.broken = (action) => action === 'SendMessage';
    await publish(own, 1);
    await own.until(() => own.calls.length === 1, 5 * SECOND_MS);
    own.broken = () => false;
    await own.until(() => own.messages('dead-letter').length === 1, 10 * SECOND_MS);
  });
});

describe('Retry-After', () => {
  test.each(['0', '1'])(
    'Calls that fail with 503 and Retry-After: %s open the circuit',
    async (retryAfter) => {
      const own = await start();
      own.answers = () => answered(503, retryAfter);
      await publish(own, 60);
      await own.pass(5 * MINUTE_MS);
      expect(own.calls.length).toBeLessThan(50);
      expect((await own.destination()).state).not.toBe('closed');
    },
  );

  test('A longer one than the pause of the circuit counts, also if the circuit opens at the same time', async () => {
    const own = await start({ concurrency: 20, callMs: 200 });
    own.answers = (id) => (id === 'event-0' ? answered(429, '300') : DOWN);
    await publish(own, 100);
    await own.until(() => own.calls.some(({ id }) => id === 'event-0'), MINUTE_MS);
    const heldAtMs = own.calls.find(({ id }) => id === 'event-0')?.atMs ?? 0;
    await own.pass(10 * MINUTE_MS);
    const early = own.calls.filter(({ atMs }) => atMs > heldAtMs + 500 && atMs < heldAtMs + 300_000);
    expect(early).toEqual([]);
    expect(own.calls.some(({ atMs }) => atMs > heldAtMs + 300_000)).toBe(true);
  });

  test('A probe that is answered with 429 closes the circuit after that time', async () => {
    const own = await start();
    const upAtMs = Date.now() + 20 * SECOND_MS;
    let heldAtMs: number | undefined;
    own.answers = () => {
      if (Date.now() < upAtMs) return DOWN;
      if (heldAtMs !== undefined) return ACCEPTED;
      heldAtMs = Date.now();
      return answered(429, '100');
    };
    await publish(own, 30);
    await own.until(() => own.accepted.length === 30, 2 * HOUR_MS);
    const held = own.calls.findIndex(({ result }) => result.kind === 'answer' && result.status === 429);
    const [probe, next, ...more] = own.calls.slice(held);
    expect(next?.atMs).toBeGreaterThanOrEqual((probe?.atMs ?? 0) + 100_000);
    // Not one probe at a time: the circuit is closed.
    expect(more[0]?.atMs).toBeLessThan((next?.atMs ?? 0) + 20_000);
    expect(own.accepted).toHaveLength(30);
  });
});

describe('many concurrent invocations', () => {
  test.each([
    [410, undefined, 'stopped'],
    [429, '3600', 'closed'],
  ])(
    'If all calls are answered with %i at the same time, none of the answers is lost',
    async (status, retryAfter, state) => {
      const own = await start({ concurrency: 40, callMs: SECOND_MS });
      own.answers = () => answered(status, retryAfter);
      await publish(own, 400);
      await own.pass(5 * MINUTE_MS);
      expect(own.calls.length).toBeLessThanOrEqual(40);
      const last = own.calls.at(-1)?.atMs ?? 0;
      expect(last).toBeLessThan(5 * SECOND_MS);
      expect((await own.destination()).state).toBe(state);
    },
  );
});

describe('messages that wait', () => {
  test('With a slow rate limit they are received rarely, so that SQS does not move them to the dead-letter queue', async () => {
    const own = await start({ environment: { RATE_PER_SECOND: '0.01' }, concurrency: 2 });
    await publish(own, 30);
    await own.pass(HOUR_MS);
    expect(own.messages('dead-letter')).toEqual([]);
    expect(own.accepted.length).toBeGreaterThanOrEqual(28);
    expect(mostReceives(own)).toBeLessThan(150);
  });

  test('While the circuit is open, also those that an invocation has no time for are received rarely', async () => {
    const own = await start({ concurrency: 8 });
    own.answers = () => DOWN;
    await publish(own, 40);
    await own.pass(3 * HOUR_MS);
    expect(own.messages('delivery')).toHaveLength(40);
    expect(mostReceives(own)).toBeLessThan(60);
  });
});

describe('an event with an id that no header can contain', () => {
  test('It is in quarantine, and does not count as a failed call', async () => {
    const own = await start();
    await own.publish(publishedEvent('event\n1'), publishedEvent('x'.repeat(3_000)));
    await own.until(() => own.messages('quarantine').length === 2, 5 * SECOND_MS);
    expect(own.calls).toEqual([]);
  });
});

describe('the answer in the dead-letter queue', () => {
  test('It does not end with half of a secret, because the answer is truncated before it is redacted', async () => {
    const own = await start();
    const text = `{"message":"${'no '.repeat(330)}","token":"s3cr3t-key-that-is-cut`.slice(0, 1_024);
    own.answers = () => ({ kind: 'answer', status: 400, text });
    await publish(own, 1);
    await own.until(() => own.messages('dead-letter').length === 1, 5 * SECOND_MS);
    const [message] = own.messages('dead-letter');
    expect(message?.attributes.answer?.stringValue).toMatch(/"token":"$/);
  });
});
