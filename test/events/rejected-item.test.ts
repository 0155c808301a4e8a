import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeEnvelope } from '../../lib/events/envelope.ts';
import { MAX_ITEM_BYTES, rejectedItem, storedRejectedItem, withheldItem } from '../../lib/events/item.ts';
import { envelopeSchema, REJECTION_REASONS, rejectedFrameSchema } from '../../lib/events/schema.ts';
import { anyText } from './json.ts';
import { SQS_TEXT } from './sqs-text.ts';

/** A frame up to this size stays readable. */
const MAX_PLAIN_BYTES = 32_768;
const ABOUT = {
  reason: 'invalid_frame',
  protocol: 'notification-channels',
  receivedAt: '2026-03-21T01:09:55.225Z',
} as const;

/** What the consumer reads of a rejected frame: through an envelope and the schema. */
function rejectedOf(data: Buffer, compression?: 'always') {
  const item = rejectedItem(data, ABOUT, compression);
  if (item === undefined) throw new Error('the frame was not kept');
  expect(item.bytes).toBe(Buffer.byteLength(item.json));
  expect(item.bytes).toBeLessThanOrEqual(MAX_ITEM_BYTES);
  expect(item.json).toMatch(SQS_TEXT);
  const id = randomUUID();
  const body = encodeEnvelope({ id, owner: id, sentAt: ABOUT.receivedAt }, [item.json]);
  const { events } = envelopeSchema.parse(JSON.parse(body));
  return rejectedFrameSchema.parse(events[0]).rejected;
}

function restored({ encoding, body }: ReturnType<typeof rejectedOf>): Buffer {
  if (encoding === 'utf8') return Buffer.from(body);
  const bytes = Buffer.from(body, 'base64');
  return encoding === 'base64' ? bytes : gunzipSync(bytes);
}

describe('the item of a rejected frame', () => {
  test('Any bytes are restored exactly', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const data = Buffer.from(bytes);
        const rejected = rejectedOf(data);
        expect(restored(rejected)).toEqual(data);
        expect(rejected.bytes).toBe(data.length);
      }),
    );
  });

  test('Any text stays readable and is restored exactly', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        const data = Buffer.from(text);
        const rejected = rejectedOf(data);
        expect(rejected.encoding).toBe('utf8');
        expect(restored(rejected)).toEqual(data);
      }),
    );
  });

  test.each([
    ['text', Buffer.from('{"half": '), 'utf8'],
    ['no bytes', Buffer.alloc(0), 'utf8'],
    ['a byte order mark', Buffer.from('\uFEFF{}'), 'utf8'],
    ['characters that SQS refuses', Buffer.from('\u0000\u001F\uFFFE\uFFFF'), 'utf8'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0xc0, 0x80]), 'base64'],
    ['an encoded surrogate', Buffer.from([0xed, 0xa0, 0x80]), 'base64'],
    ['the longest plain text', Buffer.alloc(MAX_PLAIN_BYTES, 'ä'), 'utf8'],
    ['the longest text of control characters', Buffer.alloc(MAX_PLAIN_BYTES, 1), 'utf8'],
    ['a longer text', Buffer.alloc(MAX_PLAIN_BYTES + 1, 'a'), 'gzip+base64'],
    ['many bytes', randomBytes(100_000), 'gzip+base64'],
    ['text far above the limit of a message', Buffer.alloc(20_000_000, 'event '), 'gzip+base64'],
  ])('A frame of %s is restored exactly', (_what, data, encoding) => {
    const rejected = rejectedOf(data);
    expect(rejected).toMatchObject({ ...ABOUT, encoding, bytes: data.length });
    expect(restored(rejected).equals(data)).toBe(true);
  });

  test('A frame that does not fit even when compressed has no item', () => {
    expect(rejectedItem(randomBytes(MAX_ITEM_BYTES), ABOUT)).toBeUndefined();
  });

  test('A frame that just fits when compressed is restored exactly', () => {
    const largest = randomBytes(Math.floor((MAX_ITEM_BYTES - 1_000) * 0.75));
    expect(restored(rejectedOf(largest)).equals(largest)).toBe(true);
  });

  test.each(REJECTION_REASONS)('The item of a frame that was rejected as %s has that reason', (reason) => {
    const item = rejectedItem(Buffer.from('x'), { ...ABOUT, reason });
    expect(rejectedFrameSchema.parse(JSON.parse(item?.json ?? '')).rejected.reason).toBe(reason);
  });
});

describe('forced compression', () => {
  test('A small frame is compressed on request and restored exactly', () => {
    const data = Buffer.from('{"small":true}');
    const rejected = rejectedOf(data, 'always');
    expect(rejected).toMatchObject({ encoding: 'gzip+base64', bytes: data.length });
    expect(restored(rejected)).toEqual(data);
  });

  test('The body of a compressed item of any text has only ASCII characters', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        const rejected = rejectedOf(Buffer.from(text), 'always');
        expect(rejected.body).toMatch(/^[\w+/=]*$/);
        expect(restored(rejected)).toEqual(Buffer.from(text));
      }),
    );
  });
});

test('A frame that is stored in a bucket is identified by its object, and has no content', () => {
  const stored = {
    bucket: 'oversize',
    key: 'rejected/2026/03/21/1',
    bytes: 2_000_000,
    sha256: 'ab'.repeat(32),
  };
  const item = storedRejectedItem(stored, ABOUT);
  expect(item.bytes).toBe(Buffer.byteLength(item.json));
  expect(rejectedFrameSchema.parse(JSON.parse(item.json)).rejected).toEqual({
    ...ABOUT,
    bytes: 2_000_000,
    encoding: 's3',
    body: '',
    stored,
  });
});

test('A withheld frame is described only by its size and hash', () => {
  const { json, bytes } = withheldItem(Buffer.from('Jane Doe'), ABOUT);
  expect(bytes).toBe(Buffer.byteLength(json));
  expect(rejectedFrameSchema.parse(JSON.parse(json)).rejected).toEqual({
    ...ABOUT,
    bytes: 8,
    encoding: 'withheld',
    body: '',
    sha256: createHash('sha256').update('Jane Doe').digest('hex'),
  });
});
