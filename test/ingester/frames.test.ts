import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryChannelStore } from '../../functions/ingester/channel-store.ts';
import { NotificationChannels } from '../../functions/ingester/protocols/notification-channels.ts';
import { decodeFrame } from '../../functions/ingester/protocols/notification-channels-frames.ts';
import type { Decoded } from '../../functions/ingester/protocols/protocol.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { TestLog } from './test-log.ts';

const decode = (value: unknown): Decoded => decodeFrame(JSON.stringify(value));
const system = (topic: string, eventBody: unknown = {}) => ({
  topicName: `v2.system.${topic}`,
  version: '2',
  eventBody,
});

describe('what proves life', () => {
  it.each([
    ['a heartbeat', { topicName: 'channel.metadata', eventBody: { message: 'WebSocket Heartbeat' } }],
    ['a pong', { topicName: 'channel.metadata', eventBody: { message: 'pong' } }],
    ['the reply to a subscribe', { result: '200', status: 'subscribed' }],
    ['a reply whose result is a number', { result: 200 }],
  ])('%s', (_what, frame) => {
    expect(decode(frame)).toEqual({ kind: 'alive', ready: true });
  });
});

describe('what asks for another connection', () => {
  it.each([
    [
      'socket_closing',
      system('socket_closing', { message: 'Websocket closing soon' }),
      'replan',
      'socket_closing',
    ],
    [
      'no_longer_subscribed with an id',
      system('no_longer_subscribed.streaming-1-a'),
      'replan',
      'no_longer_subscribed',
    ],
    ['token_revoked with an id', system('token_revoked.0c8f'), 'reauthenticate', 'token_revoked'],
    [
      'a system topic of ids only, by its type',
      system('0c8f.77aa', { systemTopicType: 'token_revoked', reason: 'user_tokens_revoked' }),
      'reauthenticate',
      'token_revoked',
    ],
    [
      'a system topic of ids only, no longer subscribed',
      system('0c8f.77aa', { systemTopicType: 'no_longer_subscribed', reason: 'another_channel_subscribed' }),
      'replan',
      'no_longer_subscribed',
    ],
    ['the reply 404', { result: '404', message: 'gone' }, 'replan', '404 gone'],
    ['the reply 404 without a message', { result: '404' }, 'replan', '404 no message'],
  ])('%s', (_what, frame, action, reason) => {
    expect(decode(frame)).toEqual({ kind: 'replace', action, reason });
  });
});

describe('what is only worth a log line', () => {
  it.each([
    ['subscription_changed', system('0c8f.77aa', { systemTopicType: 'subscription_changed' })],
    ['a system topic of which nothing is known', system('maintenance_window', null)],
    ['a system topic whose body is text', system('maintenance_window', 'soon')],
    ['v2.subscription.updated', { topicName: 'v2.subscription.updated', eventBody: {} }],
    ['the reply 400', { result: '400', status: 'failure', message: 'no such topic' }],
    ['a reply with an unknown result', { result: '500' }],
    ['a reply without text', { result: { toString: 'no function' }, message: ['x'] }],
  ])('%s', (_what, frame) => {
    expect(decode(frame).kind).toBe('notice');
  });

  it('and it quotes no more of the server than a line', () => {
    for (const frame of [
      { result: '400', message: 'x'.repeat(10_000) },
      { result: 'x'.repeat(10_000) },
      system('x'.repeat(10_000)),
    ]) {
      const decoded = decode(frame);
      expect(decoded.kind === 'notice' && decoded.message.length).toBeLessThan(500);
    }
  });
});

describe('an event', () => {
  it('is the frame, with the text it came in', () => {
    const text =
      '{ "topicName":"v2.users.u.presence", "version":"2","eventBody":{"b":1,"a":null},"metadata":{"CorrelationId":"c"},"more":[1]}';
    expect(decodeFrame(text)).toEqual({ kind: 'event', text, frame: JSON.parse(text) });
  });

  it('needs no metadata and no version', () => {
    expect(decode({ topicName: 'v2.users.u.presence', eventBody: {} }).kind).toBe('event');
  });

  it('may speak of the system in its body', () => {
    const frame = {
      topicName: 'v2.users.u.presence',
      eventBody: { systemTopicType: 'token_revoked', result: '404' },
    };
    expect(decode(frame).kind).toBe('event');
  });
});

describe('what cannot become an event', () => {
  it.each([
    ['', 'not_json'],
    ['this is not JSON', 'not_json'],
    ['{"topicName":"v2.users.', 'not_json'],
    ['\uFEFF{}', 'not_json'],
    ['null', 'invalid_frame'],
    ['42', 'invalid_frame'],
    ['"text"', 'invalid_frame'],
    ['[]', 'invalid_frame'],
    ['{}', 'invalid_frame'],
    ['{"eventBody":{}}', 'invalid_frame'],
    ['{"topicName":7,"eventBody":{}}', 'invalid_frame'],
    ['{"topicName":null,"eventBody":null}', 'invalid_frame'],
    ['{"topicName":"","eventBody":{}}', 'invalid_frame'],
    ['{"topicName":"v2.users.u.presence"}', 'invalid_frame'],
    ['{"topicName":"v2.users.u.presence","eventBody":[]}', 'invalid_frame'],
    [`{"topicName":"v2.${'x'.repeat(1_000)}","eventBody":{}}`, 'invalid_frame'],
  ])('%s', (text, reason) => {
    expect(decodeFrame(text)).toEqual({ kind: 'rejected', reason });
  });
});

describe('decoding never throws', () => {
  let protocol: NotificationChannels;
  beforeAll(() => {
    const tokens = new TokenSource({
      loginUrl: 'http://127.0.0.1',
      credentials: async () => ({ clientId: '', clientSecret: '' }),
    });
    const rest = new RestClient({ apiUrl: 'http://127.0.0.1', tokens });
    protocol = new NotificationChannels({
      rest,
      tokens,
      channels: new MemoryChannelStore(),
      log: new TestLog(),
      topics: [],
    });
  });

  const KINDS = ['event', 'alive', 'replace', 'notice', 'rejected'];

  it('on any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(KINDS).toContain(decodeFrame(text).kind);
      }),
    );
  });

  it('on any JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(KINDS).toContain(decodeFrame(text).kind);
      }),
    );
  });

  it('on anything in the shape of a frame', () => {
    const topicName = fc.oneof(
      fc.constantFrom(
        'channel.metadata',
        'v2.subscription.updated',
        'v2.system.',
        'v2.system.token_revoked.x',
      ),
      fc.string(),
      fc.jsonValue(),
    );
    const shape = fc.record(
      {
        topicName,
        version: fc.jsonValue(),
        eventBody: fc.oneof(fc.record({ systemTopicType: fc.jsonValue() }), fc.jsonValue()),
        metadata: fc.jsonValue(),
        result: fc.oneof(fc.constantFrom('200', '404', 400), fc.jsonValue()),
        status: fc.jsonValue(),
        message: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(shape, (frame) => {
        expect(KINDS).toContain(decode(frame).kind);
      }),
    );
  });

  it('on nesting that would exhaust the stack', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    expect(decodeFrame(deep)).toEqual({ kind: 'rejected', reason: 'invalid_frame' });
    expect(decodeFrame(`{"topicName":"v2.a","eventBody":{"a":${deep}}}`).kind).toBe('event');
    expect(decodeFrame(`{"result":${deep}}`).kind).toBe('notice');
  });

  it('on any bytes, text or binary', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (bytes, isBinary) => {
        const decoded = protocol.decode(Buffer.from(bytes), isBinary);
        expect(KINDS).toContain(decoded.kind);
        if (isBinary) expect(decoded).toEqual({ kind: 'rejected', reason: 'not_json' });
      }),
    );
  });

  it('and it tells invalid UTF-8 from invalid JSON', () => {
    const frame = Buffer.from('{"topicName":"v2.a","eventBody":{"name":"é"}}');
    expect(protocol.decode(frame, false).kind).toBe('event');
    const cut = Buffer.concat([frame.subarray(0, frame.indexOf(0xa9)), Buffer.from('"}}')]);
    expect(protocol.decode(cut, false)).toEqual({ kind: 'rejected', reason: 'invalid_utf8' });
    expect(protocol.decode(Buffer.from('{'), false)).toEqual({ kind: 'rejected', reason: 'not_json' });
  });
});
