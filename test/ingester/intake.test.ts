import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { Intake } from '../../functions/ingester/intake.ts';
import { decodeFrame } from '../../functions/ingester/protocols/notification-channels-frames.ts';
import { RecentIds } from '../../functions/ingester/recent-ids.ts';
import { MAX_ITEM_BYTES } from '../../lib/events/envelope.ts';
import { eventIdentity } from '../../lib/events/identity.ts';
import { queuedEventSchema, rejectedFrameSchema } from '../../lib/events/schema.ts';
import { TestLog } from './test-log.ts';

const TOPIC = 'v2.users.4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01.conversations';
let items: string[];
let log: TestLog;
let intake: Intake;

beforeEach(() => {
  items = [];
  log = new TestLog();
  const batcher = {
    add: (item: string, bytes: number) => {
      expect(bytes).toBe(Buffer.byteLength(item));
      items.push(item);
    },
  };
  intake = new Intake(batcher, log);
});

function accept(text: string): void {
  intake.accept('notification-channels', decodeFrame(text), Buffer.from(text));
}
const frame = (body: unknown, topicName = TOPIC) =>
  JSON.stringify({ topicName, version: '2', eventBody: body });
const only = () => {
  expect(items).toHaveLength(1);
  return JSON.parse(items[0] ?? '') as unknown;
};

describe('an event', () => {
  it('goes on with its identity, its type and the frame as it was', () => {
    const text = `{ "topicName":"${TOPIC}", "eventBody":{"b":"é","a":1.50} }`;
    accept(text);
    const event = queuedEventSchema.parse(only());
    expect(event).toMatchObject({
      id: eventIdentity(JSON.parse(text)),
      type: 'v2.users.{id}.conversations',
      protocol: 'notification-channels',
      frame: JSON.parse(text),
    });
    expect(items[0]).toContain(text);
    expect(Date.now() - Date.parse(event.receivedAt)).toBeLessThan(60_000);
  });

  it('that came before is dropped and counted, however it is written', () => {
    accept(`{"topicName":"${TOPIC}","eventBody":{"a":1,"b":2}}`);
    accept(`{"eventBody":{"b":2,"a":1},"topicName":"${TOPIC}","metadata":{"CorrelationId":"another"}}`);
    accept(frame({ a: 1, b: 3 }));
    expect([items.length, intake.totals.received, intake.totals.copies]).toEqual([2, 3, 1]);
  });

  it.each([
    [
      'nested too deep',
      `{"topicName":"${TOPIC}","eventBody":{"a":${'['.repeat(200)}${']'.repeat(200)}}}`,
      'too_deep',
    ],
    ['too large for a message', frame({ text: 'x'.repeat(MAX_ITEM_BYTES) }), 'too_large'],
  ])('%s goes to quarantine whole', (_what, text, reason) => {
    accept(text);
    const { rejected } = rejectedFrameSchema.parse(only());
    expect([rejected.reason, rejected.bytes]).toEqual([reason, Buffer.byteLength(text)]);
    const body = Buffer.from(rejected.body, rejected.encoding === 'utf8' ? 'utf8' : 'base64');
    expect((rejected.encoding === 'gzip+base64' ? gunzipSync(body) : body).toString()).toBe(text);
    expect(intake.totals.rejected[reason as 'too_deep']).toBe(1);
  });
});

describe('what is no event', () => {
  it('goes to quarantine', () => {
    accept('this is not JSON');
    expect(rejectedFrameSchema.parse(only()).rejected).toMatchObject({
      reason: 'not_json',
      encoding: 'utf8',
      body: 'this is not JSON',
    });
  });

  it('is logged where it is a notice, and else nothing', () => {
    accept('{"result":"400","message":"no such topic"}');
    accept('{"topicName":"channel.metadata","eventBody":{"message":"pong"}}');
    expect(items).toEqual([]);
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'the server answered 400: no such topic'],
    ]);
  });

  it('and does not fit even compressed is counted and logged as lost', () => {
    const noise = Buffer.alloc(2 * MAX_ITEM_BYTES);
    for (let at = 0; at < noise.length; at += 4)
      noise.writeUInt32LE(Math.imul(at + 1, 2_654_435_761) >>> 0, at);
    intake.accept('notification-channels', { kind: 'rejected', reason: 'not_json' }, noise);
    expect([items, intake.totals.unpreserved]).toEqual([[], 1]);
    expect(log.lines[0]).toMatchObject({ level: 'error', fields: { bytes: noise.length } });
  });
});

describe('an item that SQS refuses', () => {
  it('is taken back once, whole, in an encoding that SQS takes', () => {
    accept(frame({ a: 'text' }));
    const refused = items.pop() ?? '';
    intake.takeBack(refused, 'InvalidMessageContents');
    const { rejected } = rejectedFrameSchema.parse(only());
    expect([rejected.reason, rejected.encoding]).toEqual(['refused_by_queue', 'base64']);
    expect(gunzipSync(Buffer.from(rejected.body, 'base64')).toString()).toBe(refused);
    intake.takeBack(items[0] ?? '', 'InvalidMessageContents');
    expect([items.length, intake.totals.unpreserved]).toEqual([1, 1]);
    expect(log.lines.map(({ level }) => level)).toEqual(['error', 'error']);
  });
});

describe('the recent ids', () => {
  it('are remembered at least up to the limit, and at most twice as many', () => {
    const limit = 100;
    for (let count = 1; count <= 1_000; count += 7) {
      const recent = new RecentIds(limit);
      for (let n = 0; n < count; n++) expect(recent.add(String(n))).toBe(true);
      expect(recent.add(String(Math.max(0, count - limit)))).toBe(false);
      if (count > 2 * limit) expect(recent.add(String(count - 2 * limit - 1))).toBe(true);
    }
  });
});
