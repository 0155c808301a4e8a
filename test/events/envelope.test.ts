import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeEnvelope, encodeEvent } from '../../lib/events/envelope.ts';
import { envelopeSchema, frameSchema, queuedEventSchema } from '../../lib/events/schema.ts';
import { anyText, jsonBody } from './json.ts';

/** Characters that SQS accepts in a message body (SendMessage, parameter MessageBody). */
const SQS_TEXT = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;
const EVENT = {
  id: 'k3Zx',
  type: 'v2.users.{id}.presence',
  protocol: 'notification-channels',
  receivedAt: '2026-03-21T01:09:55.225Z',
} as const;
const envelope = () => ({ id: randomUUID(), owner: randomUUID(), sentAt: new Date().toISOString() });

/** The text of a frame as a socket brings it: valid UTF-8, characters escaped or not, any white space. */
function frameText(): fc.Arbitrary<string> {
  return fc
    .record({
      topicName: anyText().filter((topic) => topic !== ''),
      eventBody: jsonBody(),
      metadata: jsonBody(),
      space: fc.constantFrom('', ' ', '\t', '\n', '\r\n'),
      escaped: fc.boolean(),
    })
    .map(({ space, escaped, ...frame }) => {
      const text = JSON.stringify(frame, null, space);
      return escaped ? text.replace(/[^\t\n\r -~]/g, escapeUnit) : text;
    });
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

describe('any frame', () => {
  test('gives a body of characters that SQS accepts, which survives UTF-8', () => {
    fc.assert(
      fc.property(fc.array(frameText(), { minLength: 1, maxLength: 5 }), (texts) => {
        const body = encodeEnvelope(
          envelope(),
          texts.map((text) => encodeEvent(EVENT, text)),
        );
        expect(body).toMatch(SQS_TEXT);
        expect(Buffer.from(body).toString()).toBe(body);
      }),
    );
  });

  test('comes out of the envelope with the value it had', () => {
    fc.assert(
      fc.property(fc.array(frameText(), { minLength: 1, maxLength: 5 }), (texts) => {
        const head = envelope();
        const body = encodeEnvelope(
          head,
          texts.map((text) => encodeEvent(EVENT, text)),
        );
        const { events, ...rest } = envelopeSchema.parse(JSON.parse(body));
        expect(rest).toEqual({ v: 1, ...head });
        const parsed = events.map((event) => queuedEventSchema.parse(event));
        for (const [index, { frame, ...event }] of parsed.entries()) {
          expect(event).toEqual(EVENT);
          expect(isDeepStrictEqual(frame, frameSchema.parse(JSON.parse(texts[index] ?? '')))).toBe(true);
          expect(isDeepStrictEqual(frame, JSON.parse(texts[index] ?? ''))).toBe(true);
        }
      }),
    );
  });
});

test('the frame stands in the message as it came, unless SQS refuses its characters', () => {
  const text = '{ "topicName":"v2.x", "eventBody":{"n":1.50,"s":"\\u00e4"} }';
  expect(encodeEvent(EVENT, text)).toBe(`${JSON.stringify(EVENT).slice(0, -1)},"frame":${text}}`);
  const refused = '{"topicName":"v2.x","eventBody":{"s":"a\uFFFE\\\\\uFFFF\uFFFF"}}';
  expect(encodeEvent(EVENT, refused)).toContain('"a\\ufffe\\\\\\uffff\\uffff"');
});

test('what is known of an event beyond its frame travels with it', () => {
  const known = { ...EVENT, sequence: 7, backfilled: true, late: true };
  const { frame, ...event } = queuedEventSchema.parse(
    JSON.parse(encodeEvent(known, '{"topicName":"v2.x","eventBody":{},"unknown":[1]}')),
  );
  expect(event).toEqual(known);
  expect(frame).toEqual({ topicName: 'v2.x', eventBody: {}, unknown: [1] });
});

describe('the schemas refuse', () => {
  const item = { ...EVENT, frame: { topicName: 'v2.x', eventBody: {} } };

  test.each([
    ['no topic', { ...item, frame: { eventBody: {} } }],
    ['an empty topic', { ...item, frame: { topicName: '', eventBody: {} } }],
    ['an endless topic', { ...item, frame: { topicName: 'x'.repeat(1_001), eventBody: {} } }],
    ['no body', { ...item, frame: { topicName: 'v2.x' } }],
    ['an array as body', { ...item, frame: { topicName: 'v2.x', eventBody: [] } }],
    ['null as body', { ...item, frame: { topicName: 'v2.x', eventBody: null } }],
    ['text as body', { ...item, frame: { topicName: 'v2.x', eventBody: 'text' } }],
    ['a detail-type above the limit of EventBridge', { ...item, type: 'x'.repeat(129) }],
    ['an unknown protocol', { ...item, protocol: 'smoke-signals' }],
    ['a time of receipt that is none', { ...item, receivedAt: 'now' }],
  ])('an event with %s', (_, event) => {
    expect(queuedEventSchema.safeParse(item).success).toBe(true);
    expect(queuedEventSchema.safeParse(event).success).toBe(false);
  });

  test.each([
    ['another version', { v: 2 }],
    ['no events', { events: [] }],
    ['more than 1,000 events', { events: Array(1_001).fill(item) }],
    ['an owner that is no UUID', { owner: 'me' }],
  ])('an envelope with %s', (_, change) => {
    const good = { v: 1, ...envelope(), events: [item] };
    expect(envelopeSchema.safeParse(good).success).toBe(true);
    expect(envelopeSchema.safeParse({ ...good, ...change }).success).toBe(false);
  });
});
