import { randomBytes, randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeEnvelope, encodeRejectedFrame, MAX_ITEM_BYTES } from '../../lib/events/envelope.ts';
import { envelopeSchema, REJECTION_REASONS, rejectedFrameSchema } from '../../lib/events/schema.ts';
import { anyText } from './json.ts';

/** Characters that SQS accepts in a message body (SendMessage, parameter MessageBody). */
const SQS_TEXT = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;
/** A frame up to this size is kept readable. */
const PLAIN_BYTES = 32_768;
const ABOUT = {
  reason: 'invalid_frame',
  protocol: 'notification-channels',
  receivedAt: '2026-03-21T01:09:55.225Z',
} as const;

/** What the consumer reads of a rejected frame: through an envelope and the schema. */
function rejectedOf(data: Buffer) {
  const item = encodeRejectedFrame(data, ABOUT);
  if (item === undefined) throw new Error('the frame was not kept');
  expect(Buffer.byteLength(item)).toBeLessThanOrEqual(MAX_ITEM_BYTES);
  expect(item).toMatch(SQS_TEXT);
  const id = randomUUID();
  const body = encodeEnvelope({ id, owner: id, sentAt: ABOUT.receivedAt }, [item]);
  const { events } = envelopeSchema.parse(JSON.parse(body));
  return rejectedFrameSchema.parse(events[0]).rejected;
}

function restored({ encoding, body }: ReturnType<typeof rejectedOf>): Buffer {
  if (encoding === 'utf8') return Buffer.from(body);
  const bytes = Buffer.from(body, 'base64');
  return encoding === 'base64' ? bytes : gunzipSync(bytes);
}

test('any bytes are restored exactly', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const data = Buffer.from(bytes);
      const rejected = rejectedOf(data);
      expect(restored(rejected)).toEqual(data);
      expect(rejected.bytes).toBe(data.length);
    }),
  );
});

test('any text stays readable and is restored exactly', () => {
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
  ['nothing', Buffer.alloc(0), 'utf8'],
  ['a byte order mark', Buffer.from('\uFEFF{}'), 'utf8'],
  ['what SQS refuses', Buffer.from('\u0000\u001F\uFFFE\uFFFF'), 'utf8'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xc0, 0x80]), 'base64'],
  ['an encoded surrogate', Buffer.from([0xed, 0xa0, 0x80]), 'base64'],
  ['the longest plain text', Buffer.alloc(PLAIN_BYTES, 'ä'), 'utf8'],
  ['the longest text of control characters', Buffer.alloc(PLAIN_BYTES, 1), 'utf8'],
  ['a longer text', Buffer.alloc(PLAIN_BYTES + 1, 'a'), 'gzip+base64'],
  ['long bytes', randomBytes(100_000), 'gzip+base64'],
  ['text far above the limit of a message', Buffer.alloc(20_000_000, 'event '), 'gzip+base64'],
])('%s is restored exactly', (_, data, encoding) => {
  const rejected = rejectedOf(data);
  expect(rejected).toMatchObject({ ...ABOUT, encoding, bytes: data.length });
  expect(restored(rejected).equals(data)).toBe(true);
});

test('what does not fit even compressed gives nothing, so that the caller can tell', () => {
  expect(encodeRejectedFrame(randomBytes(MAX_ITEM_BYTES), ABOUT)).toBeUndefined();
  const largest = randomBytes(Math.floor((MAX_ITEM_BYTES - 1_000) * 0.75));
  expect(restored(rejectedOf(largest)).equals(largest)).toBe(true);
});

test.each(REJECTION_REASONS)('the reason %s is told', (reason) => {
  const item = encodeRejectedFrame(Buffer.from('x'), { ...ABOUT, reason });
  expect(rejectedFrameSchema.parse(JSON.parse(item ?? '')).rejected.reason).toBe(reason);
});
