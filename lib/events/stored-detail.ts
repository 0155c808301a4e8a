import { hash } from 'node:crypto';
import type { EventDetail, Frame, QueuedEvent, StoredObject } from './schema.ts';

/** Ids that are used as object names unchanged. Others could contain characters that are not allowed in a URL path. */
const PLAIN_ID = /^[\w-]+$/;

/**
 * The key of the object that stores the `detail` of an event: `<day>/<event id>.json`, with a hash in place of an id
 * that is not a plain name. It is derived from the event, so storing the event again replaces the object.
 */
export function detailKey({ id, receivedAt }: Pick<QueuedEvent, 'id' | 'receivedAt'>): string {
  const name = PLAIN_ID.test(id) ? id : hash('sha256', id, 'base64url');
  return `${receivedAt.slice(0, 10)}/${name}.json`;
}

/** The description of a stored object in a reference. */
export function storedObject(bucket: string, key: string, body: string | Buffer): StoredObject {
  return { bucket, key, bytes: Buffer.byteLength(body), sha256: hash('sha256', body) };
}

/** The frame of a reference to a stored `detail`: the frame of the event without its body. */
export function referenceFrame({ topicName, version, timestamp, metadata }: EventDetail): Frame {
  const { CorrelationId } = metadata;
  return { topicName, version, timestamp, eventBody: {}, metadata: { CorrelationId } };
}
