import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { Intake } from '../../functions/ingester/intake.ts';
import { readFrame } from '../../functions/ingester/protocols/notification-channels/channel-frames.ts';
import type { DataSignal, Session } from '../../functions/ingester/protocols/stream-protocol.ts';
import { RecentIds } from '../../functions/ingester/recent-ids.ts';
import type { SignalSink } from '../../functions/ingester/signal-sink.ts';
import { contentIdentity } from '../../lib/events/identity.ts';
import { MAX_ITEM_BYTES } from '../../lib/events/item.ts';
import { queuedEventSchema, rejectedFrameSchema } from '../../lib/events/schema.ts';
import { KeptItems } from './kept-items.ts';
import { TestLog } from './test-log.ts';

const TOPIC = 'v2.users.4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01.conversations';
/** A topic whose events have a recovery key. */
const AUDIT_TOPIC = 'v2.audits.entitytype.Queue.entityid.4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01';

let queue: KeptItems;
let log: TestLog;
let gaps: unknown[];
let intake: Intake;
let sink: SignalSink;
let committed: string[];
let session: Session;

beforeEach(() => {
  queue = new KeptItems();
  log = new TestLog();
  gaps = [];
  intake = new Intake(
    queue,
    { onSequenceGap: (subscription, from, to) => gaps.push([subscription, from, to]) },
    log,
  );
  sink = intake.sink('notification-channels', '0');
  committed = [];
  session = makeSession('');
});

function makeSession(prefix: string): Session {
  return {
    url: 'ws://fake',
    onOpen: () => [],
    onFrame: () => [],
    commit: async (cursor) => void committed.push(`${prefix}${cursor}`),
  };
}

/** Take the signal of a notification channel's frame. */
function take(text: string): void {
  const signal = readFrame(Buffer.from(text), false);
  sink.take(session, signal as DataSignal, Buffer.from(text));
}
/** Take an event that has an id in its protocol. */
function takeOwn(id: string, body: Record<string, unknown> = {}, of: SignalSink = sink): void {
  const signal: DataSignal = { kind: 'event', event: { id, frame: { topicName: TOPIC, eventBody: body } } };
  of.take(session, signal, Buffer.from('the frame'));
}
const frame = (body: unknown, topicName = TOPIC) =>
  JSON.stringify({ topicName, version: '2', eventBody: body });
const parsed = () => queue.items.map((json) => JSON.parse(json) as unknown);
const only = () => {
  expect(queue.items).toHaveLength(1);
  return parsed()[0];
};

describe('events', () => {
  test('An event is queued with its identity, its type and its original frame', () => {
    const text = `{ "topicName":"${AUDIT_TOPIC}", "eventBody":{"b":"é","a":1.50,"id":"a1"} }`;
    take(text);
    const event = queuedEventSchema.parse(only());
    expect(event).toMatchObject({
      id: contentIdentity(JSON.parse(text)),
      type: 'v2.audits.entitytype.{id}.entityid.{id}',
      protocol: 'notification-channels',
      frame: JSON.parse(text),
    });
    expect(event).not.toHaveProperty('weak');
    expect(queue.items[0]).toContain(text);
    expect(Date.now() - Date.parse(event.receivedAt)).toBeLessThan(60_000);
  });

  test('An event without a recovery key is queued with a weak identity, its type and its original frame', () => {
    const text = `{ "topicName":"${TOPIC}", "eventBody":{"b":"é","a":1.50} }`;
    take(text);
    expect(queuedEventSchema.parse(only())).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      weak: true,
      type: 'v2.users.{id}.conversations',
      protocol: 'notification-channels',
      frame: JSON.parse(text),
    });
    expect(queue.items[0]).toContain(text);
  });

  test('A copy of an event with a recovery key is dropped and counted, regardless of its formatting', () => {
    take(`{"topicName":"${AUDIT_TOPIC}","eventBody":{"id":"a1","b":2}}`);
    take(
      `{"eventBody":{"b":2,"id":"a1"},"topicName":"${AUDIT_TOPIC}","metadata":{"CorrelationId":"another"}}`,
    );
    take(frame({ id: 'a1', b: 3 }, AUDIT_TOPIC));
    expect(queue.items).toHaveLength(2);
    expect(intake.totals.received).toBe(3);
    expect(intake.totals.copies).toBe(1);
  });

  test('Equal events without a recovery key are different events on one connection', () => {
    for (const state of [1, 2, 1, 2, 1]) take(frame({ state }));
    expect(queue.events.map(({ frame: { eventBody } }) => eventBody.state)).toEqual([1, 2, 1, 2, 1]);
    expect(new Set(queue.events.map(({ id }) => id)).size).toBe(5);
    expect(intake.totals.copies).toBe(0);
  });

  test('An event keeps its sequence number and its lateness', () => {
    const event = { frame: { topicName: TOPIC, eventBody: {} }, sequence: 7, late: true };
    sink.take(session, { kind: 'event', event }, Buffer.alloc(0));
    expect(queuedEventSchema.parse(only())).toMatchObject({ sequence: 7, late: true });
  });

  test.each([
    [
      'nested too deep',
      `{"topicName":"${TOPIC}","eventBody":{"a":${'['.repeat(200)}${']'.repeat(200)}}}`,
      'too_deep',
    ],
    ['too large for a message', frame({ text: 'x'.repeat(MAX_ITEM_BYTES) }), 'too_large'],
  ] as const)('An event that is %s is quarantined completely', (_what, text, reason) => {
    take(text);
    const { rejected } = rejectedFrameSchema.parse(only());
    expect(rejected.reason).toBe(reason);
    expect(rejected.bytes).toBe(Buffer.byteLength(text));
    const body = Buffer.from(rejected.body, rejected.encoding === 'utf8' ? 'utf8' : 'base64');
    expect((rejected.encoding === 'gzip+base64' ? gunzipSync(body) : body).toString()).toBe(text);
    expect(intake.totals.rejected[reason]).toBe(1);
  });
});

describe('events with ids of their protocol', () => {
  test("An event's own id is used with the name of the protocol as prefix", () => {
    takeOwn('4711');
    expect(queuedEventSchema.parse(only()).id).toBe('notification-channels:4711');
  });

  test('Events with different ids are different events, even with the same content', () => {
    takeOwn('1');
    takeOwn('2');
    expect(queue.items).toHaveLength(2);
  });

  test('Events with the same id are copies, even with different content', () => {
    takeOwn('1', { n: 1 });
    takeOwn('1', { n: 2 });
    expect(queue.items).toHaveLength(1);
    expect(intake.totals.copies).toBe(1);
  });

  test('Copies are recognized across sessions and subscriptions', () => {
    takeOwn('1');
    sink.take(
      makeSession('other'),
      { kind: 'event', event: { id: '1', frame: { topicName: TOPIC, eventBody: {} } } },
      Buffer.alloc(0),
    );
    takeOwn('1', {}, intake.sink('notification-channels', '1'));
    expect(queue.items).toHaveLength(1);
    expect(intake.totals.received).toBe(3);
    expect(intake.totals.copies).toBe(2);
  });

  test('The same id in two protocols belongs to two events', () => {
    takeOwn('1');
    takeOwn('1', {}, intake.sink('another-protocol', '0'));
    expect(parsed()).toMatchObject([
      { id: 'notification-channels:1', protocol: 'notification-channels' },
      { id: 'another-protocol:1', protocol: 'another-protocol' },
    ]);
  });

  test('An event with an own id that is nested too deep is quarantined', () => {
    const deep = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) as unknown;
    takeOwn('1', { deep });
    expect(rejectedFrameSchema.parse(only()).rejected).toMatchObject({
      reason: 'too_deep',
      body: 'the frame',
    });
    expect(intake.totals.rejected.too_deep).toBe(1);
  });

  test('An event without the text of its frame is serialized', () => {
    takeOwn('1', { a: 'é' });
    expect(queuedEventSchema.parse(only()).frame).toEqual({ topicName: TOPIC, eventBody: { a: 'é' } });
  });
});

describe('other signals', () => {
  test('A frame that is not valid is quarantined', () => {
    take('this is not JSON');
    expect(rejectedFrameSchema.parse(only()).rejected).toMatchObject({
      reason: 'not_json',
      protocol: 'notification-channels',
      encoding: 'utf8',
      body: 'this is not JSON',
    });
  });

  test('A notice is logged and not queued', () => {
    take('{"result":"400","message":"no such topic"}');
    expect(queue.items).toEqual([]);
    expect(log.lines).toEqual([
      {
        level: 'info',
        message: 'the server replied with an error',
        fields: { protocol: 'notification-channels', subscription: '0', quote: '400: no such topic' },
      },
    ]);
  });

  test('A proof of life is neither queued nor logged', () => {
    take('{"topicName":"channel.metadata","eventBody":{"message":"pong"}}');
    expect(queue.items).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  test('A filtered event is counted and not queued', () => {
    sink.take(session, { kind: 'filtered' }, Buffer.alloc(0));
    sink.take(session, { kind: 'filtered' }, Buffer.alloc(0));
    expect(intake.totals.filtered).toBe(2);
    expect(intake.totals.received).toBe(0);
    expect(queue.items).toEqual([]);
  });

  test('A gap is reported with the name of its subscription', () => {
    intake
      .sink('notification-channels', 'second')
      .take(session, { kind: 'gap', from: 5, to: 9 }, Buffer.alloc(0));
    expect(gaps).toEqual([['second', 5, 9]]);
  });

  test('A frame that does not fit even when compressed is counted and logged as lost', () => {
    const noise = Buffer.alloc(2 * MAX_ITEM_BYTES);
    for (let at = 0; at < noise.length; at += 4)
      noise.writeUInt32LE(Math.imul(at + 1, 2_654_435_761) >>> 0, at);
    sink.take(session, { kind: 'rejected', reason: 'not_json' }, noise);
    expect(queue.items).toEqual([]);
    expect(intake.totals.unpreserved).toBe(1);
    expect(intake.totals.rejected.not_json).toBe(1);
    expect(log.lines[0]).toMatchObject({ level: 'error', fields: { bytes: noise.length } });
  });
});

describe('cursors', () => {
  const takeCursor = (value: string, of: SignalSink = sink, from: Session = session) =>
    of.take(from, { kind: 'cursor', value }, Buffer.alloc(0));

  test('A cursor before any event is committed at once', async () => {
    takeCursor('start');
    await intake.settled();
    expect(committed).toEqual(['start']);
  });

  test('A cursor after events is committed when SQS has accepted them', async () => {
    takeOwn('1');
    takeOwn('2');
    takeCursor('after 2');
    takeOwn('3');
    intake.onAccepted(1);
    await intake.settled();
    expect(committed).toEqual([]);
    intake.onAccepted(2);
    await intake.settled();
    expect(committed).toEqual(['after 2']);
  });

  test('A cursor after events that are already accepted is committed at once', async () => {
    takeOwn('1');
    queue.acceptedPosition = 1;
    intake.onAccepted(1);
    takeCursor('after 1');
    await intake.settled();
    expect(committed).toEqual(['after 1']);
  });

  test('A cursor waits for the first copy of an event', async () => {
    takeOwn('1');
    takeOwn('1');
    takeCursor('after the copy');
    await intake.settled();
    expect(committed).toEqual([]);
    intake.onAccepted(1);
    await intake.settled();
    expect(committed).toEqual(['after the copy']);
  });

  test('A cursor waits for rejected frames', async () => {
    take('this is not JSON');
    takeCursor('after the rejected frame');
    await intake.settled();
    expect(committed).toEqual([]);
    intake.onAccepted(1);
    await intake.settled();
    expect(committed).toEqual(['after the rejected frame']);
  });

  test('The cursors of two subscriptions are committed independently', async () => {
    takeOwn('1');
    takeCursor('a');
    takeOwn('2');
    takeCursor('b', intake.sink('notification-channels', '1'), makeSession('other '));
    intake.onAccepted(1);
    await intake.settled();
    expect(committed).toEqual(['a']);
    intake.onAccepted(2);
    await intake.settled();
    expect(committed).toEqual(['a', 'other b']);
  });

  test('A cursor of an earlier sink of the same subscription is committed', async () => {
    takeOwn('1');
    takeCursor('a');
    intake.sink('notification-channels', '0');
    intake.onAccepted(1);
    await intake.settled();
    expect(committed).toEqual(['a']);
  });

  test('Two sinks of a subscription commit the newest cursor only', async () => {
    takeOwn('1');
    takeCursor('a');
    takeCursor('b', intake.sink('notification-channels', '0'), makeSession('next '));
    intake.onAccepted(1);
    await intake.settled();
    expect(committed).toEqual(['next b']);
  });
});

describe('items that SQS refuses', () => {
  test('A refused event is replaced by a complete rejected frame in an encoding that SQS accepts', () => {
    take(frame({ a: 'text' }));
    const [refused = ''] = queue.items;
    const item = intake.replacementOf(refused, 'InvalidMessageContents');
    expect(item?.bytes).toBe(Buffer.byteLength(item?.json ?? ''));
    const { rejected } = rejectedFrameSchema.parse(JSON.parse(item?.json ?? ''));
    expect(rejected).toMatchObject({
      reason: 'refused_by_queue',
      protocol: 'notification-channels',
      encoding: 'gzip+base64',
      bytes: Buffer.byteLength(refused),
    });
    expect(gunzipSync(Buffer.from(rejected.body, 'base64')).toString()).toBe(refused);
    expect(intake.totals.rejected.refused_by_queue).toBe(1);
    expect(intake.totals.unpreserved).toBe(0);
    expect(queue.items).toEqual([refused]);
  });

  test('A refused replacement is dropped and counted', () => {
    take(frame({ a: 'text' }));
    const item = intake.replacementOf(queue.items[0] ?? '', 'InvalidMessageContents');
    expect(intake.replacementOf(item?.json ?? '', 'InvalidMessageContents')).toBeUndefined();
    expect(intake.totals.unpreserved).toBe(1);
    expect(intake.totals.rejected.refused_by_queue).toBe(1);
  });

  test('Every refusal is logged as an error', () => {
    take(frame({ a: 'text' }));
    const item = intake.replacementOf(queue.items[0] ?? '', 'InvalidMessageContents');
    intake.replacementOf(item?.json ?? '', 'InvalidMessageContents');
    expect(log.lines.map(({ level }) => level)).toEqual(['error', 'error']);
    expect(log.lines[0]?.fields).toMatchObject({ reason: 'InvalidMessageContents' });
  });
});

describe('recent ids', () => {
  test('Recent ids are remembered at least up to the limit, and at most twice as many', () => {
    const limit = 100;
    for (let count = 1; count <= 1_000; count += 7) {
      const recent = new RecentIds(limit);
      for (let n = 0; n < count; n++) expect(recent.add(String(n))).toBe(true);
      expect(recent.add(String(Math.max(0, count - limit)))).toBe(false);
      if (count > 2 * limit) expect(recent.add(String(count - 2 * limit - 1))).toBe(true);
    }
  });
});
