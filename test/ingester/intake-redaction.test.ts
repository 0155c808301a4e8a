import { createHash } from 'node:crypto';
import { GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { PERSONAL_DATA } from 'switchboard-local/simulator/personal-data.ts';
import { describe, expect, test, vi } from 'vitest';
import { Intake } from '../../functions/ingester/intake.ts';
import { LargeItems } from '../../functions/ingester/large-items.ts';
import { readFrame } from '../../functions/ingester/protocols/notification-channels/channel-frames.ts';
import type { DataSignal, Session } from '../../functions/ingester/protocols/stream-protocol.ts';
import { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { type ContentRedactionOptions, contentRules } from '../../lib/events/content-rules.ts';
import { MAX_ITEM_BYTES } from '../../lib/events/item.ts';
import { rejectedFrameSchema } from '../../lib/events/schema.ts';
import { histories } from '../histories.ts';
import { KeptItems } from './kept-items.ts';
import { TestLog } from './test-log.ts';

const TOPIC = 'v2.users.4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01.conversations';
const PERSONAL = 'Jane Doe';

/** An intake that redacts, and what leaves it. */
function redacting(options: ContentRedactionOptions | undefined) {
  const queue = new KeptItems();
  const log = new TestLog();
  const objects: string[] = [];
  const store = {
    bucket: 'bucket',
    put: async (key: string, body: Buffer) => void objects.push(key, body.toString()),
  };
  const large = new LargeItems(store, new AbortController().signal, log);
  const redaction = options && new ContentRedaction(contentRules(options), 'k'.repeat(32));
  const intake = new Intake(queue, { onSequenceGap: () => undefined }, log, { large, redaction });
  const sink = intake.sink('notification-channels', '0');
  const session: Session = { url: 'ws://fake', onOpen: () => [], onFrame: () => [] };
  sink.open(session);
  return {
    queue,
    log,
    objects,
    intake,
    take: (text: string) => {
      const frame = Buffer.from(text);
      sink.take(session, readFrame(frame, false) as DataSignal, frame);
    },
    rejected: () => rejectedFrameSchema.parse(JSON.parse(queue.items.at(-1) ?? '')).rejected,
  };
}

const frame = (eventBody: unknown, more: object = {}) =>
  JSON.stringify({ topicName: TOPIC, version: '2', eventBody, ...more });

/** Generated frames from which the following are taken. */
const GENERATED_FRAMES = 12_000;
const MAX_FRAMES_PER_TOPIC = histories(50, GENERATED_FRAMES);

/** Frames of every topic that the simulator generates. */
function framesOfAllTopics(): string[] {
  const userIds = ['4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01'];
  const queueIds = ['9fb2ca78-8389-4758-b76a-9b0300de1fce'];
  const generator = new Generator({ userIds, queueIds }, { seed: 3, topics: GENERATED_TOPICS });
  const frames = Array.from({ length: GENERATED_FRAMES }, () => generator.next());
  const byTopic = Map.groupBy(frames, ({ topicName }) => topicName.replace(/[0-9a-f-]{36}/, '{id}'));
  return [...byTopic.values()].flatMap((ofTopic) =>
    ofTopic.slice(0, MAX_FRAMES_PER_TOPIC).map((one) => JSON.stringify(one)),
  );
}

/** Members that only streams have. */
const STREAM_ONLY = ['account'];
/** The names of the personal data in items. */
function personalIn(items: readonly string[]): string[] {
  const text = items.join();
  return Object.entries(PERSONAL_DATA).flatMap(([name, value]) =>
    text.includes(JSON.stringify(value).replace(/^"|"$/g, '')) ? [name] : [],
  );
}

describe('events', () => {
  test('An event leaves without the redacted content', () => {
    const { take, queue } = redacting({ preset: 'structural' });
    take(frame({ id: 'c1', participants: [{ id: 'p1', name: PERSONAL }] }, { more: PERSONAL }));
    expect(queue.items).toHaveLength(1);
    expect(queue.items[0]).not.toContain(PERSONAL);
    expect(queue.events[0]?.frame).toEqual({
      topicName: TOPIC,
      version: '2',
      eventBody: { id: 'c1', participants: [{ id: 'p1' }] },
    });
  });

  test('The object of a large event and its reference have no redacted content', async () => {
    const { take, queue, objects } = redacting({ drop: ['**.name'] });
    take(
      frame(
        { id: 'c1', name: PERSONAL, filler: 'x'.repeat(MAX_ITEM_BYTES) },
        { metadata: { name: PERSONAL } },
      ),
    );
    await expect.poll(() => queue.items.length).toBe(1);
    expect(queue.events[0]?.oversize).toBeDefined();
    expect(objects.join()).toContain('"id":"c1"');
    expect([...queue.items, ...objects].join()).not.toContain(PERSONAL);
  });

  test('An event that fits because of the redaction is not stored', () => {
    const { take, queue, objects } = redacting({ drop: ['**.filler'] });
    take(frame({ id: 'c1', filler: 'x'.repeat(2 * MAX_ITEM_BYTES) }));
    expect(queue.events[0]?.frame.eventBody).toEqual({ id: 'c1' });
    expect(objects).toEqual([]);
  });

  test('The preset structural keeps no personal data in any topic', () => {
    const [plain, redacted] = [redacting(undefined), redacting({ preset: 'structural' })];
    for (const text of framesOfAllTopics()) {
      plain.take(text);
      redacted.take(text);
    }
    expect(personalIn(redacted.queue.items)).toEqual([]);
    const planted = Object.keys(PERSONAL_DATA).filter((name) => !STREAM_ONLY.includes(name));
    expect(personalIn(plain.queue.items)).toEqual(planted);
  });

  test.each<[string, ContentRedactionOptions]>([
    ['structural', { preset: 'structural' }],
    ['hashes of everything', { hash: ['*'] }],
    ['drops of everything', { drop: ['**'] }],
  ])('The ids of all topics are the same with %s as without', (_name, options) => {
    // Events that began before a connection was opened are weak, so both are opened at the same time.
    vi.useFakeTimers({ toFake: ['Date'] });
    const [plain, redacted] = [redacting(undefined), redacting(options)];
    vi.useRealTimers();
    for (const text of framesOfAllTopics()) {
      plain.take(text);
      redacted.take(text);
    }
    const stable = ({ queue }: typeof plain) =>
      queue.events.flatMap(({ id, type, weak }) => (weak ? [] : [[type, id]]));
    const weak = ({ queue }: typeof plain) =>
      queue.events.flatMap((event) => (event.weak ? [event.type] : []));
    expect(stable(redacted)).toEqual(stable(plain));
    expect(weak(redacted)).toEqual(weak(plain));
    const types = new Set([...stable(plain).map(([type]) => type), ...weak(plain)]);
    expect([...types].sort()).toEqual([...GENERATED_TOPICS].sort());
    expect(redacted.intake.totals).toEqual(plain.intake.totals);
  });
});

describe('rejected frames', () => {
  test('A frame that is JSON and not an event is kept without the redacted content', () => {
    const { take, rejected } = redacting({ preset: 'structural' });
    take(JSON.stringify({ topicName: 5, eventBody: { id: 'c1', name: PERSONAL }, more: PERSONAL }));
    expect(rejected()).toMatchObject({
      reason: 'invalid_frame',
      redacted: true,
      encoding: 'utf8',
      body: '{"eventBody":{"id":"c1"}}',
    });
  });

  test('A frame that is not JSON is withheld, and its size and hash are kept', () => {
    const { take, rejected } = redacting({ drop: ['**.name'] });
    const text = `not JSON, but ${PERSONAL}`;
    take(text);
    expect(rejected()).toMatchObject({
      reason: 'not_json',
      encoding: 'withheld',
      body: '',
      bytes: text.length,
      sha256: createHash('sha256').update(text).digest('hex'),
    });
  });

  test('A frame that is nested too deeply is withheld', () => {
    const { take, rejected } = redacting({ drop: ['**.name'] });
    take(`{"topicName":"${TOPIC}","eventBody":{"a":${'['.repeat(200)}"${PERSONAL}"${']'.repeat(200)}}}`);
    expect(rejected()).toMatchObject({ reason: 'too_deep', encoding: 'withheld', body: '' });
  });

  test('A large rejected frame is stored without the redacted content', async () => {
    const { take, queue, objects, rejected } = redacting({ drop: ['**.name'] });
    const filler = Array.from({ length: 60_000 }, () => crypto.randomUUID()).join();
    take(JSON.stringify({ topicName: 5, eventBody: { filler, name: PERSONAL } }));
    await expect.poll(() => queue.items.length).toBe(1);
    expect(rejected()).toMatchObject({ encoding: 's3', redacted: true });
    expect(objects.join()).toContain('"eventBody":{"filler":');
    expect(objects.join()).not.toContain(PERSONAL);
  });

  test('An item that SQS refuses is quarantined without the redacted content', () => {
    const { take, queue, intake } = redacting({ drop: ['**.name'] });
    take(frame({ id: 'c1', name: PERSONAL }));
    const item = intake.replacementOf(queue.items[0] ?? '', 'InvalidMessageContents');
    const { body } = rejectedFrameSchema.parse(JSON.parse(item?.json ?? '')).rejected;
    const { gunzipSync } = process.getBuiltinModule('node:zlib');
    const left = gunzipSync(Buffer.from(body, 'base64')).toString();
    expect(left).toContain('"id":"c1"');
    expect(left).not.toContain(PERSONAL);
  });
});

describe('the log', () => {
  test.each([
    ['An unknown reply', JSON.stringify({ result: '500', message: PERSONAL })],
    ['An unknown system message', JSON.stringify({ topicName: `v2.system.${PERSONAL}`, eventBody: {} })],
  ])('%s is logged without the text from the server', (_what, text) => {
    const [plain, redacted] = [redacting(undefined), redacting({ drop: ['**.name'] })];
    plain.take(text);
    redacted.take(text);
    expect(JSON.stringify(plain.log.lines)).toContain(PERSONAL);
    expect(redacted.log.lines).toHaveLength(1);
    expect(JSON.stringify(redacted.log.lines)).not.toContain(PERSONAL);
  });
});
