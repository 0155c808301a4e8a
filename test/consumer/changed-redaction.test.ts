import { randomUUID } from 'node:crypto';
import { GENERATED_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { expect, test } from 'vitest';
import { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { contentRules } from '../../lib/events/content-rules.ts';
import { encodeEnvelope } from '../../lib/events/envelope.ts';
import { eventItem, identify } from '../../lib/events/item.ts';
import type { Frame } from '../../lib/events/schema.ts';
import { LocalConsumer } from './local-consumer.ts';

const EVENTS_PER_MESSAGE = 50;
const RECEIVED_AT = '2026-11-20T09:30:45.013Z';
const PROTOCOL = 'notification-channels';

/** Events with a stable id. */
function stableFrames(): Frame[] {
  const userIds = ['4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01'];
  const queueIds = ['9fb2ca78-8389-4758-b76a-9b0300de1fce'];
  const generator = new Generator({ userIds, queueIds }, { seed: 5, topics: GENERATED_TOPICS });
  const frames = Array.from({ length: 1_500 }, () => JSON.parse(JSON.stringify(generator.next())) as Frame);
  return frames.filter((frame) => !identify(PROTOCOL, { frame })?.isWeak);
}

/** The messages of an ingester with this redaction. */
function messagesOf(frames: readonly Frame[], redaction: ContentRedaction | undefined) {
  const items = frames.map((frame) => {
    const identity = identify(PROTOCOL, { frame })!;
    const event = redaction ? redaction.event({ frame }) : { frame };
    return eventItem(event, { identity, protocol: PROTOCOL, receivedAt: RECEIVED_AT })!.json;
  });
  return Array.from({ length: Math.ceil(items.length / EVENTS_PER_MESSAGE) }, (_, index) => {
    const id = randomUUID();
    const events = items.slice(index * EVENTS_PER_MESSAGE, (index + 1) * EVENTS_PER_MESSAGE);
    return { messageId: id, body: encodeEnvelope({ id, owner: id, sentAt: RECEIVED_AT }, events) };
  });
}

test.each([
  ['is switched on', undefined, { preset: 'structural' as const }],
  ['is switched off', { preset: 'structural' as const }, undefined],
  ['changes', { hash: ['**.ani'] }, { preset: 'structural' as const }],
])('An event that arrives again after redaction %s is published once', async (_what, before, after) => {
  const consumer = await LocalConsumer.create();
  const redactionOf = (options: typeof before | typeof after) =>
    options && new ContentRedaction(contentRules(options), 'k'.repeat(32));
  const frames = stableFrames();
  for (const options of [before, after])
    for (const message of messagesOf(frames, redactionOf(options)))
      expect(await consumer.deliver(message)).toEqual([]);
  const ids = consumer.published.map(
    ({ detail }) => (detail as { metadata: { eventId: string } }).metadata.eventId,
  );
  expect(new Set(ids).size).toBe(ids.length);
  const distinct = new Set(frames.map((frame) => identify(PROTOCOL, { frame })!.id));
  expect(ids.length).toBe(distinct.size);
  expect(ids.length).toBeGreaterThan(500);
});
