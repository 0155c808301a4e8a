import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeEnvelope } from '../../lib/events/envelope.ts';
import { parseExactJson } from '../../lib/events/exact-json.ts';
import { eventItem, identify, type ReceivedEvent } from '../../lib/events/item.ts';
import type { Frame } from '../../lib/events/schema.ts';
import {
  CALLS,
  type Delivered,
  LocalConsumer,
  message,
  queuedEvent,
  redelivered,
  responseOf,
} from './local-consumer.ts';
import { nativeMessage, PRESENCE, presence, USER } from './native-message.ts';

const AT = ['2026-11-20T08:00:00.100Z', '2026-11-20T08:00:07.200Z', '2026-11-20T08:00:09.300Z'] as const;
/** EventBridge's own ids have the form of a UUID, but not always its version. */
const EVENTBRIDGE_ID = 'd753deef-f7d5-3d28-c535-e7db3b7580ea';

let consumer: LocalConsumer;

beforeEach(async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  consumer = await LocalConsumer.create();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await consumer.close();
});

/** The message of the ingester for the socket's copy of an event. */
function socketMessage(eventBody = presence(), topicName = PRESENCE): Delivered {
  const text = `{"metadata":{"CorrelationId":"of the socket"},"eventBody":${eventBody},"version":"2","topicName":"${topicName}"}`;
  const event: ReceivedEvent = { frame: parseExactJson(text) as Frame, text };
  const identity = identify('notification-channels', event);
  const about = { protocol: 'notification-channels', receivedAt: '2026-11-20T08:00:00.300Z' };
  const item = identity && eventItem(event, { identity, ...about });
  const id = crypto.randomUUID();
  return {
    messageId: id,
    body: encodeEnvelope({ id, owner: id, sentAt: about.receivedAt }, [item?.json ?? '']),
  };
}

const bodies = () => consumer.published.map(({ detail }) => (detail as unknown as Frame).eventBody);
const metadata = () => consumer.published.map(({ detail }) => (detail as unknown as Frame).metadata);

describe('an event of the native integration', () => {
  test('An event is published in the same format as all others, with the time from EventBridge', async () => {
    const native = nativeMessage({ timestamp: AT[0], time: '2026-11-20T08:00:05Z' });
    expect(await consumer.deliver(native)).toEqual([]);
    expect(consumer.published).toMatchObject([
      {
        source: 'genesys.cloud',
        'detail-type': 'v2.users.{id}.presence',
        detail: {
          topicName: PRESENCE,
          version: '2',
          timestamp: AT[0],
          eventBody: JSON.parse(presence()),
          metadata: {
            CorrelationId: expect.any(String),
            protocol: 'native-integration',
            receivedAt: '2026-11-20T08:00:05.000Z',
            backfilled: false,
            late: false,
            identity: 'stable',
          },
        },
      },
    ]);
    expect(consumer.report).toMatchObject({ received: 1, duplicates: [], quarantined: 0 });
  });

  test.each(['socket first', 'integration first', 'both in one batch'])(
    'The copies of the socket and the integration are one event: %s',
    async (order) => {
      // The same body, in another order of keys, with numbers that a double cannot hold.
      const topic = 'v2.audits.entitytype.Queue.entityid.4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01';
      const native = nativeMessage({
        topicName: topic,
        detailType: 'v2.audits.entitytype.{id}.entityid.{id}',
        eventBody: '{"id":"a1","big":9007199254740993,"list":[1e400,{"x":1.0,"y":"ü"}]}',
        timestamp: AT[0],
      });
      const socket = socketMessage(
        '{ "list": [1e400, {"y":"\\u00fc","x":1}], "big": 9007199254740993, "id": "a1" }',
        topic,
      );
      const all = order === 'socket first' ? [socket, native] : [native, socket];
      if (order === 'both in one batch') expect(await consumer.deliver(...all)).toEqual([]);
      else for (const one of all) expect(await consumer.deliver(one)).toEqual([]);
      expect(consumer.published).toHaveLength(1);
      expect(consumer.reports.reduce((sum, { duplicates }) => sum + duplicates.length, 0)).toBe(1);
    },
  );

  test('An event that EventBridge delivers twice is published once: one after the other, in one batch and at once', async () => {
    const first = nativeMessage({ timestamp: AT[0] });
    const twin = { ...first, messageId: 'twin' };
    expect(await consumer.deliver(first)).toEqual([]);
    expect(await consumer.deliver(twin)).toEqual([]);
    const second = nativeMessage({ eventBody: presence('b'), timestamp: AT[1] });
    expect(await consumer.deliver(second, { ...second, messageId: 'twin' })).toEqual([]);
    const third = nativeMessage({ eventBody: presence('c'), timestamp: AT[2] });
    const both = await Promise.all([
      consumer.deliver(third),
      consumer.deliver({ ...third, messageId: 'twin' }),
    ]);
    await consumer.endLease(third.id);
    for (const _ of both.flat()) expect(await consumer.deliver(redelivered(third))).toEqual([]);
    expect(bodies()).toMatchObject([{ message: '' }, { message: 'b' }, { message: 'c' }]);
  });

  test('An event that Genesys Cloud sends twice, with different EventBridge ids, is published once', async () => {
    for (const _ of [1, 2]) await consumer.deliver(nativeMessage({ timestamp: AT[0] }));
    expect(consumer.published).toHaveLength(1);
    expect(consumer.report.duplicates).toHaveLength(1);
  });

  test.each([1, 2, 3, 4, 5])(
    'A consumer that is killed at call %i neither loses nor duplicates events',
    async (call) => {
      const native = nativeMessage({ timestamp: AT[0] });
      for (const when of ['before', 'after'] as const) {
        await consumer.invoke([native], { crashAt: { call, when, orAtEnd: true } });
        await consumer.endLease(native.id).catch(() => undefined);
      }
      expect(await consumer.deliver(redelivered(native))).toEqual([]);
      // The outcome of a PutEvents before the kill is unknown.
      expect(new Set(consumer.publishedIds).size).toBe(1);
      const before = consumer.published.length;
      expect(await consumer.deliver({ ...native, messageId: 'twin' })).toEqual([]);
      expect(consumer.published).toHaveLength(before);
    },
  );
});

describe('a state that returns', () => {
  const states = ['', 'b', ''].map((text, index) =>
    nativeMessage({ eventBody: presence(text), timestamp: AT[index] as string }),
  );

  test('A recurring state with the same key is published each time, even if it is delivered again', async () => {
    for (const state of states) expect(await consumer.deliver(state)).toEqual([]);
    expect(bodies()).toMatchObject([{ message: '' }, { message: 'b' }, { message: '' }]);
    expect(metadata()).toMatchObject([
      { identity: 'stable' },
      { identity: 'stable' },
      { identity: 'weak', protocol: 'native-integration' },
    ]);
    expect(new Set(consumer.publishedIds).size).toBe(3);
    for (const state of states) expect(await consumer.deliver({ ...state, messageId: 'again' })).toEqual([]);
    // Genesys Cloud puts the third one again.
    await consumer.deliver(nativeMessage({ eventBody: presence(''), timestamp: AT[2] }));
    expect(consumer.published).toHaveLength(3);
  });

  test('Two occurrences in one batch are two events', async () => {
    expect(await consumer.deliver(...states)).toEqual([]);
    expect(
      bodies()
        .map(({ message: text }) => text)
        .toSorted(),
    ).toEqual(['', '', 'b']);
  });

  test('A state that the socket has delivered and that returns while the socket is down is published', async () => {
    const [first, second, third] = states;
    if (!first || !second || !third) throw new Error('There are three states.');
    for (const one of [socketMessage(), first, socketMessage(presence('b')), second])
      await consumer.deliver(one);
    expect(consumer.published).toHaveLength(2);
    await consumer.deliver(third);
    expect(bodies().at(-1)).toMatchObject({ message: '' });
    expect(consumer.published).toHaveLength(3);
  });

  test('Without a time in the detail, each EventBridge id is an occurrence', async () => {
    const [first, second] = [nativeMessage(), nativeMessage()];
    for (const one of [first, second, first]) await consumer.deliver(one);
    expect(metadata()).toMatchObject([{ identity: 'stable' }, { identity: 'weak' }]);
  });
});

describe('an event without a key', () => {
  test('An event of a topic without key fields is identified by its EventBridge id', async () => {
    const topicName = `v2.users.${USER}.conversationsummary`;
    const some = [1, 2].map(() => nativeMessage({ topicName, eventBody: '{"call":{}}', timestamp: AT[0] }));
    for (const one of [...some, ...some]) await consumer.deliver(one);
    expect(consumer.publishedIds).toEqual(some.map(({ id }) => `native-integration:${id}`));
    expect(metadata()).toMatchObject([{ identity: 'stable' }, { identity: 'stable' }]);
  });

  test('An event without the key fields of its topic is weak, because the socket gives its copy another id', async () => {
    const eventBody = '{"source":"PURECLOUD"}';
    await consumer.deliver(nativeMessage({ eventBody }));
    await consumer.deliver(socketMessage(eventBody));
    expect(metadata()).toMatchObject([{ identity: 'weak' }, { identity: 'weak' }]);
  });
});

describe('a message that is not an event of the integration', () => {
  const valid = JSON.parse(nativeMessage().body) as Record<string, unknown> & { detail: object };
  const deep = JSON.parse(`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`) as object;
  test.each([
    ['id', { id: 7 }, 'not an event of the native integration: id: '],
    ['source', { source: 'aws.s3' }, 'not an event of the native integration: source: '],
    ['time', { time: 'yesterday' }, 'not an event of the native integration: time: '],
    [
      'detail-type',
      { 'detail-type': 'x'.repeat(129) },
      'not an event of the native integration: detail-type',
    ],
    ['detail', { detail: { topicName: PRESENCE } }, 'detail.eventBody: '],
    ['depth', { detail: { ...valid.detail, eventBody: deep } }, 'rejected frame: too_deep'],
  ])('A message with a wrong %s is quarantined unchanged, with the reason', async (_name, change, reason) => {
    const body = JSON.stringify({ ...valid, ...change });
    const good = nativeMessage({ timestamp: AT[0] });
    expect(await consumer.deliver({ messageId: 'bad', body }, good)).toEqual([]);
    expect(consumer.reasons).toEqual([expect.stringContaining(reason)]);
    expect(consumer.quarantined[0]?.body).toBe(body);
    expect(consumer.published).toHaveLength(1);
  });

  test('An event that EventBridge refuses is quarantined, and its body can be sent again', async () => {
    consumer.intercept(CALLS.publish, {
      before: () =>
        responseOf(200, {
          FailedEntryCount: 1,
          Entries: [{ ErrorCode: 'InvalidArgument', ErrorMessage: 'for a test' }],
        }),
    });
    await consumer.deliver(nativeMessage({ id: EVENTBRIDGE_ID, timestamp: AT[0] }));
    expect(consumer.reasons).toEqual(['EventBridge: InvalidArgument for a test']);
    const body = consumer.quarantined[0]?.body ?? '';
    expect(await consumer.deliver({ messageId: 'redriven', body })).toEqual([]);
    expect(consumer.published).toHaveLength(1);
  });
});

describe('a claims table that does not answer', () => {
  /** Refuses the INSERT of an occurrence, which is one of the first two. */
  function failOccurrences(type: string): void {
    const refusal = responseOf(400, { __type: type, message: `${type} injected` });
    for (const _ of [1, 2])
      consumer.intercept(CALLS.insert, {
        before: (body) => (body.includes('occurrence#') ? refusal : undefined),
      });
  }

  test('A message whose occurrence is unknown is returned, and the others are published', async () => {
    failOccurrences('ThrottlingException');
    const native = nativeMessage({ timestamp: AT[0] });
    const { failed } = await consumer.invoke([native, message([queuedEvent(1)])], { isLastAttempt: true });
    expect(failed).toEqual([native.messageId]);
    expect(consumer.publishedIds).toEqual([queuedEvent(1).id]);
    expect(await consumer.deliver(redelivered(native))).toEqual([]);
    expect(consumer.published).toHaveLength(2);
  });

  test('A claim on an occurrence that expired does not count', async () => {
    await consumer.deliver(nativeMessage({ timestamp: AT[0] }));
    const id = consumer.publishedIds[0] ?? '';
    await consumer.put(`occurrence#${id}`, { owner: { S: 'long ago' }, expiresAt: { N: '1' } });
    await consumer.putClaim(id, 'long ago', 1);
    await consumer.deliver(nativeMessage({ timestamp: AT[1] }));
    expect(consumer.publishedIds).toEqual([id, id]);
  });

  test('An error that retrying cannot fix returns the batch and is thrown', async () => {
    failOccurrences('AccessDeniedException');
    await expect(consumer.deliver(nativeMessage({ timestamp: AT[0] }))).rejects.toThrow(
      'AccessDeniedException',
    );
  });
});
