import { type ObjectStore, ObjectStoreError } from '../../lib/aws/object-store.ts';
import { toDetail } from '../../lib/events/event-detail.ts';
import type { QueuedEvent } from '../../lib/events/schema.ts';
import { detailKey, referenceFrame, storedObject } from '../../lib/events/stored-detail.ts';
import { type Deadline, DeadlineError } from './deadline.ts';

/** Stores events that are too large for the bus in a bucket, and replaces them with references. */
export class Oversize {
  private readonly store: Pick<ObjectStore, 'bucket' | 'putJson'>;

  constructor(store: Pick<ObjectStore, 'bucket' | 'putJson'>) {
    this.store = store;
  }

  /**
   * Stores the `detail` of an event as JSON, and retries until the deadline.
   *
   * @returns the event with the reference and an empty body; undefined if S3 did not accept the object in time
   * @throws {@link ObjectStoreError} if retrying cannot fix the problem
   */
  async put(event: QueuedEvent, json: string, deadline: Deadline): Promise<QueuedEvent | undefined> {
    const key = detailKey(event);
    for (let attempt = 1; ; attempt++) {
      try {
        await deadline.call((signal) => this.store.putJson(key, json, signal));
        const oversize = storedObject(this.store.bucket, key, json);
        return { ...event, frame: referenceFrame(toDetail(event)), oversize };
      } catch (error) {
        if (!isRetriable(error)) throw error;
        if (!(await deadline.allowsRetry(attempt))) return undefined;
      }
    }
  }
}

function isRetriable(error: unknown): boolean {
  return error instanceof ObjectStoreError ? error.retriable : error instanceof DeadlineError;
}
