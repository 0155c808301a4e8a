import { expect, expectTypeOf, test } from 'vitest';
import { toDetail } from '../../lib/events/event-detail.ts';
import { type EventDetail, type PublishedEvent, publishedEventSchema } from '../../lib/events/index.ts';
import type { QueuedEvent } from '../../lib/events/schema.ts';

const QUEUED: QueuedEvent = {
  id: 'k3Zx',
  type: 'v2.users.{id}.presence',
  protocol: 'notification-channels',
  receivedAt: '2026-03-21T01:09:55.225Z',
  frame: { topicName: 'v2.users.1.presence', version: '2', eventBody: { source: 'PURECLOUD' }, extra: 1 },
};

/** The event as a target receives it. */
function delivered(event: QueuedEvent): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify({
      version: '0',
      id: '7272d362-23b2-4c14-9d40-dc7b7683153a',
      source: 'genesys.cloud',
      'detail-type': event.type,
      time: '2026-03-21T01:09:55Z',
      resources: [],
      detail: toDetail(event),
    }),
  );
}

test.each<[string, Partial<QueuedEvent>]>([
  ['with the required members', {}],
  ['recovered after a gap', { backfilled: true, gapId: 'gap', reconstructed: true, weak: true, late: true }],
  ['of a sequence', { sequence: 7 }],
  ['in S3', { oversize: { bucket: 'b', key: 'k', bytes: 2_000_000, sha256: '00' } }],
])('The schema accepts a published event %s, and returns it unchanged', (_, more) => {
  const event = delivered({ ...QUEUED, ...more });
  expect(publishedEventSchema.parse(event)).toEqual(event);
});

test.each(['id', 'source', 'detail-type', 'time', 'detail'])(
  'The schema rejects an event without %s',
  (name) => {
    const { [name]: _, ...event } = delivered(QUEUED);
    expect(publishedEventSchema.safeParse(event).success).toBe(false);
  },
);

test('The schema rejects an event that Switchboard did not publish', () => {
  const event = delivered(QUEUED);
  const { metadata, ...foreign } = event.detail as { metadata: object };
  expect(publishedEventSchema.safeParse({ ...event, detail: foreign }).success).toBe(false);
  const { eventId: _, ...theirs } = metadata as { eventId: string };
  const detail = { ...foreign, metadata: theirs };
  expect(publishedEventSchema.safeParse({ ...event, detail }).success).toBe(false);
});

test.each(['topicName', 'timestamp', 'eventBody'])(
  'The schema rejects an event whose detail has no %s',
  (name) => {
    const event = delivered(QUEUED);
    const { [name]: _, ...detail } = event.detail as Record<string, unknown>;
    expect(publishedEventSchema.safeParse({ ...event, detail }).success).toBe(false);
  },
);

test('The schema keeps a member named __proto__ of a body', () => {
  const event = delivered(QUEUED);
  const eventBody = JSON.parse('{"__proto__":1}') as object;
  const { detail } = publishedEventSchema.parse({
    ...event,
    detail: { ...(event.detail as object), eventBody },
  });
  expect(JSON.stringify(detail.eventBody)).toBe('{"__proto__":1}');
});

test('The type of a parsed event is that of the published detail', () => {
  expectTypeOf<PublishedEvent['detail']>().toExtend<EventDetail>();
});
