import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  CALLS,
  idsOf,
  LocalConsumer,
  message,
  queuedEvent,
  queuedEvents,
  redelivered,
} from './local-consumer.ts';

let consumer: LocalConsumer;

beforeEach(async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  consumer = await LocalConsumer.create();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await consumer.close();
});

describe('first delivery', () => {
  test('Every event is claimed by its message, published and marked', async () => {
    const events = queuedEvents(...Array.from({ length: 60 }, (_, index) => index));
    const one = message(events);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(events).sort());
    expect(await consumer.ownerOf(events[0]!.id)).toBe(one.owner);
    expect(await consumer.marked(one.owner, idsOf(events))).toEqual(idsOf(events));
    expect(consumer.report).toMatchObject({ received: 60, duplicates: [], quarantined: 0 });
    // 25 statements (60 claims and the turn) and 10 events per call; nothing is read, because nothing existed.
    expect(consumer.count(CALLS.insert)).toBe(3);
    expect(consumer.count(CALLS.publish)).toBe(6);
    expect(consumer.count(CALLS.read)).toBe(0);
    expect(consumer.count(CALLS.mark)).toBe(1);
  });

  test("A published event has the format of Genesys Cloud's own integration, plus our metadata", async () => {
    const event = queuedEvent(1, { sequence: 7, late: true });
    const frame = { ...event.frame, timestamp: '2026-11-20T07:59:58.5Z', unknown: [1] };
    await consumer.deliver(message([{ ...event, frame }]));
    expect(consumer.published).toMatchObject([
      {
        source: 'genesys.cloud',
        'detail-type': 'v2.users.{id}.activity',
        time: '2026-11-20T07:59:58Z',
      },
    ]);
    expect(consumer.published[0]?.detail).toEqual({
      topicName: event.frame.topicName,
      version: '2',
      timestamp: '2026-11-20T07:59:58.500Z',
      eventBody: event.frame.eventBody,
      metadata: {
        CorrelationId: event.frame.metadata?.CorrelationId,
        eventId: event.id,
        protocol: 'notification-channels',
        sequence: 7,
        receivedAt: event.receivedAt,
        backfilled: false,
        late: true,
        identity: 'stable',
      },
      unknown: [1],
    });
  });

  test('An event without a version, metadata and a time gets the time at which it was received', async () => {
    const { topicName, eventBody } = queuedEvent(1).frame;
    await consumer.deliver(message([queuedEvent(1, { frame: { topicName, eventBody } })]));
    expect(consumer.published[0]).toMatchObject({ time: '2026-11-20T08:00:00Z' });
    expect(consumer.published[0]?.detail).toEqual({
      topicName,
      timestamp: '2026-11-20T08:00:00.000Z',
      eventBody,
      metadata: {
        eventId: queuedEvent(1).id,
        protocol: 'notification-channels',
        receivedAt: '2026-11-20T08:00:00.000Z',
        backfilled: false,
        late: false,
        identity: 'stable',
      },
    });
  });

  test.each([
    ['microseconds instead of milliseconds', 1_795_161_600_000_000, '2026-11-20T08:00:00.000Z'],
    ['the last millisecond of the year 9999', 253_402_300_799_999, '2026-11-20T08:00:00.000Z'],
    ['the last second of the year 9999', 253_402_300_799_000, '9999-12-31T23:59:59.000Z'],
  ])('An event time of %s does not block the batch', async (_, eventTime, timestamp) => {
    const { frame } = queuedEvent(1);
    const extreme = queuedEvent(1, { frame: { ...frame, eventBody: { eventTime } } });
    expect(await consumer.deliver(message([extreme, queuedEvent(2)]))).toEqual([]);
    expect(consumer.published.map(({ detail }) => detail)).toMatchObject([
      { timestamp, metadata: { eventId: extreme.id } },
      { metadata: { eventId: queuedEvent(2).id } },
    ]);
  });

  test('Large events are split into calls below the size limit', async () => {
    const { frame } = queuedEvent(0);
    const events = [1, 2, 3].map((number) =>
      queuedEvent(number, { frame: { ...frame, eventBody: { text: 'x'.repeat(400_000) } } }),
    );
    expect(await consumer.deliver(...events.map((event) => message([event])))).toEqual([]);
    expect(consumer.published).toHaveLength(3);
    expect(consumer.count(CALLS.publish)).toBe(2);
  });
});

describe('duplicates', () => {
  const [first, second, third] = queuedEvents(1, 2, 3) as [never, never, never];

  test('An event that occurs twice in one envelope is published once', async () => {
    expect(await consumer.deliver(message([first, second, first]))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([first, second]));
    expect(consumer.report).toMatchObject({ received: 3 });
    expect(idsOf(consumer.report.duplicates)).toEqual(idsOf([first]));
  });

  test('An event in two envelopes of one batch is owned by the first', async () => {
    const [one, other] = [message([first, second]), message([second, third])];
    expect(await consumer.deliver(one, other)).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf([first, second, third]).sort());
    expect(await consumer.ownerOf(idsOf([second])[0]!)).toBe(one.owner);
    expect(consumer.report.duplicates).toHaveLength(1);
  });

  test('A message that occurs twice in one batch counts as one', async () => {
    const one = message([first, second]);
    expect(await consumer.deliver(one, { ...one })).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([first, second]));
    expect(consumer.report).toMatchObject({ received: 2, duplicates: [] });
  });

  test('Two messages with the same body in one batch count as one, and both are redelivered if it is unfinished', async () => {
    const one = message([first]);
    const other = { ...one, messageId: '0f2c7a52-2d8e-4b1f-8a57-0a4f6f2d9b11' };
    consumer.refuse(CALLS.publish, 'ThrottlingException');
    const { failed } = await consumer.invoke([one, other], { isLastAttempt: true });
    expect(failed.sort()).toEqual([one.messageId, other.messageId].sort());
    expect(await consumer.deliver(redelivered(one), redelivered(other))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([first]));
  });

  test('If two messages have the same envelope id but different events, all events are published', async () => {
    const one = message([first]);
    const edited = message([second], { id: one.owner });
    expect(await consumer.deliver(one, edited)).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf([first, second]).sort());
  });

  test('An event that a message of an earlier batch owns is dropped', async () => {
    await consumer.deliver(message([first, second]));
    expect(await consumer.deliver(message([second, third]))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([first, second, third]));
    expect(consumer.report).toMatchObject({ received: 2 });
    expect(idsOf(consumer.report.duplicates)).toEqual(idsOf([second]));
    expect(consumer.report.published.map(({ id }) => id)).toEqual(idsOf([third]));
  });

  test('A duplicate is dropped before its owner has published the event, because the owner is redelivered', async () => {
    const owner = message([first]);
    consumer.refuse(CALLS.publish, 'ThrottlingException');
    expect((await consumer.invoke([owner], { isLastAttempt: true })).failed).toEqual([owner.messageId]);
    expect(await consumer.deliver(message([first]))).toEqual([]);
    expect(consumer.published).toEqual([]);
    expect(await consumer.deliver(redelivered(owner))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([first]));
  });

  test('Messages that were split off share an owner, and each publishes its part', async () => {
    const whole = message([first, second]);
    const half = message([third], { owner: whole.owner });
    expect(await consumer.deliver(half, whole)).toEqual([]);
    expect(await consumer.deliver(message([second, third], { owner: whole.owner, receiveCount: 2 }))).toEqual(
      [],
    );
    expect(consumer.publishedIds.sort()).toEqual(idsOf([first, second, third]).sort());
    const ids = idsOf([first, second, third]);
    expect(await consumer.marked(whole.owner, ids)).toEqual(ids);
  });

  test('Split messages with the same event in one batch publish it once', async () => {
    const whole = message([first]);
    expect(await consumer.deliver(whole, message([first], { owner: whole.owner }))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([first]));
    expect(consumer.report.duplicates).toHaveLength(1);
  });
});

describe('two concurrent deliveries of a message', () => {
  const events = queuedEvents(1, 2);

  test('The second of two concurrent deliveries publishes nothing and is redelivered', async () => {
    const one = message(events);
    let failed: string[] | undefined;
    consumer.intercept(CALLS.publish, {
      before: async () => {
        failed = await consumer.deliver(one);
        return undefined;
      },
    });
    expect(await consumer.deliver(one)).toEqual([]);
    expect(failed).toEqual([one.messageId]);
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });

  test('The second of two concurrent deliveries is redelivered even if its INSERT was throttled once', async () => {
    const one = message(events);
    let failed: string[] | undefined;
    consumer.intercept(CALLS.publish, {
      before: async () => {
        consumer.faults.next('throttle', CALLS.insert);
        failed = await consumer.deliver(one);
        return undefined;
      },
    });
    expect(await consumer.deliver(one)).toEqual([]);
    expect(failed).toEqual([one.messageId]);
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });

  test('A second delivery after the first has finished publishes nothing and succeeds', async () => {
    const one = message(events);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });

  test('Concurrent deliveries are distinguished at every receive, not only at the first', async () => {
    const one = message(events);
    await consumer.invoke([one], { crashAt: { call: 1, when: 'after' } });
    await consumer.endLease(one.owner);
    let failed: string[] | undefined;
    consumer.intercept(CALLS.publish, {
      before: async () => {
        failed = await consumer.deliver(redelivered(one));
        return undefined;
      },
    });
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(failed).toEqual([one.messageId]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
    expect(await consumer.deliver(redelivered(redelivered(one)))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });
});

describe('redelivery after a crash', () => {
  const events = queuedEvents(1, 2, 3);

  // The calls of a first delivery: claim, publish, mark.
  test.each([
    { call: 1, when: 'before', published: 1 },
    { call: 1, when: 'after', published: 1 },
    { call: 2, when: 'before', published: 1 },
    // The outcome of PutEvents is unknown to the next delivery.
    { call: 2, when: 'after', published: 2 },
    { call: 3, when: 'before', published: 2 },
    { call: 3, when: 'after', published: 1 },
  ] as const)('After a crash $when call $call each event is published $published time(s)', async (crash) => {
    const one = message(events);
    const { outcome } = await consumer.invoke([one], { crashAt: crash });
    expect(outcome).toMatchObject({ kind: 'crash', call: crash.call });
    if (await consumer.item(`turn#${one.owner}`)) await consumer.endLease(one.owner);
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(await consumer.deliver(redelivered(redelivered(one)))).toEqual([]);
    for (const { id } of events) {
      expect(consumer.publishedIds.filter((published) => published === id)).toHaveLength(crash.published);
    }
    expect(await consumer.marked(one.owner, idsOf(events))).toEqual(idsOf(events));
  });

  test('Events that an earlier delivery marked are not published again, and the others are', async () => {
    const one = message(events);
    consumer.faults.next('partial_failure', CALLS.publish);
    const { failed } = await consumer.invoke([one], { isLastAttempt: true });
    expect(failed).toEqual([one.messageId]);
    const early = consumer.publishedIds;
    expect(early.length).toBeGreaterThan(0);
    expect(early.length).toBeLessThan(events.length);
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(events).sort());
  });

  test('A message that is done stays unchanged in a batch with redelivered messages', async () => {
    const done = message(queuedEvents(10));
    await consumer.deliver(done);
    const [one, other] = [message(queuedEvents(1, 2)), message(queuedEvents(3))];
    await consumer.invoke([one, other], { crashAt: { call: 2, when: 'before' } });
    for (const { owner } of [one, other]) await consumer.endLease(owner);
    expect(await consumer.deliver(redelivered(one), redelivered(done), redelivered(other))).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(queuedEvents(1, 2, 3, 10)).sort());
  });
});
