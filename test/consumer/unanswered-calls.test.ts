import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ObjectStore } from '../../lib/aws/object-store.ts';
import {
  asTimePasses,
  CALLS,
  type Delivered,
  type Invoked,
  idsOf,
  LocalConsumer,
  message,
  queuedEvent,
  queuedEvents,
  redelivered,
} from './local-consumer.ts';

vi.mock('node:timers/promises', () => import('../ingester/timers-promises.ts'));

/** Time limit of an invocation, and the part that is reserved for marking and reporting. */
const REMAINING_MS = 1_500;
const RESERVE_MS = 0.3 * REMAINING_MS;
const LIMIT_BYTES = 65_536;

const events = queuedEvents(1, 2);
const { frame } = queuedEvent(3);
const large = queuedEvent(3, { frame: { ...frame, eventBody: { text: 'x'.repeat(LIMIT_BYTES) } } });
let consumer: LocalConsumer;

beforeEach(async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  consumer = await LocalConsumer.create({ config: { oversizeBytes: LIMIT_BYTES } });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await consumer.close();
});

/** Runs an invocation, which must respond before its time limit. */
async function invokeInTime(...messages: Delivered[]): Promise<Invoked> {
  const startedAtMs = performance.now();
  const invoked = await asTimePasses(consumer.invoke(messages, { remainingMs: REMAINING_MS }));
  expect(performance.now() - startedAtMs).toBeLessThan(REMAINING_MS);
  return invoked;
}

describe('an AWS call that is never answered', () => {
  test.each(['insert', 'read', 'takeOver', 'mark', 'publish', 'quarantine'] as const)(
    'The request of an unanswered %s call is aborted at the deadline',
    async (call) => {
      // An event that is claimed already, one whose claim has expired, and an invalid item: every call is made.
      await consumer.deliver(message(queuedEvents(4)));
      await consumer.putClaim(queuedEvent(5).id, 'earlier-owner', 0);
      consumer.hang(CALLS[call]);
      await invokeInTime(message([...events, ...queuedEvents(4, 5), null]));
      expect(consumer.signals.length).toBeGreaterThan(0);
      expect(consumer.signals.every((signal) => signal?.aborted)).toBe(true);
    },
  );

  test('The request of an unanswered takeover of a turn is aborted at the deadline', async () => {
    const one = message(events);
    await consumer.invoke([one], { crashAt: { call: 1, when: 'after' } });
    await consumer.endLease(one.owner);
    consumer.hang(CALLS.mark);
    await invokeInTime(redelivered(one));
    expect(consumer.signals.map((signal) => signal?.aborted)).toEqual([true]);
  });

  test.each(['insert', 'read'] as const)(
    'If the %s call is not answered, the messages are redelivered and none is published',
    async (call) => {
      const one = message(events);
      await consumer.invoke([one], { crashAt: { call: 1, when: 'after' } });
      consumer.hang(CALLS[call]);
      expect((await invokeInTime(redelivered(one))).failed).toEqual([one.messageId]);
      expect(consumer.published).toEqual([]);
      consumer.recover();
      await consumer.endLease(one.owner);
      expect(await consumer.deliver(redelivered(one))).toEqual([]);
      expect(consumer.publishedIds).toEqual(idsOf(events));
    },
  );

  test('If a read is not answered, messages without earlier claims are published, marked and reported', async () => {
    const [one, other] = [message(events), message(queuedEvents(4))];
    await consumer.invoke([one], { crashAt: { call: 1, when: 'after' } });
    consumer.hang(CALLS.read);
    expect((await invokeInTime(redelivered(one), other)).failed).toEqual([one.messageId]);
    expect(await consumer.marked(other.owner, consumer.publishedIds)).toEqual(idsOf(queuedEvents(4)));
  });

  test('If the takeover of a turn is not answered, only its message is redelivered', async () => {
    const [one, other] = [message(events), message(queuedEvents(4))];
    await consumer.invoke([one], { crashAt: { call: 1, when: 'after' } });
    await consumer.endLease(one.owner);
    consumer.hang(CALLS.mark);
    expect((await invokeInTime(redelivered(one), other)).failed).toEqual([one.messageId]);
    expect(consumer.publishedIds).toEqual(idsOf(queuedEvents(4)));
    consumer.recover();
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([queuedEvent(4), ...events]));
  });

  test('If PutEvents is not answered, its messages are redelivered without delay, and all others are reported', async () => {
    await consumer.deliver(message(queuedEvents(4)));
    const [one, duplicate, invalid] = [message(events), message(queuedEvents(4)), message([null])];
    consumer.hang(CALLS.publish);
    expect((await invokeInTime(one, duplicate, invalid)).failed).toEqual([one.messageId]);
    expect(consumer.quarantined).toHaveLength(1);
    consumer.recover();
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([queuedEvent(4), ...events]));
  });

  test('If one PutEvents is not answered, the events of all others are published, marked and reported', async () => {
    const [one, ...others] = [
      message(events),
      ...[4, 5, 6].map((number) =>
        message(queuedEvents(...Array.from({ length: 10 }, (_, index) => 100 * number + index))),
      ),
    ];
    consumer.intercept(CALLS.publish, { before: () => new Promise(() => undefined) });
    const { failed } = await invokeInTime(one!, ...others);
    const first = others[0]!;
    // The first call has ten events: two of the first message and eight of the second.
    expect(failed).toEqual([one!.messageId, first.messageId]);
    expect(consumer.published).toHaveLength(22);
    for (const { owner } of others.slice(1))
      expect(await consumer.marked(owner, consumer.publishedIds)).toHaveLength(10);
    expect(await consumer.marked(first.owner, consumer.publishedIds)).toHaveLength(2);
  });

  test('If the quarantine queue does not answer, published events are marked and other messages are reported', async () => {
    const [one, invalid] = [message(events), message([null, queuedEvent(4)])];
    consumer.hang(CALLS.quarantine);
    const unreadable = { messageId: 'unreadable', body: 'unreadable' };
    const { failed } = await invokeInTime(one, invalid, unreadable);
    expect(failed.sort()).toEqual([invalid.messageId, 'unreadable'].sort());
    expect(consumer.publishedIds.sort()).toEqual(idsOf([...events, queuedEvent(4)]).sort());
    expect(await consumer.marked(one.owner, idsOf(events))).toEqual(idsOf(events));
    expect(await consumer.marked(invalid.owner, idsOf([queuedEvent(4)]))).toEqual(idsOf([queuedEvent(4)]));
  });

  test('If the quarantine queue does not answer, the marks of a message with a refused event are written before', async () => {
    const refused = await LocalConsumer.create({ config: { oversizeBytes: LIMIT_BYTES } });
    const one = message([large, ...events]);
    refused.hang(CALLS.quarantine);
    const marksAtQuarantine: string[][] = [];
    refused.onCall = async (target) => {
      if (target === CALLS.quarantine) marksAtQuarantine.push(await refused.marked(one.owner, idsOf(events)));
    };
    const { failed } = await asTimePasses(refused.invoke([one], { remainingMs: REMAINING_MS }));
    expect(failed).toEqual([one.messageId]);
    expect(marksAtQuarantine).toEqual([idsOf(events)]);
    await refused.close();
  });

  test('If S3 does not answer, all smaller events are published, marked and reported', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const store: Pick<ObjectStore, 'bucket' | 'putJson'> = {
      bucket: 'oversize',
      putJson: (_key, _json, signal) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    };
    consumer.objectStore = store as ObjectStore;
    // More large events than concurrent calls.
    const many = Array.from({ length: 12 }, (_, index) => ({ ...large, id: `large-${index}` }));
    const [one, other] = [message(events), message([...many, queuedEvent(4)])];
    expect((await invokeInTime(one, other)).failed).toEqual([other.messageId]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf([...events, queuedEvent(4)]).sort());
    expect(await consumer.marked(one.owner, idsOf(events))).toEqual(idsOf(events));
    expect(await consumer.marked(other.owner, idsOf([queuedEvent(4)]))).toEqual(idsOf([queuedEvent(4)]));
    expect(signals.length).toBeGreaterThan(0);
    expect(signals.every((signal) => signal?.aborted)).toBe(true);
  });

  test('If marks cannot be written because DynamoDB does not answer, published messages are reported as done', async () => {
    const one = message(events);
    consumer.hang(CALLS.mark);
    expect((await invokeInTime(one)).failed).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });

  test('Calls end early enough that marks can be written and the turn released', async () => {
    const [one, other] = [message(events), message([...queuedEvents(4), null])];
    consumer.hang(CALLS.quarantine);
    const startedAtMs = performance.now();
    const markedAfterMs: number[] = [];
    consumer.onCall = (target, body) => {
      if (target === CALLS.mark && body.includes(other.owner))
        markedAfterMs.push(performance.now() - startedAtMs);
    };
    await invokeInTime(one, other);
    expect(markedAfterMs).toHaveLength(1);
    expect(markedAfterMs[0]).toBeGreaterThanOrEqual(REMAINING_MS - RESERVE_MS);
    expect((await consumer.item(`turn#${other.owner}`))?.leaseEndsAt?.N).toBe('0');
  });

  test('An invocation that begins with 10 ms left returns its messages instead of failing', async () => {
    const one = message(events);
    consumer.hang(CALLS.insert);
    const { outcome, failed } = await asTimePasses(consumer.invoke([one], { remainingMs: 10 }));
    expect(outcome.kind).toBe('response');
    expect(failed).toEqual([one.messageId]);
  });

  test('The reserve of a long invocation is at most two seconds', async () => {
    const one = message([null]);
    consumer.hang(CALLS.quarantine);
    const invoked = consumer.invoke([one], { remainingMs: 30_000 });
    let isDone = false;
    void invoked.then(() => {
      isDone = true;
    });
    await vi.waitFor(() => expect(consumer.count(CALLS.quarantine)).toBe(1), { timeout: 60_000 });
    await vi.advanceTimersByTimeAsync(27_900);
    expect(isDone).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect((await invoked).failed).toEqual([one.messageId]);
  });
});
