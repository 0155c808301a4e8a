import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Log } from '../../lib/aws/logger.ts';
import type { ObjectStore } from '../../lib/aws/object-store.ts';
import { detailType } from '../../lib/events/detail-type.ts';
import { toDetail } from '../../lib/events/event-detail.ts';
import {
  type EventIdentity,
  eventItem,
  type Item,
  type ReceivedEvent,
  type Rejection,
  storedRejectedItem,
} from '../../lib/events/item.ts';
import { detailKey, referenceFrame, storedObject } from '../../lib/events/stored-detail.ts';

/** Concurrent uploads. A frame can be 16 MiB. */
const MAX_UPLOADS = 2;
/** If S3 does not accept an object for this long, the upload is abandoned and the process ends. */
const MAX_STORE_MS = 300_000;
/** The same limit while the process stops. It is less than the 25 s that a stop may take. */
const MAX_STORE_AT_STOP_MS = 20_000;
/** Delays between attempts to store an object. */
const BACKOFF_BASE_MS = 200;
const BACKOFF_CAP_MS = 5_000;

/** What is known about an event or a frame. */
interface About {
  readonly protocol: string;
  /** ISO 8601. */
  readonly receivedAt: string;
}

/** Stores data that does not fit into a message in a bucket, and makes items that refer to it. */
export class LargeItems {
  private readonly store: Pick<ObjectStore, 'bucket' | 'put'>;
  private readonly log: Log;
  private readonly limit = pLimit(MAX_UPLOADS);
  private failures = 0;
  /** The time at which a stopping process gives up, in monotonic milliseconds. */
  private stopEndsTick = Number.POSITIVE_INFINITY;

  /** @param signal - aborted when the process stops */
  constructor(store: Pick<ObjectStore, 'bucket' | 'put'>, signal: AbortSignal, log: Log) {
    this.store = store;
    this.log = log;
    signal.addEventListener('abort', () => {
      this.stopEndsTick = performance.now() + MAX_STORE_AT_STOP_MS;
    });
  }

  /** Attempts to store an object that failed, since the start. */
  get failedUploads(): number {
    return this.failures;
  }

  /**
   * The item of an event whose `detail` is stored.
   *
   * @returns a function that stores it and makes the item; undefined if even the reference is too large for a message
   */
  eventItem(
    event: ReceivedEvent,
    about: About & { identity: EventIdentity },
  ): (() => Promise<Item>) | undefined {
    const { frame, sequence, late } = event;
    const { identity, protocol, receivedAt } = about;
    const detail = toDetail({
      id: identity.id,
      type: detailType(frame.topicName),
      protocol,
      receivedAt,
      sequence,
      late,
      weak: identity.isWeak,
      frame,
    });
    const key = detailKey({ id: identity.id, receivedAt });
    const body = Buffer.from(JSON.stringify(detail));
    const oversize = storedObject(this.store.bucket, key, body);
    const { text: _, ...rest } = event;
    const item = eventItem({ ...rest, frame: referenceFrame(detail) }, { ...about, oversize });
    return item && (() => this.put(key, body, 'application/json').then(() => item));
  }

  /** The item of a rejected frame whose data is stored. */
  async rejectedItem(data: Buffer, about: Rejection): Promise<Item> {
    const key = `${about.receivedAt.slice(0, 10)}/rejected-${hash('sha256', data)}`;
    await this.put(key, data, 'application/octet-stream');
    return storedRejectedItem(storedObject(this.store.bucket, key, data), about);
  }

  /**
   * Store an object. Every failure is retried, even a permanent one, because an operator may fix it while the frame
   * waits.
   *
   * @throws the last error after {@link MAX_STORE_MS}, or earlier if the process stops
   */
  private put(key: string, body: Buffer, contentType: string): Promise<void> {
    return this.limit(async () => {
      const endsTick = performance.now() + MAX_STORE_MS;
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.store.put(key, body, contentType);
        } catch (error) {
          this.failures++;
          this.log.warn('S3 did not accept a large frame', { key, bytes: body.length, attempt, error });
          if (performance.now() >= Math.min(endsTick, this.stopEndsTick)) throw error;
          await delay(Math.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** attempt));
        }
      }
    });
  }
}
