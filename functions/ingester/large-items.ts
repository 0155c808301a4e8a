import { hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { ObjectStore } from '../../lib/aws/object-store.ts';
import { detailType } from '../../lib/events/detail-type.ts';
import { toDetail } from '../../lib/events/event-detail.ts';
import {
  type EventIdentity,
  eventItem,
  type Item,
  type ReceivedEvent,
  storedRejectedItem,
} from '../../lib/events/item.ts';
import type { RejectionReason, StoredObject } from '../../lib/events/schema.ts';

/** Concurrent uploads. A frame can have 16 MiB. */
const MAX_UPLOADS = 2;
/** An object that S3 does not accept for this long is given up, and the process with it. */
const MAX_STORE_MS = 300_000;
/** Delays between two attempts to store an object. */
const BACKOFF_BASE_MS = 200;
const BACKOFF_CAP_MS = 5_000;

/** What is known about an event or a frame. */
interface About {
  readonly protocol: string;
  /** ISO 8601. */
  readonly receivedAt: string;
}

/** Stores what does not fit into a message in a bucket, and makes items that refer to it. */
export class LargeItems {
  private readonly store: Pick<ObjectStore, 'bucket' | 'put'>;
  private readonly signal: AbortSignal;
  private readonly limit = pLimit(MAX_UPLOADS);

  /** @param signal - aborted when the process stops: a failed upload is then not repeated */
  constructor(store: Pick<ObjectStore, 'bucket' | 'put'>, signal: AbortSignal) {
    this.store = store;
    this.signal = signal;
  }

  /** The item of an event whose `detail` is stored. */
  async eventItem(
    event: ReceivedEvent,
    about: About & { identity: EventIdentity },
  ): Promise<Item | undefined> {
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
    const key = `${receivedAt.slice(0, 10)}/${identity.id}.json`;
    const oversize = await this.put(key, Buffer.from(JSON.stringify(detail)), 'application/json');
    const { CorrelationId } = detail.metadata;
    const { topicName, version, timestamp } = detail;
    const reference = {
      topicName,
      ...(version === undefined ? {} : { version }),
      timestamp,
      eventBody: {},
      ...(CorrelationId === undefined ? {} : { metadata: { CorrelationId } }),
    };
    return eventItem(
      {
        frame: reference,
        ...(sequence === undefined ? {} : { sequence }),
        ...(late === undefined ? {} : { late }),
      },
      { ...about, oversize },
    );
  }

  /** The item of a rejected frame that is stored. */
  async rejectedItem(data: Buffer, about: About & { reason: RejectionReason }): Promise<Item> {
    const key = `${about.receivedAt.slice(0, 10)}/rejected-${hash('sha256', data)}`;
    return storedRejectedItem(await this.put(key, data, 'application/octet-stream'), about);
  }

  /**
   * Store an object. A failure is repeated, even a permanent one: somebody may repair it while the frame waits here.
   *
   * @throws the last error after {@link MAX_STORE_MS}, or when the process stops
   */
  private put(key: string, body: Buffer, contentType: string): Promise<StoredObject> {
    return this.limit(async () => {
      const givenUpAt = performance.now() + MAX_STORE_MS;
      for (let attempt = 1; ; attempt++) {
        try {
          await this.store.put(key, body, contentType);
          return { bucket: this.store.bucket, key, bytes: body.length, sha256: hash('sha256', body) };
        } catch (error) {
          if (this.signal.aborted || performance.now() >= givenUpAt) throw error;
          const delayMs = Math.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** attempt);
          await delay(delayMs, undefined, { signal: this.signal }).catch(() => undefined);
        }
      }
    });
  }
}
