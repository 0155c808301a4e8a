import { hash } from 'node:crypto';
import { type ObjectStore, ObjectStoreError } from '../../lib/aws/object-store.ts';
import type { EventDetail } from '../../lib/events/schema.ts';
import type { Deadline } from './deadline.ts';

/** Where an event lies that is too large for the bus; `detail.metadata.oversize` of its reference. */
export interface OversizeReference {
  bucket: string;
  /** Key of the object, which is the whole `detail` as JSON. */
  key: string;
  /** Size of the object. */
  bytes: number;
  /** SHA-256 of the object, in hex. */
  sha256: string;
}

/** Puts events that are too large for the bus into a bucket; the bus gets a reference. */
export class Oversize {
  private readonly store: Pick<ObjectStore, 'bucket' | 'putJson'>;

  constructor(store: Pick<ObjectStore, 'bucket' | 'putJson'>) {
    this.store = store;
  }

  /**
   * Store a `detail`, trying again while time lasts. The key follows from the event, so that a repeat replaces.
   *
   * @returns the `detail` that refers to it, its `eventBody` empty; undefined when S3 did not take it in time
   * @throws {@link ObjectStoreError} for what a person must mend
   */
  async put(detail: EventDetail, json: string, deadline: Deadline): Promise<EventDetail | undefined> {
    const { eventId, protocol, sequence, receivedAt, backfilled, late, CorrelationId } = detail.metadata;
    const key = `${receivedAt.slice(0, 10)}/${eventId}.json`;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.store.putJson(key, json);
        break;
      } catch (error) {
        if (!(error instanceof ObjectStoreError && error.retriable)) throw error;
        if (!(await deadline.allowsRetry(attempt))) return undefined;
      }
    }
    const oversize: OversizeReference = {
      bucket: this.store.bucket,
      key,
      bytes: Buffer.byteLength(json),
      sha256: hash('sha256', json),
    };
    const known = { eventId, protocol, sequence, receivedAt, backfilled, late };
    return {
      topicName: detail.topicName,
      version: detail.version,
      timestamp: detail.timestamp,
      eventBody: {},
      metadata: { ...(CorrelationId === undefined ? {} : { CorrelationId }), ...known, oversize },
    };
  }
}
