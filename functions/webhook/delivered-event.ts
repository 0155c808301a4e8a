import { isUtf8 } from 'node:buffer';
import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { detailType } from '../../lib/events/detail-type.ts';
import { isExactNumber, parseExactJson } from '../../lib/events/exact-json.ts';
import { eventItem, type Item, identify, rejectedItem, withheldItem } from '../../lib/events/item.ts';
import { frameSchema, MAX_DETAIL_TYPE_CHARACTERS, type RejectionReason } from '../../lib/events/schema.ts';

/** Name of the protocol, as in `metadata.protocol` of published events. */
export const WEBHOOK_PROTOCOL = 'eventbridge-webhook';

/** What a delivery contains: an event or a rejected frame, as an item for the events queue, or no JSON at all. */
export type Delivered =
  | { readonly kind: 'event'; readonly item: Item }
  | { readonly kind: 'rejected'; readonly item: Item; readonly reason: RejectionReason }
  | { readonly kind: 'not_json' };

/** The fields of a delivery that Switchboard reads. All others belong to the event. */
interface Delivery {
  readonly eventBridgeEventId?: unknown;
  readonly eventType?: unknown;
  readonly eventTimestamp?: unknown;
  readonly eventBody?: unknown;
  readonly [name: string]: unknown;
}

/**
 * Turns the body of a signed delivery into an item.
 *
 * @param receivedAt - ISO 8601
 * @param redaction - applied after the event is identified
 */
export function readDelivery(
  body: Buffer,
  receivedAt: string,
  redaction: ContentRedaction | undefined,
): Delivered {
  const rejected = (reason: RejectionReason) => rejectedDelivery(body, { reason, receivedAt }, redaction);
  let value: unknown;
  try {
    if (!isUtf8(body)) return { kind: 'not_json' };
    value = parseExactJson(body.toString('utf8'));
  } catch {
    return { kind: 'not_json' };
  }
  const event = isObject(value) ? eventOf(value) : undefined;
  if (!event) return rejected('invalid_frame');
  const identity = identify(WEBHOOK_PROTOCOL, event);
  if (!identity) return rejected('too_deep');
  const leaving = redaction ? redaction.event(event) : event;
  const item = eventItem(leaving, { identity, protocol: WEBHOOK_PROTOCOL, receivedAt });
  return item ? { kind: 'event', item } : rejected('too_large');
}

/**
 * The event of a delivery. Its body is `eventBody`. Without this field, it consists of all fields that do not describe
 * the delivery.
 */
function eventOf({ eventBridgeEventId: id, eventType, eventTimestamp, ...rest }: Delivery) {
  if (typeof id !== 'string' || id === '' || typeof eventType !== 'string') return undefined;
  if (detailType(eventType).length > MAX_DETAIL_TYPE_CHARACTERS) return undefined;
  const content = isObject(rest.eventBody) ? rest : { eventBody: rest };
  const timestamp = eventTimestamp === undefined ? {} : { timestamp: eventTimestamp };
  const frame = frameSchema.safeParse({ ...content, topicName: eventType, ...timestamp });
  return frame.success ? { id, frame: frame.data } : undefined;
}

/** A body within the webhook's size limit always fits into a message, compressed if necessary. */
function rejectedDelivery(
  body: Buffer,
  { reason, receivedAt }: { reason: RejectionReason; receivedAt: string },
  redaction: ContentRedaction | undefined,
): Delivered {
  const about = {
    reason,
    protocol: WEBHOOK_PROTOCOL,
    receivedAt,
    ...(redaction ? { redacted: true as const } : {}),
  };
  const left = redaction ? redaction.rejected(body) : body;
  const item = left ? rejectedItem(left, about) : withheldItem(body, about);
  if (!item) throw new RangeError(`A rejected body of ${body.length} bytes does not fit into a message`);
  return { kind: 'rejected', item, reason };
}

function isObject(value: unknown): value is Delivery {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value);
}
