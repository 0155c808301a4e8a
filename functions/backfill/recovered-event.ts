import { hash } from 'node:crypto';
import { canonicalJson } from '../../lib/events/canonical-json.ts';
import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { detailType } from '../../lib/events/detail-type.ts';
import { toDetail } from '../../lib/events/event-detail.ts';
import { contentIdentity } from '../../lib/events/identity.ts';
import { eventItem, type Item } from '../../lib/events/item.ts';
import type { Frame } from '../../lib/events/schema.ts';
import { detailKey, referenceFrame, storedObject } from '../../lib/events/stored-detail.ts';

/** Name of the protocol of recovered events. */
export const BACKFILL_PROTOCOL = 'backfill';
const FRAME_VERSION = '2';

/** An event that a REST API returns after a gap. */
export interface RecoveredEvent {
  readonly topicName: string;
  readonly eventBody: Record<string, unknown>;
  /** Epoch milliseconds at which it happened; of a state, at which it was read. */
  readonly atMs: number;
  /**
   * `event`: its content identifies the occurrence. `state`: the present state of `subject`, for example a conversation.
   * `last_state`: the last state of `subject`, built from a record, which can become more complete.
   */
  readonly kind: 'event' | 'state' | 'last_state';
  readonly subject?: string;
}

/**
 * The id of a recovered event. The same event has the same id in every attempt to recover it, so the consumer drops
 * copies. If the body equals that of the live event, both have the same id.
 *
 * @param gap - id of the gap, and its end in epoch milliseconds
 */
export function recoveredId(
  event: RecoveredEvent,
  gap: { readonly id: string; readonly toMs: number },
): string {
  const { topicName, eventBody, kind, subject = '' } = event;
  if (kind === 'event') return contentIdentity({ topicName, eventBody });
  const content = kind === 'last_state' ? canonicalJson(eventBody) : '';
  return hash(
    'sha256',
    JSON.stringify(['backfill', gap.id, gap.toMs, topicName, subject, content]),
    'base64url',
  );
}

/** The data that is sent for a recovered event. */
export interface SentEvent {
  readonly item: Item;
  /** The object that must be in the bucket before the item is sent, if the event does not fit into a message. */
  readonly stored?: { readonly key: string; readonly json: string };
}

/**
 * The item of a recovered event. If the event does not fit into a message, the item refers to its `detail` in a bucket.
 *
 * @param about - `id`: the id of the complete event; `isUncertain`: whether it is unknown if a connection also delivered it;
 *   `redaction`: content to redact
 * @throws Error if even the reference does not fit into a message, which no topic name makes possible
 */
export function sentEvent(
  event: RecoveredEvent,
  about: {
    readonly id: string;
    readonly gapId: string;
    readonly isUncertain: boolean;
    readonly redaction: ContentRedaction | undefined;
    readonly bucket: string;
  },
): SentEvent {
  const { topicName, eventBody, atMs, kind } = event;
  const { id, gapId, bucket, redaction } = about;
  const whole: Frame = {
    topicName,
    version: FRAME_VERSION,
    timestamp: new Date(atMs).toISOString(),
    eventBody,
  };
  const frame = redaction ? redaction.frame(whole) : whole;
  const isWeak = kind !== 'event' || about.isUncertain;
  const backfill = { gapId, ...(kind === 'last_state' ? { reconstructed: true } : {}) };
  const receivedAt = new Date().toISOString();
  const rest = { identity: { id, isWeak }, protocol: BACKFILL_PROTOCOL, receivedAt, backfill };
  const item = eventItem({ frame }, rest);
  if (item) return { item };
  const type = detailType(topicName);
  const { protocol } = rest;
  const detail = toDetail({
    id,
    type,
    protocol,
    receivedAt,
    backfilled: true,
    ...backfill,
    weak: isWeak,
    frame,
  });
  const stored = { key: detailKey({ id, receivedAt }), json: JSON.stringify(detail) };
  const oversize = storedObject(bucket, stored.key, stored.json);
  const reference = eventItem({ frame: referenceFrame(detail) }, { ...rest, oversize });
  if (!reference)
    throw new Error(`The reference to a recovered event of ${type} does not fit into a message.`);
  return { item: reference, stored };
}
