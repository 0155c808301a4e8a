import { hash } from 'node:crypto';
import { type ObjectStore, ObjectStoreError } from '../../lib/aws/object-store.ts';
import type { EventDetail, StoredObject } from '../../lib/events/schema.ts';
import { type Deadline, DeadlineError } from './deadline.ts';

/** Stores events that are too large for the bus in a bucket, and refers to them. */
export class Oversize {
  private readonly store: Pick<ObjectStore, 'bucket' | 'putJson'>;

  constructor(store: Pick<ObjectStore, 'bucket' | 'putJson'>) {
    this.store = store;
  }

  /**
   * Stores a `detail` and retries until the deadline. The key is derived from the event, so that a retry overwrites.
   *
   * @returns a `detail` with the reference and an empty `eventBody`; undefined if S3 did not accept the object in time
   * @throws {@link ObjectStoreError} if retrying cannot fix the problem
   */
  async put(detail: EventDetail, json: string, deadline: Deadline): Promise<EventDetail | undefined> {
    const { eventId, protocol, sequence, receivedAt, backfilled, late, identity, CorrelationId } =
      detail.metadata;
    const key = `${receivedAt.slice(0, 10)}/${eventId}.json`;
    for (let attempt = 1; ; attempt++) {
      try {
        await deadline.call((signal) => this.store.putJson(key, json, signal));
        break;
      } catch (error) {
        if (!isRetriable(error)) throw error;
        if (!(await deadline.allowsRetry(attempt))) return undefined;
      }
    }
    const oversize: StoredObject = {
      bucket: this.store.bucket,
      key,
      bytes: Buffer.byteLength(json),
      sha256: hash('sha256', json),
    };
    const known = { eventId, protocol, sequence, receivedAt, backfilled, late, identity };
    return {
      topicName: detail.topicName,
      version: detail.version,
      timestamp: detail.timestamp,
      eventBody: {},
      metadata: { CorrelationId, ...known, oversize },
    };
  }
}

function isRetriable(error: unknown): boolean {
  return error instanceof ObjectStoreError ? error.retriable : error instanceof DeadlineError;
}
