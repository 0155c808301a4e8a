import { hash } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBucket } from '../../bin/local/resources.ts';
import { objectStore } from '../../lib/aws/aws-clients.ts';
import { ObjectStore } from '../../lib/aws/object-store.ts';
import { LocalConsumer, message, queuedEvent } from './local-consumer.ts';

const BUCKET = 'oversize';
const LIMIT_BYTES = 65_536;
/** One event above the limit and one below it. */
const { frame } = queuedEvent(1);
const large = queuedEvent(1, {
  frame: { ...frame, eventBody: { id: 'large', text: 'ü'.repeat(LIMIT_BYTES) } },
});
const small = queuedEvent(2);

let consumer: LocalConsumer;
let url: string;

beforeEach(async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  consumer = await LocalConsumer.create({ config: { oversizeBucket: BUCKET, oversizeBytes: LIMIT_BYTES } });
  ({ url } = await consumer.emulator.listen());
  createBucket(consumer.emulator, BUCKET);
  consumer.objectStore = objectStore(BUCKET, consumer.dynamodb, url);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await consumer.close();
});

interface Published {
  topicName: string;
  eventBody: unknown;
  metadata: { eventId: string; oversize?: { bucket: string; key: string; bytes: number; sha256: string } };
}

function publishedDetail(eventId: string): Published {
  const found = consumer.published.find(
    ({ detail }) => (detail as unknown as Published).metadata.eventId === eventId,
  );
  return found?.detail as unknown as Published;
}

test('An event above the limit is stored in the bucket, and its reference with size and hash is published', async () => {
  expect(await consumer.deliver(message([large, small]))).toEqual([]);
  const { eventBody, topicName, metadata } = publishedDetail(large.id);
  expect(topicName).toBe(large.frame.topicName);
  expect(eventBody).toEqual({});
  const { bucket, key, bytes, sha256 } = metadata.oversize!;
  expect(bucket).toBe(BUCKET);
  expect(key).toBe(`2026-11-20/${large.id}.json`);
  expect(metadata).toMatchObject({ CorrelationId: large.frame.metadata?.CorrelationId });
  const object = await (await fetch(`${url}/${bucket}/${key}`)).text();
  expect(Buffer.byteLength(object)).toBe(bytes);
  expect(hash('sha256', object)).toBe(sha256);
  expect((JSON.parse(object) as Published).eventBody).toEqual(large.frame.eventBody);
  expect(publishedDetail(small.id).metadata.oversize).toBeUndefined();
});

test('A reference above the limit is published unchanged, and the object that it refers to is not replaced', async () => {
  const put = vi.fn();
  consumer.objectStore = Object.assign(objectStore(BUCKET, consumer.dynamodb, url)!, { put });
  const oversize = { bucket: BUCKET, key: `2026-11-20/${large.id}.json`, bytes: 2_000_000, sha256: 'ab' };
  const reference = { topicName: frame.topicName, version: 'v'.repeat(LIMIT_BYTES), eventBody: {} };
  const stored = queuedEvent(1, { id: large.id, oversize, frame: reference });
  expect(await consumer.deliver(message([stored]))).toEqual([]);
  expect(put).not.toHaveBeenCalled();
  expect(publishedDetail(large.id).metadata.oversize).toEqual(oversize);
});

test('A request to the bucket is repeated after the status 503, and the event is published once', async () => {
  let answers = 0;
  const store = new ObjectStore({
    bucket: BUCKET,
    region: async () => 'us-east-1',
    credentials: async () => ({ accessKeyId: 'local', secretAccessKey: 'local' }),
    endpoint: url,
    fetch: async (...request) => (++answers <= 2 ? new Response('', { status: 503 }) : fetch(...request)),
  });
  consumer.objectStore = store;
  expect(await consumer.deliver(message([large]))).toEqual([]);
  expect(answers).toBe(3);
  expect(consumer.publishedIds).toEqual([large.id]);
});

test('While the bucket is unreachable, the message is redelivered and its smaller events are published', async () => {
  consumer.objectStore = objectStore(BUCKET, consumer.dynamodb, 'http://127.0.0.1:9');
  const both = message([large, small]);
  expect(await consumer.deliver(both)).toEqual([both.messageId]);
  expect(consumer.publishedIds).toEqual([small.id]);
});

test('A missing bucket fails the batch with advice, after smaller events were published and marked', async () => {
  consumer.objectStore = objectStore('gone', consumer.dynamodb, url);
  const both = message([large, small]);
  await expect(consumer.deliver(both)).rejects.toThrow(/bucket gone: check that it exists/);
  expect(consumer.publishedIds).toEqual([small.id]);
  expect(await consumer.marked(both.owner, [small.id])).toEqual([small.id]);
});

test('Without a bucket an event above the limit is quarantined', async () => {
  consumer.objectStore = undefined;
  expect(await consumer.deliver(message([large]))).toEqual([]);
  expect(consumer.reasons).toEqual([expect.stringContaining(`larger than the ${LIMIT_BYTES} bytes`)]);
});

test('The reference of an event without metadata has only our own metadata', async () => {
  const { topicName, eventBody } = large.frame;
  const bare = queuedEvent(1, { frame: { topicName, eventBody } });
  expect(await consumer.deliver(message([bare]))).toEqual([]);
  const { metadata } = publishedDetail(bare.id);
  expect(metadata.oversize?.bucket).toBe(BUCKET);
  expect(metadata).not.toHaveProperty('CorrelationId');
});
