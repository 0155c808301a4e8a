import { gzipSync } from 'node:zlib';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NAMES } from '../../bin/local/resources.ts';
import { sqsClient } from '../../lib/aws/aws-clients.ts';
import { encodeRejectedFrame } from '../../lib/events/envelope.ts';
import { REJECTION_REASONS } from '../../lib/events/schema.ts';
import { again, CALLS, idsOf, LocalConsumer, message, queuedEvent, queuedEvents } from './local-consumer.ts';

let consumer: LocalConsumer;

beforeEach(async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  consumer = await LocalConsumer.create();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await consumer.close();
});

const GOOD = queuedEvents(1);
const deep = (levels: number) => `${'['.repeat(levels)}1${']'.repeat(levels)}`;

describe('a body that is no envelope', () => {
  test.each([
    ['no JSON', 'hello', /^the message is not JSON$/],
    ['JSON that ends early', message(GOOD).body.slice(0, -2), /^the message is not JSON$/],
    ['another JSON', '[1]', /^not an envelope: it: /],
    ['another version', message(GOOD).body.replace('"v":1', '"v":2'), /^not an envelope: v: /],
    ['no events', message([]).body, /^not an envelope: events: /],
    ['too many events', message(Array(1_001).fill(1)).body, /^not an envelope: events: /],
    ['everything wrong', '{"v":1}', /^not an envelope: id: [^;]+; owner: [^;]+; sentAt: [^;]+$/],
    [
      'JSON that nests deeper than it can be written',
      message([0]).body.replace('[0]', deep(100_000)),
      /^the message is nested more than 1000 levels deep$/,
    ],
    [
      'an event that does',
      message([queuedEvent(9)]).body.replace('"number":9', `"number":${deep(20_000)}`),
      /^the message is nested more than 1000 levels deep$/,
    ],
  ])('%s is quarantined whole, with the reason, and holds nothing back', async (_, body, reason) => {
    const odd = { messageId: '5d6f3c1e-9a57-4f0e-8f7b-0c1d2e3f4a5b', body, receiveCount: 1 };
    expect(await consumer.deliver(odd, message(GOOD))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(GOOD));
    expect(consumer.report).toMatchObject({ received: 1, quarantined: 1 });
    expect(consumer.quarantined).toMatchObject([
      {
        body,
        attributes: {
          reason: { dataType: 'String', stringValue: expect.stringMatching(reason) },
          sourceMessageId: { stringValue: odd.messageId },
          quarantinedAt: { stringValue: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) },
        },
      },
    ]);
  });

  test('of many in one batch all are quarantined', async () => {
    const bodies = Array.from({ length: 23 }, (_, index) => `not JSON ${index}`);
    const messages = bodies.map((body, index) => ({ messageId: `m${index}`, body }));
    expect(await consumer.deliver(...messages)).toEqual([]);
    expect(consumer.quarantined.map(({ body }) => body)).toEqual(bodies);
    expect(consumer.count(CALLS.quarantine)).toBe(3);
  });

  test('and is large shares no call that would be above the limit', async () => {
    const bodies = ['a', 'b', 'c'].map((letter) => letter.repeat(500_000));
    expect(
      await consumer.deliver(...bodies.map((body, index) => ({ messageId: `m${index}`, body }))),
    ).toEqual([]);
    expect(consumer.quarantined.map(({ body }) => body)).toEqual(bodies);
    expect(consumer.count(CALLS.quarantine)).toBe(2);
  });

  test('and leaves no room for its reason stays in the queue, for the dead-letter queue, and holds nothing back', async () => {
    const huge = { messageId: 'huge', body: 'x'.repeat(1_048_576) };
    expect(await consumer.deliver(huge, message(GOOD), { messageId: 'odd', body: 'odd' })).toEqual(['huge']);
    expect(consumer.publishedIds).toEqual(idsOf(GOOD));
    expect(consumer.quarantined.map(({ body }) => body)).toEqual(['odd']);
  });
});

describe('an item that is no event', () => {
  test.each([
    ['null', null, /^not an event: it: /],
    ['without an id', { ...GOOD[0], id: undefined }, /^not an event: id: /],
    ['of an unknown protocol', { ...GOOD[0], protocol: 'pigeon' }, /^not an event: protocol: /],
    ['without a body', { ...GOOD[0], frame: { topicName: 'v2.x' } }, /^not an event: frame\.eventBody: /],
    ['with a type that no bus takes', { ...GOOD[0], type: 'x'.repeat(129) }, /^not an event: type: /],
  ])('%s is quarantined alone, whole, in an envelope that keeps its owner', async (_, item, reason) => {
    const [first, last] = queuedEvents(2, 3) as [object, object];
    const one = message([first, item, last]);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(queuedEvents(2, 3)));
    expect(consumer.report).toMatchObject({ received: 3, quarantined: 1 });
    expect(consumer.reasons).toEqual([expect.stringMatching(reason)]);
    const envelope = JSON.parse(consumer.quarantined[0]!.body);
    expect(envelope).toEqual({
      v: 1,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      owner: one.owner,
      sentAt: expect.any(String),
      events: [JSON.parse(JSON.stringify(item))],
    });
    expect(envelope.id).not.toBe(one.owner);
  });

  test('can be mended and sent to the events queue again', async () => {
    const one = message([{ ...GOOD[0], protocol: 'pigeon' }, queuedEvent(2)]);
    await consumer.deliver(one);
    const mended = consumer.quarantined[0]!.body.replace('pigeon', 'notification-channels');
    expect(await consumer.deliver({ messageId: 'mended', body: mended })).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([queuedEvent(2), ...GOOD]));
    expect(await consumer.deliver(again(one))).toEqual([]);
    expect(consumer.publishedIds).toHaveLength(2);
  });

  test('with characters that SQS refuses is quarantined all the same', async () => {
    const body = message(['\uFFFE']).body.replace('\uFFFE', '\\ufffe\\uffff\\u0000\\ud800');
    expect(await consumer.deliver({ messageId: 'odd', body }, message(GOOD))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(GOOD));
    expect(JSON.parse(consumer.quarantined[0]!.body).events).toEqual(['\uFFFE\uFFFF\u0000\uD800']);
  });

  test('has a reason of ASCII within its limit, and without secrets', async () => {
    const body = `{"v":1,"id":"${'é'.repeat(10)}"}`;
    await consumer.deliver({ messageId: 'odd', body });
    expect(consumer.reasons[0]).toMatch(/^[\x20-\x7e]{1,500}$/);
  });
});

describe('a rejected frame', () => {
  test.each(REJECTION_REASONS)('for %s is quarantined whole', async (reason) => {
    const data = Buffer.from([0xff, 0x00, 0xfe, 0xc1]);
    const item = JSON.parse(
      encodeRejectedFrame(data, {
        reason,
        protocol: 'notification-channels',
        receivedAt: '2026-11-20T08:00:00.000Z',
      }) ?? '',
    );
    const one = message([item, GOOD[0]]);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.reasons).toEqual([`rejected frame: ${reason}`]);
    const { events } = JSON.parse(consumer.quarantined[0]!.body);
    expect(events).toEqual([item]);
    expect(Buffer.from(events[0].rejected.body, 'base64')).toEqual(data);
    // Sent again, it is quarantined again.
    expect(await consumer.deliver({ messageId: 'again', body: consumer.quarantined[0]!.body })).toEqual([]);
    expect(consumer.quarantined).toHaveLength(2);
  });

  test('that was compressed keeps its bytes', async () => {
    const body = gzipSync('x'.repeat(40_000)).toString('base64');
    const rejected = {
      reason: 'too_large',
      protocol: 'notification-channels',
      receivedAt: '2026-11-20T08:00:00.000Z',
      bytes: 40_000,
      encoding: 'gzip+base64',
      body,
    };
    await consumer.deliver(message([{ rejected }]));
    expect(JSON.parse(consumer.quarantined[0]!.body).events).toEqual([{ rejected }]);
  });
});

describe('the quarantine queue', () => {
  const odd = { messageId: 'odd', body: 'odd' };

  test.each(['throttle', 'server_error', 'timeout_before_commit', 'partial_failure'] as const)(
    'is tried again after %s',
    async (kind) => {
      consumer.faults.next(kind, CALLS.quarantine);
      expect(await consumer.deliver(odd)).toEqual([]);
      expect(consumer.quarantined.map(({ body }) => body)).toEqual(['odd']);
    },
  );

  test('that takes some of a batch is sent the rest alone', async () => {
    consumer.faults.next('partial_failure', CALLS.quarantine);
    const messages = [1, 2, 3, 4, 5].map((number) => ({ messageId: `m${number}`, body: `odd ${number}` }));
    expect(await consumer.deliver(...messages)).toEqual([]);
    expect(consumer.quarantined.map(({ body }) => body).sort()).toEqual(messages.map(({ body }) => body));
  });

  test('that takes nothing: exactly the messages with something for it come again', async () => {
    for (let call = 0; call < 8; call++) consumer.faults.next('throttle', CALLS.quarantine);
    const mixed = message([null, queuedEvent(2)]);
    expect((await consumer.deliver(odd, message(GOOD), mixed)).sort()).toEqual(
      ['odd', mixed.messageId].sort(),
    );
    expect(consumer.publishedIds).toEqual(idsOf([...GOOD, queuedEvent(2)]));
    expect(consumer.report.quarantined).toBe(0);
    expect(await consumer.deliver(again(mixed))).toEqual([]);
    expect(consumer.publishedIds).toHaveLength(2);
    expect(consumer.quarantined).toHaveLength(1);
  });

  test('that is not there is an error', async () => {
    const broken = await LocalConsumer.create({
      config: { quarantineQueueUrl: 'http://127.0.0.1/000000000000/no-such-queue' },
    });
    expect((await broken.invoke([odd])).outcome).toMatchObject({
      kind: 'error',
      error: { name: 'QueueDoesNotExist' },
    });
    await broken.close();
  });

  test('keeps what can be sent to the events queue as it is', async () => {
    await consumer.deliver(message([null]), odd);
    const edge = {
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      requestHandler: consumer.emulator.requestHandler(),
    };
    const QueueUrl = consumer.emulator.sqs.queueUrl(NAMES.eventsQueue);
    for (const { body } of consumer.quarantined) {
      await sqsClient(edge).send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
    }
    expect(consumer.emulator.sqs.queue(NAMES.eventsQueue).peek()).toHaveLength(2);
  });
});
