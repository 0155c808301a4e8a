import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseBody } from '../../functions/consumer/validate.ts';
import { MAX_BODY_BYTES } from '../../functions/webhook/receiver.ts';
import { delivery, LocalWebhook, OTHER_SECRET, sign } from './local-webhook.ts';

const SEND = 'AmazonSQS.SendMessage';

let webhook: LocalWebhook;
beforeEach(async () => {
  webhook = await LocalWebhook.create();
});
afterEach(() => webhook.close());

describe('a signed event', () => {
  test('A signed event is in the events queue when the response is 202', async () => {
    const id = 'aa0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1';
    expect(await webhook.status(delivery({ eventBridgeEventId: id, version: '2' }))).toBe(202);
    expect(webhook.items).toEqual([
      {
        id: `eventbridge-webhook:${id}`,
        type: 'v2.users.{id}.presence',
        protocol: 'eventbridge-webhook',
        receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        frame: {
          topicName: 'v2.users.6f0c2ab7-2f31-4f1e-9c5e-0d7a3c8a52e1.presence',
          timestamp: '2026-11-20T09:30:45.013Z',
          version: '2',
          eventBody: { source: 'PURECLOUD' },
        },
      },
    ]);
  });

  test('The consumer accepts the envelope, and each envelope owns its own claims', async () => {
    await webhook.status(delivery());
    await webhook.status(delivery());
    const [first, second] = webhook.messages;
    expect(first?.owner).toBe(first?.id);
    expect(second?.owner).not.toBe(first?.owner);
    expect(parseBody(JSON.stringify(first))).toMatchObject({ ok: true, events: [{}], invalid: [] });
  });

  test('A repeated delivery has the same id, so that the consumer recognizes it as a copy', async () => {
    const body = delivery();
    expect([await webhook.status(body), await webhook.status(body)]).toEqual([202, 202]);
    const [first, second] = webhook.items;
    expect(second?.id).toBe(first?.id);
  });

  test('Without an eventBody, all fields that are not about the delivery are the body of the event', async () => {
    const { eventBody: _, ...bare } = JSON.parse(delivery({ conversationId: 'c', metadata: { a: 1 } }));
    await webhook.status(JSON.stringify(bare));
    expect(webhook.items[0]?.frame).toMatchObject({
      eventBody: { conversationId: 'c', metadata: { a: 1 } },
    });
  });

  test('Long numbers and characters that SQS refuses arrive unchanged', async () => {
    const body = delivery({ eventBody: { text: '\uFFFE\uFFFF é' } }).replace(
      '"text"',
      '"n":12345678901234567890,"text"',
    );
    expect(await webhook.status(body)).toBe(202);
    const [message = ''] = webhook.emulator.sqs
      .queue('switchboard-events')
      .peek()
      .map((one) => one.body);
    expect(message).toContain('"n":12345678901234567890');
    expect(webhook.items[0]?.frame).toMatchObject({ eventBody: { text: '\uFFFE\uFFFF é' } });
  });

  test('A body that Lambda has encoded as Base64 is checked and read byte by byte', async () => {
    const body = Buffer.from(delivery({ eventBody: { text: 'Größe ✓' } }));
    expect(await webhook.status(body, { isBase64Encoded: true })).toBe(202);
    expect(webhook.items[0]?.frame).toMatchObject({ eventBody: { text: 'Größe ✓' } });
  });
});

describe('a signature', () => {
  const body = delivery();
  test.each<[string, string | null]>([
    ['missing', null],
    ['empty', ''],
    ['made with another secret', sign(body, OTHER_SECRET)],
    ['made for another body', sign(`${body} `)],
    ['too short', sign(body).slice(0, -4)],
    ['too long', `${sign(body)}AAAA`],
    ['the right bytes in another form', `${sign(body)}\n`],
    ['the right bytes as Base64 without padding', sign(body).replace('=', '')],
    ['hexadecimal', Buffer.from(sign(body), 'base64').toString('hex')],
    ['not Base64', '\u{1F600}'.repeat(11)],
  ])('A request whose signature is %s gets 401, and nothing reaches the queue', async (_, signature) => {
    expect(await webhook.status(body, { signature })).toBe(401);
    expect(webhook.items).toEqual([]);
  });

  test('A body that was altered by one byte gets 401', async () => {
    expect(await webhook.status(body.replace('PURECLOUD', 'PURECLOUE'), { signature: sign(body) })).toBe(401);
  });

  test('The signature covers the exact bytes: the same JSON with other white space gets 401', async () => {
    expect(await webhook.status(body.replace(',', ', '), { signature: sign(body) })).toBe(401);
  });
});

describe('other requests', () => {
  test.each(['GET', 'PUT', 'HEAD', 'OPTIONS'])('A request with the method %s gets 405', async (method) => {
    expect(await webhook.send(delivery(), { method })).toMatchObject({
      statusCode: 405,
      headers: { allow: 'POST' },
    });
  });

  test.each([false, true])(
    'A body over the limit gets 413, and one at the limit 202 (Base64: %s)',
    async (isBase64Encoded) => {
      const padding = MAX_BODY_BYTES - Buffer.byteLength(delivery({ eventBody: { pad: '' } }));
      const atLimit = delivery({ eventBody: { pad: 'x'.repeat(padding) } });
      expect(await webhook.status(`${atLimit} `, { isBase64Encoded })).toBe(413);
      expect(await webhook.status(atLimit, { isBase64Encoded })).toBe(202);
      expect(webhook.items).toHaveLength(1);
    },
  );

  test.each(['', 'not JSON', '{"eventBridgeEventId":', Buffer.from([0xff, 0xfe])])(
    'A signed body that is not JSON gets 400: %s',
    async (body) => {
      expect(await webhook.status(body)).toBe(400);
      expect(webhook.items).toEqual([]);
    },
  );

  test('A response contains neither the secret nor the expected signature', async () => {
    const body = delivery();
    const response = JSON.stringify(await webhook.send(body, { signature: 'wrong' }));
    expect(response).toBe(
      '{"statusCode":401,"headers":{"content-type":"application/json"},"body":"{\\"message\\":\\"The signature is missing or wrong.\\"}"}',
    );
  });
});

describe('a signed body without a usable event', () => {
  test.each<[string, string, string]>([
    ['is not an object', '[1,2]', 'invalid_frame'],
    ['is null', 'null', 'invalid_frame'],
    ['has no id', delivery({ eventBridgeEventId: undefined }), 'invalid_frame'],
    ['has an empty id', delivery({ eventBridgeEventId: '' }), 'invalid_frame'],
    ['has no type', delivery({ eventType: undefined }), 'invalid_frame'],
    ['has an empty type', delivery({ eventType: '' }), 'invalid_frame'],
    [
      'has a type that is too long for EventBridge',
      delivery({ eventType: 'v2.'.padEnd(200, 'x') }),
      'invalid_frame',
    ],
    ['has a timestamp that is not a text', delivery({ eventTimestamp: 7 }), 'invalid_frame'],
  ])('A signed body that %s gets 202 and is quarantined complete', async (_, body, reason) => {
    expect(await webhook.status(body)).toBe(202);
    expect(webhook.items).toEqual([
      {
        rejected: {
          reason,
          protocol: 'eventbridge-webhook',
          receivedAt: expect.any(String),
          bytes: Buffer.byteLength(body),
          encoding: 'utf8',
          body,
        },
      },
    ]);
    expect(parseBody(JSON.stringify(webhook.messages[0]))).toMatchObject({
      events: [],
      invalid: [{ reason: `rejected frame: ${reason}` }],
    });
  });

  test('A signed body that is nested too deep is quarantined', async () => {
    const depth = 100_000;
    const body = delivery({ eventBody: { deep: 0 } }).replace(
      '0}',
      `${'['.repeat(depth)}${']'.repeat(depth)}}`,
    );
    expect(await webhook.status(body)).toBe(202);
    expect(webhook.items).toMatchObject([{ rejected: { reason: 'too_deep' } }]);
  });

  test('A body at the limit that grows beyond a message is quarantined, even if it cannot be compressed', async () => {
    // 1e20 is written with 21 digits.
    const numbers = Array.from({ length: 80_000 }, () => '1e20').join(',');
    const grown = delivery({ eventBody: { n: 0 } }).replace('"n":0', `"n":[${numbers}]`);
    expect(await webhook.status(grown)).toBe(202);
    const noise = Array.from({ length: MAX_BODY_BYTES - 2 }, () => 35 + Math.floor(Math.random() * 57));
    const random = Buffer.from(`"${Buffer.from(noise).toString('latin1')}"`);
    expect(await webhook.status(random)).toBe(202);
    expect(webhook.items).toMatchObject([
      { rejected: { reason: 'too_large' } },
      { rejected: { reason: 'invalid_frame', bytes: MAX_BODY_BYTES } },
    ]);
  });
});

describe('a failure of SQS', () => {
  test.each(['throttle', 'server_error', 'timeout_before_commit', 'timeout_after_commit'] as const)(
    'The response after the fault %s of SQS is 503, and the next delivery is accepted',
    async (fault) => {
      const body = delivery();
      webhook.faults.next(fault, SEND);
      const failed = await webhook.send(body);
      expect(failed).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } });
      expect(await webhook.status(body)).toBe(202);
      const ids = new Set(webhook.items.map(({ id }) => id));
      expect(ids.size).toBe(1);
    },
  );
});
