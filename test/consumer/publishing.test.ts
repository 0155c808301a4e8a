import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Deadline } from '../../functions/consumer/deadline.ts';
import { Publisher } from '../../functions/consumer/publish.ts';
import { eventBridgeClient } from '../../lib/aws/aws-clients.ts';
import {
  again,
  answerOf,
  CALLS,
  idsOf,
  LocalConsumer,
  message,
  queuedEvent,
  queuedEvents,
} from './local-consumer.ts';

const events = queuedEvents(1, 2, 3, 4, 5);
let consumer: LocalConsumer;

beforeEach(async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  consumer = await LocalConsumer.create();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await consumer.close();
});

/** Ids of the events in a PutEvents. */
function idsIn(body: string): string[] {
  const { Entries } = JSON.parse(body) as { Entries: { Detail: string }[] };
  return Entries.map(({ Detail }) => JSON.parse(Detail).metadata.eventId as string);
}

describe('PutEvents', () => {
  test('of which entries fail is repeated for those alone', async () => {
    consumer.faults.next('partial_failure', CALLS.publish);
    const one = message(events);
    expect(await consumer.deliver(one)).toEqual([]);
    const [all, rest] = consumer.calls.filter(({ target }) => target === CALLS.publish);
    expect(idsIn(all!.body)).toEqual(idsOf(events));
    expect(idsIn(rest!.body).length).toBeLessThan(events.length);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(events).sort());
    expect(consumer.report.published).toHaveLength(events.length);
    expect(await consumer.marked(one.owner, idsOf(events))).toEqual(idsOf(events));
  });

  test.each([
    ['throttle', 1],
    ['server_error', 1],
    ['timeout_before_commit', 1],
    // Unknown to the consumer: it publishes again (P2).
    ['timeout_after_commit', 2],
  ] as const)('is repeated after %s: each event is published %d time(s)', async (kind, times) => {
    consumer.faults.next(kind, CALLS.publish);
    expect(await consumer.deliver(message(events))).toEqual([]);
    for (const { id } of events)
      expect(consumer.publishedIds.filter((published) => published === id)).toHaveLength(times);
    expect(consumer.report.published).toHaveLength(events.length);
  });

  test('that is denied ends the invocation with an error, and what other calls published is marked', async () => {
    const many = queuedEvents(...Array.from({ length: 30 }, (_, index) => index));
    const one = message(many);
    consumer.refuse(CALLS.publish, 'AccessDeniedException');
    const { outcome, failed } = await consumer.invoke([one]);
    expect(outcome).toMatchObject({ kind: 'error', error: { name: 'AccessDeniedException' } });
    expect(failed).toEqual([one.messageId]);
    expect(consumer.published).toHaveLength(20);
    expect((await consumer.marked(one.owner, idsOf(many))).sort()).toEqual(consumer.publishedIds.sort());
    expect(await consumer.deliver(again(one))).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(many).sort());
  });

  test('that answers no entry is repeated', async () => {
    consumer.intercept(CALLS.publish, { before: () => answerOf(200, { FailedEntryCount: 0 }) });
    expect(await consumer.deliver(message(events))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });
});

describe('an event that EventBridge refuses for what it is', () => {
  const refusal = { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  /** Lets the bus refuse the first entry of the next call. */
  const refuseFirst = (entry: object = refusal) =>
    consumer.intercept(CALLS.publish, {
      before: (body) => {
        const accepted = idsIn(body).slice(1);
        const Entries = [entry, ...accepted.map((id) => ({ EventId: id }))];
        return answerOf(200, { FailedEntryCount: 1, Entries });
      },
    });

  test('goes to quarantine with its reason, and the rest is published', async () => {
    refuseFirst();
    const one = message(events);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.report.published.map(({ id }) => id)).toEqual(idsOf(events.slice(1)));
    expect(consumer.report.quarantined).toBe(1);
    expect(consumer.reasons).toEqual(['EventBridge: MalformedDetail Detail is malformed.']);
    expect(JSON.parse(consumer.quarantined[0]!.body)).toMatchObject({
      v: 1,
      owner: one.owner,
      events: [events[0]],
    });
  });

  test('goes there without a message of EventBridge, too', async () => {
    refuseFirst({ ErrorCode: 'InvalidArgument' });
    expect(await consumer.deliver(message(events.slice(0, 1)))).toEqual([]);
    expect(consumer.reasons).toEqual(['EventBridge: InvalidArgument ']);
  });

  test('is published when its quarantined message is sent again and the reason is gone', async () => {
    refuseFirst();
    await consumer.deliver(message(events.slice(0, 1)));
    const mended = { messageId: 'sent-again', body: consumer.quarantined[0]!.body, receiveCount: 1 };
    // Its claim is there already, so the first delivery cannot be told from a twin of one under way.
    expect(await consumer.deliver(mended)).toEqual(['sent-again']);
    expect(await consumer.deliver(again(mended))).toEqual([]);
    expect(consumer.publishedIds).toEqual([events[0]!.id]);
    expect(await consumer.deliver(again(again(mended)))).toEqual([]);
    expect(consumer.publishedIds).toEqual([events[0]!.id]);
  });

  test('is not put there twice by a message that comes again', async () => {
    const one = message(events);
    refuseFirst();
    expect(await consumer.deliver(one)).toEqual([]);
    expect(await consumer.deliver(again(one))).toEqual([]);
    expect(await consumer.deliver(again(again(one)))).toEqual([]);
    expect(consumer.quarantined).toHaveLength(1);
  });

  test('comes again when the quarantine queue does not take it', async () => {
    const one = message(events.slice(0, 1));
    refuseFirst();
    for (let call = 0; call < 8; call++) consumer.faults.next('throttle', CALLS.quarantine);
    expect(await consumer.deliver(one)).toEqual([one.messageId]);
    expect(consumer.quarantined).toEqual([]);
    expect(await consumer.deliver(again(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual([events[0]!.id]);
  });

  test('with a quarantine queue that is not there: an error, and what is published is marked', async () => {
    const broken = await LocalConsumer.create({
      config: { quarantineQueueUrl: 'http://127.0.0.1/000000000000/no-such-queue' },
    });
    broken.intercept(CALLS.publish, {
      before: () =>
        answerOf(200, { FailedEntryCount: 1, Entries: [refusal, { EventId: 'one' }, { EventId: 'two' }] }),
    });
    const one = message(events.slice(0, 3));
    const { outcome, failed } = await broken.invoke([one]);
    expect(outcome).toMatchObject({ kind: 'error', error: { name: 'QueueDoesNotExist' } });
    expect(failed).toEqual([one.messageId]);
    expect(await broken.marked(one.owner, idsOf(events))).toEqual(idsOf(events.slice(1, 3)));
    await broken.close();
  });

  test('for its source: all of them, by the real bus', async () => {
    const refused = await LocalConsumer.create({ config: { eventSource: 'aws.genesys' } });
    expect(await refused.deliver(message(events))).toEqual([]);
    expect(refused.published).toEqual([]);
    expect(refused.reasons).toHaveLength(events.length);
    expect(refused.reasons[0]).toContain('NotAuthorizedForSourceException');
    await refused.close();
  });
});

describe('an event above the size of PutEvents', () => {
  // As it stands in the queue it has 250 KB; written out again, each number takes 21 digits.
  const numbers = `[${Array.from({ length: 50_000 }, () => '1e20').join(',')}]`;
  const body = (owner: string) => {
    const [small, large] = queuedEvents(1, 2) as [object, object];
    const grown = JSON.stringify(large).replace('"number":2', `"number":${numbers}`);
    return message([small], { id: owner }).body.replace(']}', `,${grown}]}`);
  };

  test('is refused without a call', async () => {
    const client = eventBridgeClient({
      region: 'us-east-1',
      requestHandler: consumer.emulator.requestHandler(),
    });
    const publisher = new Publisher(client, { busName: 'switchboard', source: 'genesys.cloud' });
    const { frame } = queuedEvent(1);
    const event = queuedEvent(1, { frame: { ...frame, eventBody: { text: 'x'.repeat(1_048_576) } } });
    expect(await publisher.publish([event], new Deadline(Date.now() + 1_000))).toEqual({
      published: [],
      refused: [{ event, reason: 'larger than the 1048575 bytes of PutEvents' }],
      left: [],
    });
  });

  test('that fits into no message of its own stays in the queue, whole, and holds nothing back', async () => {
    const id = 'b6ff2fdd-05a4-4cf4-9b52-5f6a1c8f8a60';
    const one = { messageId: 'grown', body: body(id), receiveCount: 1 };
    const other = message(queuedEvents(3));
    expect(await consumer.deliver(one, other)).toEqual(['grown']);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(queuedEvents(1, 3)).sort());
    expect(consumer.quarantined).toEqual([]);
    expect(await consumer.deliver(again(one))).toEqual(['grown']);
    expect(consumer.publishedIds).toHaveLength(2);
  });
});

describe('the marker', () => {
  test.each(['throttle', 'server_error', 'timeout_before_commit', 'timeout_after_commit'] as const)(
    'is written in spite of %s',
    async (kind) => {
      consumer.faults.next(kind, CALLS.mark);
      const one = message(events);
      expect(await consumer.deliver(one)).toEqual([]);
      expect(await consumer.marked(one.owner, idsOf(events))).toEqual(idsOf(events));
      expect(consumer.count(CALLS.mark)).toBe(2);
    },
  );

  test('that cannot be written does not bring a message back whose events are all published', async () => {
    for (let call = 0; call < 8; call++) consumer.faults.next('throttle', CALLS.mark);
    const one = message(events);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
    expect(await consumer.marked(one.owner, idsOf(events))).toEqual([]);
  });

  test('that may not be written is an error', async () => {
    consumer.refuse(CALLS.mark, 'AccessDeniedException');
    expect((await consumer.invoke([message(events)])).outcome).toMatchObject({
      kind: 'error',
      error: { name: 'AccessDeniedException' },
    });
  });

  test.each(['throttle', 'partial_failure'] as const)('is read in spite of %s', async (kind) => {
    const [one, other] = [message(queuedEvents(1)), message(queuedEvents(2))];
    consumer.refuse(CALLS.mark, 'ThrottlingException');
    await consumer.deliver(one, other);
    // The first read is that of the claims.
    consumer.intercept(CALLS.read, {
      after: async () => consumer.faults.next(kind, CALLS.read),
    });
    expect(await consumer.deliver(again(one), again(other))).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(queuedEvents(1, 2)).sort());
  });

  test('that cannot be read in time: the message comes again, nothing is published twice', async () => {
    const one = message(events);
    await consumer.deliver(one);
    consumer.intercept(CALLS.read, {
      after: async () => {
        for (let call = 0; call < 8; call++) consumer.faults.next('throttle', CALLS.read);
      },
    });
    expect(await consumer.deliver(again(one))).toEqual([one.messageId]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });

  test('that may not be read is an error', async () => {
    const one = message(events);
    await consumer.deliver(one);
    consumer.intercept(CALLS.read, {
      after: async () => consumer.refuse(CALLS.read, 'AccessDeniedException'),
    });
    expect((await consumer.invoke([again(one)])).outcome).toMatchObject({
      kind: 'error',
      error: { name: 'AccessDeniedException' },
    });
  });

  test('of an answer without items is empty: the events are published', async () => {
    const one = message(events);
    await consumer.invoke([one], { crashAt: { call: 1, when: 'after' } });
    consumer.intercept(CALLS.read, {
      after: async () => consumer.intercept(CALLS.read, { before: () => answerOf(200, {}) }),
    });
    expect(await consumer.deliver(again(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });
});

describe('near the deadline', () => {
  test('the answer names exactly the messages that are not finished', async () => {
    const [claimed, unclaimed, done] = [
      message(queuedEvents(1, 2)),
      message(queuedEvents(3)),
      message(queuedEvents(4)),
    ];
    const isOf = (body: string, number: number) => idsIn(body).includes(queuedEvents(number)[0]!.id);
    // The events of three messages make one PutEvents: the entries of the first fail, that of the second too.
    consumer.intercept(CALLS.publish, {
      before: (body) =>
        answerOf(200, {
          FailedEntryCount: 2,
          Entries: idsIn(body).map((id) =>
            isOf(body, 1) && [1, 3].some((number) => id === queuedEvents(number)[0]!.id)
              ? { ErrorCode: 'InternalFailure', ErrorMessage: 'try again' }
              : { EventId: id },
          ),
        }),
    });
    const { outcome } = await consumer.invoke([claimed, unclaimed, done], { remainingMs: 0 });
    expect(outcome).toEqual({
      kind: 'response',
      value: {
        batchItemFailures: [{ itemIdentifier: claimed.messageId }, { itemIdentifier: unclaimed.messageId }],
      },
    });
    expect(await consumer.deliver(again(claimed), again(unclaimed))).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(queuedEvents(1, 3)).sort());
  });

  test('every step is tried once, and retries end in time for the rest to be marked and reported', async () => {
    vi.mocked(Math.random).mockReturnValue(1);
    const [one, other] = [message(queuedEvents(1)), message(queuedEvents(2))];
    consumer.faults.next('partial_failure', CALLS.publish);
    const startedAtMs = Date.now();
    const { failed } = await consumer.invoke([one, other], { remainingMs: 100 });
    // The first retry would wait for 100 ms.
    expect(Date.now() - startedAtMs).toBeLessThan(100);
    expect(failed).toHaveLength(1);
    expect(consumer.count(CALLS.publish)).toBe(1);
    const published = failed[0] === one.messageId ? other : one;
    expect(await consumer.marked(published.owner, consumer.publishedIds)).toEqual(consumer.publishedIds);
  });
});
