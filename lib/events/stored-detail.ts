import { hash } from 'node:crypto';
import type { EventDetail, Frame, QueuedEvent, StoredObject } from './schema.ts';

/** Ids that are the name of an object as they are: others could contain what a URL path cannot. */
const PLAIN_ID = /^[\w-]+$/;

/**
 * The key of the object that keeps the `detail` of an event: `<day>/<event id>.json`, with the hash of an id that is
 * not plain. It is derived from the event, so that storing the event again replaces the object.
 */
export function detailKey({ id, receivedAt }: Pick<QueuedEvent, 'id' | 'receivedAt'>): string {
  const name = PLAIN_ID.test(id) ? id : hash('sha256', id, 'base64url');
  return `${receivedAt.slice(0, 10)}/${name}.json`;
}

/** What a reference says about an object in a bucket. */
export function storedObject(bucket: string, key: string, body: string | Buffer): StoredObject {
  return { bucket, key, bytes: Buffer.byteLength(body), sha256: hash('sha256', body) };
}

/** The frame of a reference to a stored `detail`: the frame of the event without its body. */
export function referenceFrame({ topicName, version, timestamp, metadata }: EventDetail): Frame {
  const { CorrelationId } = metadata;
  return { topicName, version, timestamp, eventBody: {}, metadata: { CorrelationId } };
}
