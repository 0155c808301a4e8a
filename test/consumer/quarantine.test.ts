import { gzipSync } from 'node:zlib';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NAMES } from '../../bin/local/resources.ts';
import { sqsClient } from '../../lib/aws/aws-clients.ts';
import { rejectedItem, withheldItem } from '../../lib/events/item.ts';
import { REJECTION_REASONS } from '../../lib/events/schema.ts';
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

describe('a body that is not an envelope', () => {
  test.each([
    ['not JSON', 'hello', /^the message is not JSON$/],
    ['truncated JSON', message(GOOD).body.slice(0, -2), /^the message is not JSON$/],
    ['a JSON array', '[1]', /^not an envelope: it: /],
    ['an envelope of another version', message(GOOD).body.replace('"v":1', '"v":2'), /^not an envelope: v: /],
    ['an envelope without events', message([]).body, /^not an envelope: events: /],
    ['an envelope with too many events', message(Array(1_001).fill(1)).body, /^not an envelope: events: /],
    [
      'an envelope without any other member',
      '{"v":1}',
      /^not an envelope: id: [^;]+; owner: [^;]+; sentAt: [^;]+$/,
    ],
    [
      'an envelope that is nested too deeply',
      message([0]).body.replace('[0]', deep(100_000)),
      /^the message is nested more than 1000 levels deep$/,
    ],
    [
      'an envelope with an event that is nested too deeply',
      message([queuedEvent(9)]).body.replace('"number":9', `"number":${deep(20_000)}`),
      /^the message is nested more than 1000 levels deep$/,
    ],
  ])(
    'A body that is %s is quarantined whole with the reason, and blocks no other message',
    async (_, body, reason) => {
      const invalid = { messageId: '5d6f3c1e-9a57-4f0e-8f7b-0c1d2e3f4a5b', body, receiveCount: 1 };
      expect(await consumer.deliver(invalid, message(GOOD))).toEqual([]);
      expect(consumer.publishedIds).toEqual(idsOf(GOOD));
      expect(consumer.report).toMatchObject({ received: 1, quarantined: 1 });
      expect(consumer.quarantined).toMatchObject([
        {
          body,
          attributes: {
            reason: { dataType: 'String', stringValue: expect.stringMatching(reason) },
            sourceMessageId: { stringValue: invalid.messageId },
            quarantinedAt: { stringValue: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) },
          },
        },
      ]);
    },
  );

  test('All invalid bodies of a batch are quarantined', async () => {
    const bodies = Array.from({ length: 23 }, (_, index) => `not JSON ${index}`);
    const messages = bodies.map((body, index) => ({ messageId: `m${index}`, body }));
    expect(await consumer.deliver(...messages)).toEqual([]);
    expect(consumer.quarantined.map(({ body }) => body)).toEqual(bodies);
    expect(consumer.count(CALLS.quarantine)).toBe(3);
  });

  test('Large invalid bodies are split into calls below the size limit', async () => {
    const bodies = ['a', 'b', 'c'].map((letter) => letter.repeat(500_000));
    expect(
      await consumer.deliver(...bodies.map((body, index) => ({ messageId: `m${index}`, body }))),
    ).toEqual([]);
    expect(consumer.quarantined.map(({ body }) => body)).toEqual(bodies);
    expect(consumer.count(CALLS.quarantine)).toBe(2);
  });

  test('A body that is too large for a message with its reason stays in the queue and blocks no other message', async () => {
    const huge = { messageId: 'huge', body: 'x'.repeat(1_048_576) };
    expect(await consumer.deliver(huge, message(GOOD), { messageId: 'invalid', body: 'invalid' })).toEqual([
      'huge',
    ]);
    expect(consumer.publishedIds).toEqual(idsOf(GOOD));
    expect(consumer.quarantined.map(({ body }) => body)).toEqual(['invalid']);
  });
});

describe('an item that is not an event', () => {
  test.each([
    ['that is null', null, /^not an event: it: /],
    ['without an id', { ...GOOD[0], id: undefined }, /^not an event: id: /],
    ['without a protocol', { ...GOOD[0], protocol: '' }, /^not an event: protocol: /],
    ['without a body', { ...GOOD[0], frame: { topicName: 'v2.x' } }, /^not an event: frame\.eventBody: /],
    [
      'with a type that is too long for a bus',
      { ...GOOD[0], type: 'x'.repeat(129) },
      /^not an event: type: /,
    ],
  ])(
    'An item %s is quarantined alone and whole, in an envelope with the same owner',
    async (_, item, reason) => {
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
    },
  );

  test('An event of a protocol that the consumer does not know is published', async () => {
    const event = { ...queuedEvent(1), protocol: 'a-newer-protocol' };
    expect(await consumer.deliver(message([event]))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([event]));
    expect(consumer.quarantined).toEqual([]);
  });

  test('An invalid item can be fixed and sent to the events queue again', async () => {
    const one = message([{ ...GOOD[0], receivedAt: 'pigeon' }, queuedEvent(2)]);
    await consumer.deliver(one);
    const fixed = consumer.quarantined[0]!.body.replace('pigeon', '2026-11-20T08:00:00.000Z');
    expect(await consumer.deliver({ messageId: 'fixed', body: fixed })).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf([queuedEvent(2), ...GOOD]));
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.publishedIds).toHaveLength(2);
  });

  test('An item with characters that SQS refuses is quarantined', async () => {
    const body = message(['\uFFFE']).body.replace('\uFFFE', '\\ufffe\\uffff\\u0000\\ud800');
    expect(await consumer.deliver({ messageId: 'invalid', body }, message(GOOD))).toEqual([]);
    expect(consumer.publishedIds).toEqual(idsOf(GOOD));
    expect(JSON.parse(consumer.quarantined[0]!.body).events).toEqual(['\uFFFE\uFFFF\u0000\uD800']);
  });

  test('A longer reason is truncated to 500 characters, and non-ASCII characters are replaced', async () => {
    const refusal = { ErrorCode: 'MalformedDetail', ErrorMessage: `é${'x'.repeat(600)}` };
    consumer.intercept(CALLS.publish, { before: () => responseOf(200, { Entries: [refusal] }) });
    expect(await consumer.deliver(message(GOOD))).toEqual([]);
    const start = 'EventBridge: MalformedDetail ?';
    expect(consumer.reasons).toEqual([start + 'x'.repeat(500 - start.length)]);
  });

  test('A body of exactly the maximum size is quarantined', async () => {
    const body = 'x'.repeat(1_048_576 - 2_048);
    expect(
      await consumer.deliver({ messageId: 'fits', body }, { messageId: 'larger', body: `${body}x` }),
    ).toEqual(['larger']);
    expect(consumer.quarantined.map((one) => one.body)).toEqual([body]);
  });

  test('The reason is printable ASCII text of at most 500 characters', async () => {
    const body = `{"v":1,"id":"${'é'.repeat(10)}"}`;
    await consumer.deliver({ messageId: 'invalid', body });
    expect(consumer.reasons[0]).toMatch(/^[\x20-\x7e]{1,500}$/);
  });
});

describe('a rejected frame', () => {
  test.each(REJECTION_REASONS)('A frame that was rejected for %s is quarantined whole', async (reason) => {
    const data = Buffer.from([0xff, 0x00, 0xfe, 0xc1]);
    const item = JSON.parse(
      rejectedItem(data, {
        reason,
        protocol: 'notification-channels',
        receivedAt: '2026-11-20T08:00:00.000Z',
      })?.json ?? '',
    );
    const one = message([item, GOOD[0]]);
    expect(await consumer.deliver(one)).toEqual([]);
    expect(consumer.reasons).toEqual([`rejected frame: ${reason}`]);
    const { events } = JSON.parse(consumer.quarantined[0]!.body);
    expect(events).toEqual([item]);
    expect(Buffer.from(events[0].rejected.body, 'base64')).toEqual(data);
    // It is quarantined again when it is sent to the events queue again.
    expect(await consumer.deliver({ messageId: 'resent', body: consumer.quarantined[0]!.body })).toEqual([]);
    expect(consumer.quarantined).toHaveLength(2);
  });

  test('The reason of a withheld frame says why its content is missing', async () => {
    const about = { protocol: 'notification-channels', receivedAt: '2026-11-20T08:00:00.000Z' };
    const { json } = withheldItem(Buffer.from('Jane'), { reason: 'not_json', ...about });
    await consumer.deliver(message([JSON.parse(json)]));
    expect(consumer.reasons).toEqual(['rejected frame: not_json (withheld, because it cannot be redacted)']);
  });

  test('A compressed rejected frame is quarantined unchanged', async () => {
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
  const invalid = { messageId: 'invalid', body: 'invalid' };

  test.each(['throttle', 'server_error', 'timeout_before_commit', 'partial_failure'] as const)(
    'A call to the quarantine queue is repeated after %s',
    async (kind) => {
      consumer.faults.next(kind, CALLS.quarantine);
      expect(await consumer.deliver(invalid)).toEqual([]);
      expect(consumer.quarantined.map(({ body }) => body)).toEqual(['invalid']);
    },
  );

  test('Only the refused messages of a quarantine batch are sent again', async () => {
    consumer.faults.next('partial_failure', CALLS.quarantine);
    const messages = [1, 2, 3, 4, 5].map((number) => ({
      messageId: `m${number}`,
      body: `invalid ${number}`,
    }));
    expect(await consumer.deliver(...messages)).toEqual([]);
    expect(consumer.quarantined.map(({ body }) => body).sort()).toEqual(messages.map(({ body }) => body));
  });

  test('If the quarantine queue accepts nothing, exactly the messages with invalid items are redelivered', async () => {
    consumer.deny(CALLS.quarantine, 'RequestThrottled');
    const mixed = message([null, queuedEvent(2)]);
    expect((await consumer.deliver(invalid, message(GOOD), mixed)).sort()).toEqual(
      ['invalid', mixed.messageId].sort(),
    );
    expect(consumer.publishedIds).toEqual(idsOf([...GOOD, queuedEvent(2)]));
    expect(consumer.report.quarantined).toBe(0);
    consumer.recover();
    expect(await consumer.deliver(redelivered(mixed))).toEqual([]);
    expect(consumer.publishedIds).toHaveLength(2);
    expect(consumer.quarantined).toHaveLength(1);
  });

  test('If the queue did not accept one of two equal invalid items, that item is quarantined on redelivery', async () => {
    const one = message([null, null]);
    consumer.faults.next('partial_failure', CALLS.quarantine);
    expect((await consumer.invoke([one], { isLastAttempt: true })).failed).toEqual([one.messageId]);
    expect(consumer.quarantined).toHaveLength(1);
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.quarantined).toHaveLength(2);
  });

  test('If the queue did not accept one of three equal invalid items, only that item is sent on redelivery', async () => {
    const one = message([null, null, null]);
    const Failed = [{ Id: '2', Code: 'InternalError', SenderFault: false }];
    consumer.intercept(CALLS.quarantine, {
      before: () => responseOf(200, { Successful: [{ Id: '0' }, { Id: '1' }], Failed }),
    });
    expect((await consumer.invoke([one], { isLastAttempt: true })).failed).toEqual([one.messageId]);
    expect(consumer.quarantined).toEqual([]);
    expect(await consumer.deliver(redelivered(one))).toEqual([]);
    expect(consumer.quarantined).toHaveLength(1);
  });

  test('A missing quarantine queue fails the invocation', async () => {
    const broken = await LocalConsumer.create({
      config: { quarantineQueueUrl: 'http://127.0.0.1/000000000000/no-such-queue' },
    });
    expect((await broken.invoke([invalid])).outcome).toMatchObject({
      kind: 'error',
      error: { name: 'QueueDoesNotExist' },
    });
    await broken.close();
  });

  test('Quarantined messages can be sent to the events queue unchanged', async () => {
    await consumer.deliver(message([null]), invalid);
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
