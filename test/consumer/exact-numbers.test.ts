import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBucket } from '../../bin/local/resources.ts';
import { Intake } from '../../functions/ingester/intake.ts';
import { LargeItems } from '../../functions/ingester/large-items.ts';
import { readFrame } from '../../functions/ingester/protocols/notification-channels/channel-frames.ts';
import type { DataSignal, Session } from '../../functions/ingester/protocols/stream-protocol.ts';
import { objectStore } from '../../lib/aws/aws-clients.ts';
import { encodeEnvelope } from '../../lib/events/envelope.ts';
import { MAX_ITEM_BYTES } from '../../lib/events/item.ts';
import { KeptItems } from '../ingester/kept-items.ts';
import { TestLog } from '../ingester/test-log.ts';
import { CALLS, LocalConsumer } from './local-consumer.ts';

const BUCKET = 'oversize';
const OVERSIZE_BYTES = 65_536;
const TOPIC = 'v2.audits.entitytype.Queue.entityid.4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01';
/** A double holds none of these exactly. */
const NUMBERS =
  '"id":"a1","numbers":[9007199254740993,-9007199254740993,123456789012345678901234567890,0.1234567890123456789,1e400,1E-400]';
const session: Session = { url: 'ws://fake', onOpen: () => [], onFrame: () => [] };

let consumer: LocalConsumer;
let queue: KeptItems;
let intake: Intake;
let url: string;

beforeEach(async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  consumer = await LocalConsumer.create({
    config: { oversizeBucket: BUCKET, oversizeBytes: OVERSIZE_BYTES },
  });
  ({ url } = await consumer.emulator.listen());
  createBucket(consumer.emulator, BUCKET);
  const store = objectStore(BUCKET, consumer.dynamodb, url);
  consumer.objectStore = store;
  const log = new TestLog();
  queue = new KeptItems();
  const large = store && new LargeItems(store, new AbortController().signal, log);
  intake = new Intake(queue, { onSequenceGap: () => {} }, log, { large });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await consumer.close();
});

function take(body: string, topicName = TOPIC): void {
  const data = Buffer.from(
    `{"topicName":"${topicName}","version":"2","eventBody":{${body}},"unknown":1e400}`,
  );
  intake.sink('notification-channels', '0').take(session, readFrame(data, false) as DataSignal, data);
}

/** Deliver what is in the queue to the consumer. */
async function deliver(): Promise<void> {
  const id = randomUUID();
  const body = encodeEnvelope({ id, owner: id, sentAt: new Date().toISOString() }, queue.items);
  expect(await consumer.deliver({ messageId: id, body })).toEqual([]);
}

/** The details of the PutEvents calls, as they were sent. */
const details = () =>
  consumer.calls
    .filter(({ target }) => target === CALLS.publish)
    .flatMap(({ body }) => (JSON.parse(body) as { Entries: { Detail: string }[] }).Entries)
    .map(({ Detail }) => Detail);

/** The text of the object that the published event refers to. */
async function storedText(): Promise<string> {
  const { metadata } = JSON.parse(details()[0] ?? '') as { metadata: { oversize: { key: string } } };
  return (await fetch(`${url}/${BUCKET}/${metadata.oversize.key}`)).text();
}

test('Numbers that a double cannot represent reach the bus with the digits of the frame', async () => {
  take(`${NUMBERS},"plain":1.5`);
  await deliver();
  expect(details()).toHaveLength(1);
  expect(details()[0]).toContain(`"eventBody":{${NUMBERS},"plain":1.5}`);
  expect(details()[0]).toContain('"unknown":1e400');
});

test('They reach the quarantine queue, and the bus after a redrive', async () => {
  consumer.intercept(CALLS.publish, {
    after: async () => {},
    before: () => ({
      statusCode: 200,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: Buffer.from('{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InvalidArgument"}]}'),
    }),
  });
  take(NUMBERS);
  await deliver();
  const [{ body, messageId } = { body: '', messageId: '' }] = consumer.quarantined;
  expect(body).toContain(`"eventBody":{${NUMBERS}}`);
  await consumer.deliver({ messageId, body });
  expect(details()[1]).toContain(`"eventBody":{${NUMBERS}}`);
});

test('An item that is not a valid event reaches the quarantine queue with its digits', async () => {
  take(NUMBERS, 'v2.'.padEnd(200, 'x'));
  await deliver();
  expect(consumer.quarantined[0]?.body).toContain(`"eventBody":{${NUMBERS}}`);
});

test('They are in the object of an event that is too large for the bus', async () => {
  take(`${NUMBERS},"text":"${'x'.repeat(OVERSIZE_BYTES)}"`);
  await deliver();
  expect(await storedText()).toContain(`"eventBody":{${NUMBERS},"text"`);
});

test('They are in the object of an event that is too large for a message', async () => {
  take(`${NUMBERS},"text":"${'x'.repeat(MAX_ITEM_BYTES)}"`);
  await vi.waitFor(() => expect(queue.items).toHaveLength(1), { timeout: 60_000 });
  await deliver();
  expect(await storedText()).toContain(`"eventBody":{${NUMBERS},"text"`);
});

test('Two events that differ only in a digit that a double cannot represent are both published', async () => {
  take('"id":"a1","n":9007199254740992');
  take('"id":"a1","n":9007199254740993');
  take('"id":"a1","n":9007199254740993');
  expect(intake.totals).toMatchObject({ received: 3, copies: 1 });
  await deliver();
  expect(details()).toHaveLength(2);
  expect(details()[0]).toContain('"n":9007199254740992');
  expect(details()[1]).toContain('"n":9007199254740993');
});
