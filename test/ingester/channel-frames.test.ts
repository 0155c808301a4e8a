import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFrame } from '../../functions/ingester/protocols/notification-channels/channel-frames.ts';
import type { Signal } from '../../functions/ingester/protocols/stream-protocol.ts';

const readText = (text: string): Signal => readFrame(Buffer.from(text), false);
const read = (value: unknown): Signal => readText(JSON.stringify(value));
const system = (topic: string, eventBody: unknown = {}) => ({
  topicName: `v2.system.${topic}`,
  version: '2',
  eventBody,
});

describe('frames that make a connection ready', () => {
  test.each([
    ['A heartbeat', { topicName: 'channel.metadata', eventBody: { message: 'WebSocket Heartbeat' } }],
    ['The reply to a ping', { topicName: 'channel.metadata', eventBody: { message: 'pong' } }],
    ['The reply to a subscribe message', { result: '200', status: 'subscribed' }],
    ['A reply whose result is a number', { result: 200 }],
  ])('%s makes the connection ready', (_what, frame) => {
    expect(read(frame)).toEqual({ kind: 'ready' });
  });
});

describe('frames that request another connection', () => {
  test.each([
    [
      'The system message socket_closing',
      system('socket_closing', { message: 'Websocket closing soon' }),
      'restart',
      'socket_closing',
    ],
    [
      'The system message no_longer_subscribed with an id',
      system('no_longer_subscribed.streaming-1-a'),
      'restart',
      'no_longer_subscribed',
    ],
    [
      'The system message token_revoked with an id',
      system('token_revoked.0c8f'),
      'reauthenticate',
      'token_revoked',
    ],
    [
      'A system topic of ids with the type token_revoked',
      system('0c8f.77aa', { systemTopicType: 'token_revoked', reason: 'user_tokens_revoked' }),
      'reauthenticate',
      'token_revoked',
    ],
    [
      'A system topic of ids with the type no_longer_subscribed',
      system('0c8f.77aa', { systemTopicType: 'no_longer_subscribed', reason: 'another_channel_subscribed' }),
      'restart',
      'no_longer_subscribed',
    ],
    ['The reply 404', { result: '404', message: 'gone' }, 'restart', '404 gone'],
    ['The reply 404 without a message', { result: '404' }, 'restart', '404 no message'],
  ])('%s requests another connection', (_what, frame, recovery, reason) => {
    expect(read(frame)).toEqual({ kind: 'move', recovery, reason });
  });
});

describe('frames that are only logged', () => {
  test.each([
    [
      'The system message subscription_changed',
      system('0c8f.77aa', { systemTopicType: 'subscription_changed' }),
    ],
    ['An unknown system message', system('maintenance_window', null)],
    ['A system message whose body is text', system('maintenance_window', 'soon')],
    ['The message v2.subscription.updated', { topicName: 'v2.subscription.updated', eventBody: {} }],
    ['The reply 400', { result: '400', status: 'failure', message: 'no such topic' }],
    ['A reply with an unknown result', { result: '500' }],
    ['A reply without text', { result: { toString: 'not a function' }, message: ['x'] }],
  ])('%s becomes a notice', (_what, frame) => {
    expect(read(frame).kind).toBe('notice');
  });

  test.each([
    ['a reply with a long message', { result: '400', message: 'x'.repeat(10_000) }],
    ['a reply with a long result', { result: 'x'.repeat(10_000) }],
    ['a system message with a long topic', system('x'.repeat(10_000))],
  ])('The notice about %s is short', (_what, frame) => {
    const signal = read(frame);
    expect(signal.kind).toBe('notice');
    expect(signal.kind === 'notice' && signal.quote?.length).toBeLessThan(500);
  });
});

describe('frames with an event', () => {
  test('An event is the frame with its original text', () => {
    const text =
      '{ "topicName":"v2.users.u.presence", "version":"2","eventBody":{"b":1,"a":null},"metadata":{"CorrelationId":"c"},"more":[1]}';
    expect(readText(text)).toEqual({ kind: 'event', event: { text, frame: JSON.parse(text) } });
  });

  test('An event needs neither metadata nor a version', () => {
    expect(read({ topicName: 'v2.users.u.presence', eventBody: {} }).kind).toBe('event');
  });

  test('An event body with the fields of system messages is an event', () => {
    const frame = {
      topicName: 'v2.users.u.presence',
      eventBody: { systemTopicType: 'token_revoked', result: '404' },
    };
    expect(read(frame).kind).toBe('event');
  });
});

describe('frames that cannot become an event', () => {
  test.each([
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
  ])('The frame %s is rejected as %s', (text, reason) => {
    expect(readText(text)).toEqual({ kind: 'rejected', reason });
  });

  test('Invalid UTF-8 is rejected with a reason that differs from invalid JSON', () => {
    const frame = Buffer.from('{"topicName":"v2.a","eventBody":{"name":"é"}}');
    expect(readFrame(frame, false).kind).toBe('event');
    const cut = Buffer.concat([frame.subarray(0, frame.indexOf(0xa9)), Buffer.from('"}}')]);
    expect(readFrame(cut, false)).toEqual({ kind: 'rejected', reason: 'invalid_utf8' });
    expect(readFrame(Buffer.from('{'), false)).toEqual({ kind: 'rejected', reason: 'not_json' });
  });
});

describe('reading arbitrary frames', () => {
  const KINDS = ['event', 'ready', 'move', 'notice', 'rejected'];

  test('Any string is read without an exception', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(KINDS).toContain(readText(text).kind);
      }),
    );
  });

  test('Any JSON is read without an exception', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(KINDS).toContain(readText(text).kind);
      }),
    );
  });

  test('Any object with the fields of a frame is read without an exception', () => {
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
        expect(KINDS).toContain(read(frame).kind);
      }),
    );
  });

  test('Nesting that would exhaust the stack is read without an exception', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    expect(readText(deep)).toEqual({ kind: 'rejected', reason: 'invalid_frame' });
    expect(readText(`{"topicName":"v2.a","eventBody":{"a":${deep}}}`).kind).toBe('event');
    expect(readText(`{"result":${deep}}`).kind).toBe('notice');
  });

  test('Any bytes are read without an exception, and binary frames are rejected', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (bytes, isBinary) => {
        const signal = readFrame(Buffer.from(bytes), isBinary);
        expect(KINDS).toContain(signal.kind);
        if (isBinary) expect(signal).toEqual({ kind: 'rejected', reason: 'not_json' });
      }),
    );
  });
});
