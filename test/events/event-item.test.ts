import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { MAX_DEPTH_LEVELS } from '../../lib/events/canonical-json.ts';
import { detailType } from '../../lib/events/detail-type.ts';
import { encodeEnvelope } from '../../lib/events/envelope.ts';
import { toDetail } from '../../lib/events/event-detail.ts';
import { parseExactJson } from '../../lib/events/exact-json.ts';
import { contentIdentity } from '../../lib/events/identity.ts';
import { eventItem, identify, MAX_ITEM_BYTES } from '../../lib/events/item.ts';
import { envelopeSchema, type Frame, queuedEventSchema } from '../../lib/events/schema.ts';
import { anyText, jsonBody } from './json.ts';
import { SAMPLES } from './samples.ts';
import { SQS_TEXT } from './sqs-text.ts';

const ORIGIN = { protocol: 'notification-channels', receivedAt: '2026-03-21T01:09:55.225Z' } as const;
const ABOUT = { identity: { id: 'k3Zx', isWeak: false }, ...ORIGIN } as const;
/** The fields of an item with this identity and origin. */
const FIELDS = { id: 'k3Zx', ...ORIGIN } as const;
const FRAME: Frame = { topicName: 'v2.x', eventBody: {} };
const KEYED = SAMPLES[0]!.frame;
const ENVELOPE = {
  id: '0d9c3f0e-8a6b-4c55-9d5c-0a1b6d8f3e11',
  owner: '7b1f9f0a-2f64-4b0e-9a55-0d4a3c3f9a01',
  sentAt: '2026-03-21T01:09:56.001Z',
};

/** The JSON of an event whose frame has this text. */
function jsonOf(text: string): string {
  const item = eventItem({ frame: parseExactJson(text) as Frame, text }, ABOUT);
  if (item === undefined) throw new Error('the item is too large');
  expect(item.bytes).toBe(Buffer.byteLength(item.json));
  return item.json;
}

/** A frame and its text as a socket delivers it: valid UTF-8, characters escaped or not, any white space. */
function frameWithText(): fc.Arbitrary<{ frame: Frame; text: string }> {
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
      return { frame, text: escaped ? text.replace(/[^\t\n\r -~]/g, escapeUnit) : text };
    });
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

describe('the item of any frame', () => {
  test('An envelope of any frames has only characters that SQS accepts, and survives UTF-8', () => {
    fc.assert(
      fc.property(fc.array(frameWithText(), { minLength: 1, maxLength: 5 }), (frames) => {
        const body = encodeEnvelope(
          ENVELOPE,
          frames.map(({ text }) => jsonOf(text)),
        );
        expect(body).toMatch(SQS_TEXT);
        expect(Buffer.from(body).toString()).toBe(body);
      }),
    );
  });

  test('An envelope of any frames is parsed to the same values', () => {
    fc.assert(
      fc.property(fc.array(frameWithText(), { minLength: 1, maxLength: 5 }), (sent) => {
        const body = encodeEnvelope(
          ENVELOPE,
          sent.map(({ text }) => jsonOf(text)),
        );
        // `JSON.parse` can return wrong keys, see `escaped-keys.ts`.
        const { events, ...rest } = envelopeSchema.parse(parseExactJson(body));
        expect(rest).toEqual({ v: 1, ...ENVELOPE });
        const parsed = events.map((event) => queuedEventSchema.parse(event));
        for (const [index, { frame, type, ...event }] of parsed.entries()) {
          expect(event).toEqual(FIELDS);
          expect(type).toBe(detailType(frame.topicName));
          expect(isDeepStrictEqual(frame, { ...sent[index]?.frame })).toBe(true);
        }
      }),
    );
  });

  test('A frame without its text is serialized to the same value', () => {
    fc.assert(
      fc.property(jsonBody(), (eventBody) => {
        const frame = { topicName: 'v2.x', eventBody };
        const item = eventItem({ frame }, ABOUT);
        const event = queuedEventSchema.parse(parseExactJson(item?.json ?? ''));
        expect(isDeepStrictEqual(event.frame, frame)).toBe(true);
        expect(item?.json).toMatch(SQS_TEXT);
      }),
    );
  });
});

describe('the text of a frame', () => {
  test('A member named __proto__ is kept, in the body and outside of it', () => {
    const text =
      '{"topicName":"v2.x","eventBody":{"__proto__":1},"metadata":{"__proto__":2},"__proto__":{"a":3}}';
    const event = queuedEventSchema.parse(parseExactJson(jsonOf(text)));
    expect(JSON.stringify(event.frame)).toBe(text);
    const detail = JSON.stringify(toDetail(event));
    for (const member of ['"eventBody":{"__proto__":1}', '"metadata":{"__proto__":2,', '"__proto__":{"a":3}'])
      expect(detail).toContain(member);
  });

  test('The original text of a frame is copied into the item', () => {
    const text = '{ "topicName":"v2.x", "eventBody":{"n":1.50,"s":"\\u00e4"} }';
    const { id, protocol, receivedAt } = FIELDS;
    const head = JSON.stringify({ id, type: 'v2.x', protocol, receivedAt });
    expect(jsonOf(text)).toBe(`${head.slice(0, -1)},"frame":${text}}`);
  });

  test('Characters that SQS refuses are escaped', () => {
    const refused = '{"topicName":"v2.x","eventBody":{"s":"a\uFFFE\\\\\uFFFF\uFFFF"}}';
    expect(jsonOf(refused)).toContain('"a\\ufffe\\\\\\uffff\\uffff"');
  });
});

describe('the fields of an item', () => {
  test('The type of an item is its topic with {id} instead of ids', () => {
    const topicName = 'v2.users.2f7bf00a-0fc2-4d6a-9b56-92238191433e.presence';
    const item = eventItem({ frame: { topicName, eventBody: {} } }, ABOUT);
    expect(queuedEventSchema.parse(JSON.parse(item?.json ?? '')).type).toBe('v2.users.{id}.presence');
  });

  test('An item has the sequence number and the lateness of its event, and unknown fields of its frame', () => {
    const text = '{"topicName":"v2.x","eventBody":{},"unknown":[1]}';
    const item = eventItem({ frame: JSON.parse(text) as Frame, text, sequence: 7, late: true }, ABOUT);
    const { frame, ...event } = queuedEventSchema.parse(JSON.parse(item?.json ?? ''));
    expect(event).toEqual({ ...FIELDS, type: 'v2.x', sequence: 7, late: true });
    expect(frame).toEqual({ topicName: 'v2.x', eventBody: {}, unknown: [1] });
  });

  test('The item of a recovered event names its gap', () => {
    const backfill = { gapId: 'gap', reconstructed: true };
    const item = eventItem({ frame: FRAME }, { ...ABOUT, backfill });
    expect(JSON.parse(item?.json ?? '')).toMatchObject({ backfilled: true, ...backfill });
  });

  test('The sequence number 0 is kept, and an event that is not late has no mark', () => {
    const item = eventItem({ frame: FRAME, sequence: 0, late: false }, ABOUT);
    expect(JSON.parse(item?.json ?? '')).toEqual({ ...FIELDS, type: 'v2.x', sequence: 0, frame: FRAME });
  });

  test('The schema keeps the mark of a backfilled event', () => {
    const event = { ...FIELDS, type: 'v2.x', frame: FRAME, backfilled: true };
    expect(queuedEventSchema.parse(event)).toEqual(event);
  });
});

describe('the size of an item', () => {
  const textOf = (filler: string) => `{"topicName":"v2.x","eventBody":{"s":"${filler}"}}`;
  const room = MAX_ITEM_BYTES - Buffer.byteLength(jsonOf(textOf('')));
  const sizeOf = (filler: string) => {
    const text = textOf(filler);
    return eventItem({ frame: JSON.parse(text) as Frame, text }, ABOUT)?.bytes;
  };

  test('An item of the largest size is kept, and a larger one is not', () => {
    expect(sizeOf('x'.repeat(room))).toBe(MAX_ITEM_BYTES);
    expect(sizeOf('x'.repeat(room + 1))).toBeUndefined();
  });

  test('The largest item fits into an SQS message, with its envelope and the attributes of the quarantine queue', () => {
    const body = encodeEnvelope(ENVELOPE, ['x'.repeat(MAX_ITEM_BYTES)]);
    const attributesBytes = 2_048;
    expect(Buffer.byteLength(body) + attributesBytes).toBeLessThanOrEqual(1_048_576);
  });

  test('The size of an item is measured in bytes', () => {
    expect(sizeOf('é'.repeat(Math.floor(room / 2)))).toBeLessThanOrEqual(MAX_ITEM_BYTES);
    expect(sizeOf('é'.repeat(Math.ceil((room + 1) / 2)))).toBeUndefined();
  });

  test('The size of an item includes the escapes of characters that SQS refuses', () => {
    expect(sizeOf('\uFFFF'.repeat(10))).toBe(MAX_ITEM_BYTES - room + 60);
  });
});

describe('the identity of an event', () => {
  const deep = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as unknown;
  const own = (id: string, protocol = 'p') => identify(protocol, { frame: FRAME, id })?.id;

  test('An event with a recovery key and without an own id has its content as identity', () => {
    expect(identify('p', { frame: KEYED })).toMatchObject({ id: contentIdentity(KEYED), isWeak: false });
  });

  test('An event without a recovery key and without an own id has a new weak identity each time', () => {
    const identities = [1, 2, 3].map(() => identify('p', { frame: FRAME }));
    for (const identity of identities) {
      expect(identity?.isWeak).toBe(true);
      expect(z.uuid().safeParse(identity?.id).success).toBe(true);
    }
    expect(new Set(identities.map((identity) => identity?.id)).size).toBe(3);
  });

  test('The item of an event with a weak identity is marked, and that of another event is not', () => {
    const item = (isWeak: boolean) =>
      JSON.parse(eventItem({ frame: FRAME }, { ...ABOUT, identity: { id: 'k3Zx', isWeak } })?.json ?? '');
    expect(queuedEventSchema.parse(item(true))).toEqual({
      ...FIELDS,
      type: 'v2.x',
      weak: true,
      frame: FRAME,
    });
    expect(item(false)).not.toHaveProperty('weak');
  });

  test.each([FRAME, KEYED])('An own id has the name of its protocol as prefix and is not weak', (frame) => {
    expect(identify('p', { frame, id: 'abc' })).toMatchObject({ id: 'p:abc', isWeak: false });
  });

  test('Ids of two protocols never collide', () => {
    expect(own('1', 'p')).not.toBe(own('1', 'q'));
  });

  test('A long own id is hashed, and the longest short one is kept', () => {
    const longest = 'x'.repeat(126);
    expect(own(longest)).toBe(`p:${longest}`);
    const hashed = own(`${longest}x`);
    expect(hashed).toMatch(/^[\w-]{43}$/);
    expect(own(`${longest}y`)).not.toBe(hashed);
    expect(own(`${longest}x`, 'q')).not.toBe(hashed);
  });

  test('An own id of any length is accepted by the schema', () => {
    for (const length of [1, 126, 127, 10_000]) {
      const id = own('x'.repeat(length), 'notification-channels');
      const event = { ...FIELDS, id, type: 'v2.x', frame: FRAME };
      expect(queuedEventSchema.safeParse(event).success).toBe(true);
    }
  });

  test('An unexpected error is not taken for deep nesting', () => {
    const frame = {
      topicName: 'v2.x',
      get eventBody(): Record<string, unknown> {
        throw new TypeError('not readable');
      },
    };
    expect(() => identify('p', { frame })).toThrow(TypeError);
  });

  test.each([
    ['without an own id', { frame: FRAME }],
    ['with an own id', { frame: FRAME, id: 'abc' }],
    ['with a recovery key', { frame: KEYED }],
  ])('An event %s that is nested too deep has no identity', (_what, { frame, ...more }) => {
    const framed = (levels: number) => ({
      ...more,
      frame: { ...frame, eventBody: { ...frame.eventBody, deep: deep(levels) } },
    });
    expect(identify('p', framed(MAX_DEPTH_LEVELS - 1))).toBeDefined();
    expect(identify('p', framed(MAX_DEPTH_LEVELS))).toBeUndefined();
    expect(identify('p', framed(100_000))).toBeUndefined();
  });

  test('An event whose key fields are nested too deep has no identity', () => {
    const { frame } = SAMPLES.find(({ name }) => name === 'attributes')!;
    const attributes = { nested: deep(MAX_DEPTH_LEVELS) };
    expect(
      identify('p', { frame: { ...frame, eventBody: { ...frame.eventBody, attributes } } }),
    ).toBeUndefined();
  });
});

test('An item names the object of an event that is stored in a bucket, and a weak identity', () => {
  const oversize = { bucket: 'oversize', key: 'events/1', bytes: 300_000, sha256: 'ab'.repeat(32) };
  const item = eventItem({ frame: FRAME }, { identity: { id: 'k3Zx', isWeak: true }, ...ORIGIN, oversize });
  expect(queuedEventSchema.parse(JSON.parse(item?.json ?? ''))).toEqual({
    ...FIELDS,
    type: 'v2.x',
    weak: true,
    oversize,
    frame: FRAME,
  });
});
