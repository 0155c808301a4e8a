import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Deadline } from '../../functions/consumer/deadline.ts';
import { Publisher } from '../../functions/consumer/publish.ts';
import { eventBridgeClient } from '../../lib/aws/aws-clients.ts';
import { batches } from '../../lib/aws/batches.ts';
import { toDetail } from '../../lib/events/event-detail.ts';
import {
  CALLS,
  idsOf,
  LocalConsumer,
  message,
  queuedEvent,
  queuedEvents,
  redelivered,
  responseOf,
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
  test('A PutEvents is repeated only for the entries that failed', async () => {
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
    // The consumer does not know the outcome, so it publishes again (P2).
    ['timeout_after_commit', 2],
  ] as const)(
    'A PutEvents is repeated after %s, and each event is published %d time(s)',
    async (kind, times) => {
      consumer.faults.next(kind, CALLS.publish);
      expect(await consumer.deliver(message(events))).toEqual([]);
      for (const { id } of events)
        expect(consumer.publishedIds.filter((published) => published === id)).toHaveLength(times);
      expect(consumer.report.published).toHaveLength(events.length);
    },
  );

  test('A denied PutEvents fails the invocation, and events that other calls published are marked', async () => {
    const many = queuedEvents(...Array.from({ length: 30 }, (_, index) => index));
    const one = message(many);
    consumer.refuse(CALLS.publish, 'AccessDeniedException');
    const { outcome, failed } = await consumer.invoke([one]);
    expect(outcome).toMatchObject({ kind: 'error', error: { name: 'AccessDeniedException' } });
    expect(failed).toEqual([one.messageId]);
    expect(consumer.published).toHaveLength(20);
    expect((await consumer.marked(one.owner, idsOf(many))).sort()).toEqual(consumer.publishedIds.sort());
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(many).sort());
  });

  test('A PutEvents whose response has no entries is repeated', async () => {
    consumer.intercept(CALLS.publish, { before: () => responseOf(200, { FailedEntryCount: 0 }) });
    expect(await consumer.deliver(message(events))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });
});

describe('an event that EventBridge refuses permanently', () => {
  const refusal = { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  /** Makes the bus refuse the first entry of the next call. */
  const refuseFirst = (entry: object = refusal) =>
    consumer.intercept(CALLS.publish, {
      before: (body) => {
        const accepted = idsIn(body).slice(1);
        const Entries = [entry, ...accepted.map((id) => ({ EventId: id }))];
        return responseOf(200, { FailedEntryCount: 1, Entries });
      },
    });

  test('A refused event is quarantined with the reason, and the other events are published', async () => {
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

  test('A refused event is quarantined even if EventBridge returned no error message', async () => {
    refuseFirst({ ErrorCode: 'InvalidArgument' });
    expect(await consumer.deliver(message(events.slice(0, 1)))).toEqual([]);
    expect(consumer.reasons).toEqual(['EventBridge: InvalidArgument ']);
  });

  test.each([
    'MalformedDetail',
    'InvalidArgument',
    'NotAuthorizedForSourceException',
    'NotAuthorizedForDetailTypeException',
  ])('An event that is refused with %s is quarantined after one call', async (ErrorCode) => {
    refuseFirst({ ErrorCode, ErrorMessage: 'no' });
    expect(await consumer.deliver(message(events))).toEqual([]);
    expect(consumer.reasons).toEqual([`EventBridge: ${ErrorCode} no`]);
    expect(consumer.count(CALLS.publish)).toBe(1);
  });

  test('A quarantined event is published when it is sent to the events queue again after the cause was fixed', async () => {
    refuseFirst();
    await consumer.deliver(message(events.slice(0, 1)));
    const resent = { messageId: 'resent', body: consumer.quarantined[0]!.body, receiveCount: 1 };
    expect(await consumer.deliver(resent)).toEqual([]);
    expect(consumer.publishedIds).toEqual([events[0]!.id]);
    expect(await consumer.deliver(redelivered(resent))).toEqual([]);
    expect(consumer.publishedIds).toEqual([events[0]!.id]);
  });

  test('A redelivered message neither publishes nor quarantines its refused event again', async () => {
    const one = message(events);
    refuseFirst();
    expect(await consumer.deliver(one)).toEqual([]);
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(await consumer.deliver(redelivered(redelivered(one)))).toEqual([]);
    expect(consumer.published).toEqual([]);
    expect(consumer.quarantined).toHaveLength(1);
  });

  test('A refused event is redelivered if the quarantine queue does not accept it', async () => {
    const one = message(events.slice(0, 1));
    refuseFirst();
    for (let call = 0; call < 8; call++) consumer.faults.next('throttle', CALLS.quarantine);
    expect(await consumer.deliver(one)).toEqual([one.messageId]);
    expect(consumer.quarantined).toEqual([]);
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual([events[0]!.id]);
  });

  test('If the quarantine queue is missing, the invocation fails and published events are marked', async () => {
    const broken = await LocalConsumer.create({
      config: { quarantineQueueUrl: 'http://127.0.0.1/000000000000/no-such-queue' },
    });
    broken.intercept(CALLS.publish, {
      before: () =>
        responseOf(200, { FailedEntryCount: 1, Entries: [refusal, { EventId: 'one' }, { EventId: 'two' }] }),
    });
    const one = message(events.slice(0, 3));
    const { outcome, failed } = await broken.invoke([one]);
    expect(outcome).toMatchObject({ kind: 'error', error: { name: 'QueueDoesNotExist' } });
    expect(failed).toEqual([one.messageId]);
    expect(await broken.marked(one.owner, idsOf(events))).toEqual(idsOf(events.slice(1, 3)));
    await broken.close();
  });

  test('With a source that EventBridge refuses, all events are quarantined', async () => {
    const refused = await LocalConsumer.create({ config: { eventSource: 'aws.genesys' } });
    expect(await refused.deliver(message(events))).toEqual([]);
    expect(refused.published).toEqual([]);
    expect(refused.reasons).toHaveLength(events.length);
    expect(refused.reasons[0]).toContain('NotAuthorizedForSourceException');
    await refused.close();
  });
});

describe('an event above the size of PutEvents', () => {
  // The event has 250 KB in the queue. When it is serialized again, each number has 21 digits.
  const numbers = `[${Array.from({ length: 50_000 }, () => '1e20').join(',')}]`;
  const body = (owner: string) => {
    const [small, large] = queuedEvents(1, 2) as [object, object];
    const grown = JSON.stringify(large).replace('"number":2', `"number":${numbers}`);
    return message([small], { id: owner }).body.replace(']}', `,${grown}]}`);
  };

  test('An event above the size limit is refused without a call', async () => {
    const client = eventBridgeClient({
      region: 'us-east-1',
      requestHandler: consumer.emulator.requestHandler(),
    });
    const publisher = new Publisher(client, { busName: 'switchboard', source: 'genesys.cloud' });
    const { frame } = queuedEvent(1);
    const event = queuedEvent(1, { frame: { ...frame, eventBody: { text: 'x'.repeat(1_048_576) } } });
    using deadline = new Deadline(1_000);
    const results = await publisher.publish([event], deadline).get(event);
    expect(results?.get(event)).toEqual({
      state: 'refused',
      reason: 'larger than the 1048575 bytes of PutEvents',
    });
  });

  test('The size of an entry is that of its source, type, detail and time, and may equal the limit', async () => {
    const client = eventBridgeClient({
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      requestHandler: consumer.emulator.requestHandler(),
    });
    const event = queuedEvent(1);
    const source = 'genesys.cloud';
    const bytes = 14 + source.length + event.type.length + Buffer.byteLength(JSON.stringify(toDetail(event)));
    using deadline = new Deadline(5_000);
    const publish = async (oversizeBytes: number) => {
      const publisher = new Publisher(client, { busName: 'switchboard', source, oversizeBytes });
      return (await publisher.publish([event], deadline).get(event))?.get(event)?.state;
    };
    expect(await publish(bytes)).toBe('published');
    expect(await publish(bytes - 1)).toBe('refused');
  });

  test('An event that is also too large for a quarantine message stays in the queue and blocks no other event', async () => {
    const id = 'b6ff2fdd-05a4-4cf4-9b52-5f6a1c8f8a60';
    const one = { messageId: 'grown', body: body(id), receiveCount: 1 };
    const other = message(queuedEvents(3));
    expect(await consumer.deliver(one, other)).toEqual(['grown']);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(queuedEvents(1, 3)).sort());
    expect(consumer.quarantined).toEqual([]);
    expect(await consumer.deliver(redelivered(one))).toEqual(['grown']);
    expect(consumer.publishedIds).toHaveLength(2);
  });
});

describe('the marks of a turn', () => {
  test.each(['throttle', 'server_error', 'timeout_before_commit', 'timeout_after_commit'] as const)(
    'Marks are written despite %s',
    async (kind) => {
      consumer.faults.next(kind, CALLS.mark);
      const one = message(events);
      expect(await consumer.deliver(one)).toEqual([]);
      expect(await consumer.marked(one.owner, idsOf(events))).toEqual(idsOf(events));
      expect(consumer.count(CALLS.mark)).toBe(2);
    },
  );

  test('A message whose events are all published is not redelivered if its marks cannot be written', async () => {
    for (let call = 0; call < 8; call++) consumer.faults.next('throttle', CALLS.mark);
    const one = message(events);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
    expect(await consumer.marked(one.owner, idsOf(events))).toEqual([]);
  });

  test.each(['throttle', 'partial_failure'] as const)('Marks are read despite %s', async (kind) => {
    const [one, other] = [message(queuedEvents(1)), message(queuedEvents(2))];
    await consumer.deliver(one, other);
    consumer.faults.next(kind, CALLS.read);
    expect(await consumer.deliver(redelivered(one), redelivered(other))).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(queuedEvents(1, 2)).sort());
  });

  test('A message whose marks cannot be read in time is redelivered, and nothing is published twice', async () => {
    const one = message(events);
    await consumer.deliver(one);
    for (let call = 0; call < 8; call++) consumer.faults.next('throttle', CALLS.read);
    expect(await consumer.deliver(redelivered(one))).toEqual([one.messageId]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
  });

  test('A denied read of marks fails the invocation', async () => {
    const one = message(events);
    await consumer.deliver(one);
    consumer.refuse(CALLS.read, 'AccessDeniedException');
    expect((await consumer.invoke([redelivered(one)])).outcome).toMatchObject({
      kind: 'error',
      error: { name: 'AccessDeniedException' },
    });
  });

  test('A turn that is missing from the response is read again, and the events are published once', async () => {
    const one = message(events);
    await consumer.invoke([one], { crashAt: { call: 1, when: 'after' } });
    await consumer.endLease(one.owner);
    consumer.intercept(CALLS.read, { before: () => responseOf(200, {}) });
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(events));
    expect(consumer.count(CALLS.read)).toBe(2);
  });
});

test('A batch may have exactly the maximum of items and of bytes', () => {
  expect(batches([1, 1, 1], 2)).toEqual([[1, 1], [1]]);
  expect(batches([1, 1, 1], 9, 2, (bytes) => bytes)).toEqual([[1, 1], [1]]);
  expect(batches([3, 1], 9, 2, (bytes) => bytes)).toEqual([[3], [1]]);
});

describe('near the deadline', () => {
  test('Near the deadline the response names exactly the unfinished messages', async () => {
    const [claimed, unclaimed, done] = [
      message(queuedEvents(1, 2)),
      message(queuedEvents(3)),
      message(queuedEvents(4)),
    ];
    const isOf = (body: string, number: number) => idsIn(body).includes(queuedEvents(number)[0]!.id);
    // One PutEvents has the events of all three messages. An entry of the first and that of the second fail.
    consumer.intercept(CALLS.publish, {
      before: (body) =>
        responseOf(200, {
          FailedEntryCount: 2,
          Entries: idsIn(body).map((id) =>
            isOf(body, 1) && [1, 3].some((number) => id === queuedEvents(number)[0]!.id)
              ? { ErrorCode: 'InternalFailure', ErrorMessage: 'try again' }
              : { EventId: id },
          ),
        }),
    });
    const { outcome } = await consumer.invoke([claimed, unclaimed, done], { isLastAttempt: true });
    expect(outcome).toEqual({
      kind: 'response',
      value: {
        batchItemFailures: [{ itemIdentifier: claimed.messageId }, { itemIdentifier: unclaimed.messageId }],
      },
    });
    expect(await consumer.deliver(redelivered(claimed), redelivered(unclaimed))).toEqual([]);
    expect(consumer.publishedIds.sort()).toEqual(idsOf(queuedEvents(1, 3)).sort());
  });

  test('Near the deadline every step is attempted once, and published events are marked', async () => {
    vi.mocked(Math.random).mockReturnValue(1);
    const [one, other] = [message(queuedEvents(1)), message(queuedEvents(2))];
    consumer.faults.next('partial_failure', CALLS.publish);
    // The delay before a retry would be 100 ms.
    const { failed } = await consumer.invoke([one, other], { remainingMs: 100 });
    expect(failed).toHaveLength(1);
    expect(consumer.count(CALLS.publish)).toBe(1);
    const published = failed[0] === one.messageId ? other : one;
    expect(await consumer.marked(published.owner, consumer.publishedIds)).toEqual(consumer.publishedIds);
  });
});
