import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CallResult } from '../../functions/delivery/http-call.ts';
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
const DAY_MS = 86_400_000;

let delivery: SimulatedDelivery | undefined;

async function start(options?: SimulationOptions): Promise<SimulatedDelivery> {
  delivery = await SimulatedDelivery.start(options);
  return delivery;
}

/** Responds with these results one after another, and then accepts. */
function inOrder(...results: CallResult[]): () => CallResult {
  return () => results.shift() ?? ACCEPTED;
}

function attributesOf({ attributes }: ReturnType<SimulatedDelivery['messages']>[number]) {
  return Object.fromEntries(Object.entries(attributes).map(([name, { stringValue }]) => [name, stringValue]));
}

afterEach(async () => {
  await delivery?.stop();
  delivery = undefined;
});

describe('an event', () => {
  test('It is sent as EventBridge delivered it, with its id as the idempotency key', async () => {
    const own = await start();
    const event = publishedEvent('event-1', { presenceDefinition: { id: 'p' } });
    await own.publish(event);
    await own.until(() => own.calls.length > 0, 5 * SECOND_MS);
    expect(own.calls).toMatchObject([{ id: 'event-1', body: JSON.stringify(event) }]);
    await own.pass(SECOND_MS);
    expect(own.messages('delivery')).toEqual([]);
  });

  test('With CONTENT=detail only its detail is sent, and with FIELDS only the fields', async () => {
    const detail = await start({ environment: { CONTENT: 'detail' } });
    const event = publishedEvent('event-1', { state: 'open' });
    await detail.publish(event);
    await detail.until(() => detail.calls.length > 0, 5 * SECOND_MS);
    expect(JSON.parse(detail.calls[0]?.body ?? '')).toEqual((event as { detail: object }).detail);
    await detail.stop();

    const fields = {
      state: 'detail.eventBody.state',
      queue: { path: 'detail.eventBody.queue', optional: true },
    };
    const mapped = await start({ environment: { FIELDS: JSON.stringify(fields) } });
    await mapped.publish(event);
    await mapped.until(() => mapped.calls.length > 0, 5 * SECOND_MS);
    expect(mapped.calls[0]?.body).toBe('{"state":"open"}');
  });

  test('With the preset structural, personal data never reaches the destination, and the metadata stays', async () => {
    const own = await start({ environment: { REDACTION: 'structural' } });
    const planted = {
      name: 'Ada Lovelace',
      ani: 'tel:+15551234567',
      attributes: { iban: 'DE02120300000000202051' },
    };
    await own.publish(publishedEvent('event-1', { id: 'c', participants: [{ id: 'p', ...planted }] }));
    await own.until(() => own.calls.length > 0, 5 * SECOND_MS);
    const { body = '' } = own.calls[0] ?? {};
    for (const text of ['Lovelace', '5551234567', 'DE0212']) expect(body).not.toContain(text);
    expect(JSON.parse(body).detail.metadata.eventId).toBe('event-1');
  });

  test('An event that does not fit the fields, and a message that is not an event, go to the quarantine queue with the reason', async () => {
    const own = await start({ environment: { FIELDS: '{"state":"detail.eventBody.state"}' } });
    await own.publish(publishedEvent('event-1', { other: 1 }));
    await own.publishText('not JSON');
    await own.until(() => own.messages('quarantine').length === 2, 5 * SECOND_MS);
    const reasons = own.messages('quarantine').map((message) => attributesOf(message).reason);
    expect(reasons.toSorted()).toEqual([
      'delivery to Crm: field state: detail.eventBody.state is missing',
      'delivery to Crm: the message is not JSON',
    ]);
    expect(own.calls).toEqual([]);
    await own.pass(SECOND_MS);
    expect(own.messages('delivery')).toEqual([]);
  });
});

describe('an event that the destination refuses', () => {
  test('It is in the dead-letter queue at once, unchanged, with the status and the beginning of the response', async () => {
    const own = await start();
    own.answers = () => answered(422);
    const event = publishedEvent('event-1');
    await own.publish(event);
    await own.until(() => own.messages('dead-letter').length > 0, 5 * SECOND_MS);
    const [message] = own.messages('dead-letter');
    expect(message?.body).toBe(JSON.stringify(event));
    expect(message && attributesOf(message)).toMatchObject({
      destination: 'Crm',
      status: '422',
      answer: 'answer 422',
      reason: '422 (the destination refuses the event)',
    });
    expect(own.calls).toHaveLength(1);
  });

  test('The response in the dead-letter queue contains no secrets and has at most 1,024 characters', async () => {
    const own = await start();
    const text = `Bearer abcdefghijklmnopqrstuvwxyz0123456789 ${'x'.repeat(5_000)}`;
    own.answers = () => ({ kind: 'answer', status: 400, text });
    await own.publish(publishedEvent('event-1'));
    await own.until(() => own.messages('dead-letter').length > 0, 5 * SECOND_MS);
    const [message] = own.messages('dead-letter');
    const { answer = '' } = message ? attributesOf(message) : {};
    expect(answer).not.toContain('abcdefghijklmnopqrstuvwxyz0123456789');
    expect(answer.length).toBeLessThanOrEqual(1_024);
  });

  test('It does not open the circuit, because the destination responds', async () => {
    const own = await start();
    own.answers = () => answered(400);
    for (let index = 0; index < 20; index++) await own.publish(publishedEvent(`event-${index}`));
    await own.until(() => own.messages('dead-letter').length === 20, MINUTE_MS);
    expect(await own.destination()).toMatchObject({ state: 'closed' });
  });
});

describe('an event whose call fails', () => {
  test('It is sent again with the same idempotency key until the destination accepts it', async () => {
    const own = await start();
    const timeout = {
      kind: 'failed',
      reason: 'timeout',
      message: 'after 5 s',
      mayHaveArrived: true,
    } as const;
    own.answers = inOrder(DOWN, answered(503), timeout, answered(408));
    await own.publish(publishedEvent('event-1'));
    await own.until(() => own.accepted.length === 1, 60 * MINUTE_MS);
    expect(own.calls.map(({ id }) => id)).toEqual(Array(5).fill('event-1'));
    await own.pass(SECOND_MS);
    expect(own.messages('delivery')).toEqual([]);
    expect(own.messages('dead-letter')).toEqual([]);
  });

  test('After four days it is in the dead-letter queue with the last failure, having been received fewer than 1,000 times', async () => {
    const own = await start({ concurrency: 2 });
    own.answers = () => answered(500);
    await own.publish(publishedEvent('event-1'));
    await own.pass(4 * DAY_MS - 60 * MINUTE_MS);
    expect(own.messages('dead-letter')).toEqual([]);
    await own.pass(3 * 60 * MINUTE_MS);
    const [message] = own.messages('dead-letter');
    expect(message && attributesOf(message)).toMatchObject({
      status: '500',
      reason: 'not delivered in time; last: 500 (server error)',
    });
    expect(own.messages('delivery')).toEqual([]);
  });
});

describe('a destination that responds with 410', () => {
  test('It is no longer called, and its events wait in the queue until it is resumed', async () => {
    const own = await start();
    own.answers = inOrder(answered(410));
    await own.publish(publishedEvent('event-1'));
    await own.until(() => own.calls.length === 1, 5 * SECOND_MS);
    await own.pass(SECOND_MS);
    await own.publish(publishedEvent('event-2'));
    await own.pass(60 * MINUTE_MS);
    expect(own.calls).toHaveLength(1);
    expect(own.messages('delivery')).toHaveLength(2);
    const stopped = await own.destination();
    expect(stopped).toMatchObject({ state: 'stopped', reason: '410 (the destination is gone)' });
    await own.store.replace(stopped, { state: 'closed', sinceMs: Date.now() });
    await own.until(() => own.accepted.length === 2, 60 * MINUTE_MS);
    await own.pass(SECOND_MS);
    expect(own.messages('dead-letter')).toEqual([]);
  });

  test('Events that wait for more than four days go to the dead-letter queue, and say that it is stopped', async () => {
    const own = await start({ concurrency: 2 });
    own.answers = inOrder(answered(410));
    await own.publish(publishedEvent('event-1'));
    await own.pass(4 * DAY_MS + 60 * MINUTE_MS);
    const [message] = own.messages('dead-letter');
    expect(message && attributesOf(message).reason).toBe(
      'not delivered in time; the destination is stopped: 410 (the destination is gone)',
    );
  });
});

describe('after an outage', () => {
  test('The rate of calls rises from one per second', async () => {
    const own = await start({ concurrency: 10 });
    const outageMs = 2 * MINUTE_MS;
    const startMs = Date.now();
    own.answers = () => (Date.now() < startMs + outageMs ? DOWN : ACCEPTED);
    for (let index = 0; index < 200; index++) await own.publish(publishedEvent(`event-${index}`));
    await own.until(() => own.accepted.length === 200, 60 * MINUTE_MS);
    const [firstMs = 0] = own.calls.filter(({ result }) => result === ACCEPTED).map(({ atMs }) => atMs);
    const within = (ms: number) =>
      own.calls.filter(({ atMs }) => atMs >= firstMs && atMs < firstMs + ms).length;
    expect(within(3 * SECOND_MS)).toBeLessThanOrEqual(5);
    expect(within(6 * SECOND_MS)).toBeLessThanOrEqual(12);
    expect(within(9 * SECOND_MS)).toBeLessThanOrEqual(26);
  });
});
