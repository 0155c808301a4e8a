import { expect, test } from 'vitest';
import { toDetail } from '../../lib/events/event-detail.ts';
import type { QueuedEvent } from '../../lib/events/schema.ts';
import { detailKey, referenceFrame, storedObject } from '../../lib/events/stored-detail.ts';

const RECEIVED_AT = '2026-03-21T01:09:55.225Z';
const EVENT: QueuedEvent = {
  id: 'k3Zx',
  type: 'v2.x',
  protocol: 'notification-channels',
  receivedAt: RECEIVED_AT,
  frame: {
    topicName: 'v2.x',
    version: '2',
    eventBody: { text: 'long', eventTime: '2026-03-21T01:09:54.000Z' },
    metadata: { CorrelationId: 'c', other: 1 },
  },
};
const keyOf = (id: string) => detailKey({ id, receivedAt: RECEIVED_AT });

test('The key of a stored detail is the day of its receipt and the id of its event', () => {
  expect(keyOf('k3Zx_-')).toBe('2026-03-21/k3Zx_-.json');
});

test.each(['batch:1', 'a/b', '../b', 'a#1', 'a?b', 'a b', 'ü', ''])(
  'The key of the id "%s" has only characters that a URL path carries unchanged',
  (id) => {
    const key = keyOf(id);
    expect(key).toMatch(/^2026-03-21\/[\w-]+\.json$/);
    expect(new URL(`https://bucket.example/${key}`).pathname).toBe(`/${key}`);
    expect(key).not.toBe(keyOf(`${id}#1`));
  },
);

test('A stored object is described by its size in bytes and its hash', () => {
  const described = storedObject('bucket', 'key', 'ü');
  expect(described).toEqual({
    bucket: 'bucket',
    key: 'key',
    bytes: 2,
    sha256: '607474ca475a9724d7360aba71a56d5df77e61350e3f724cfa1f46e857e2d85f',
  });
  expect(storedObject('bucket', 'key', Buffer.from('ü'))).toEqual(described);
});

test('A reference has everything of the detail except the body and the metadata of others', () => {
  const detail = toDetail(EVENT);
  const reference = toDetail({ ...EVENT, frame: referenceFrame(detail) });
  const { other: _, ...metadata } = detail.metadata;
  expect(reference).toEqual({ ...detail, eventBody: {}, metadata });
  expect(reference.timestamp).toBe('2026-03-21T01:09:54.000Z');
});
