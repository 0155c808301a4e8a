import { hash } from 'node:crypto';
import * as z from 'zod';
import type { ContentRedaction } from './content-redaction.ts';
import { hasKeyRule, protocolIdentity } from './identity.ts';
import { identify } from './item.ts';
import { frameSchema, MAX_DETAIL_TYPE_CHARACTERS, type QueuedEvent } from './schema.ts';

/** Name of the protocol, as in `metadata.protocol` of published events. */
export const NATIVE_PROTOCOL = 'native-integration';
/** Prefix of the `source` of Genesys Cloud's own EventBridge integration. AWS reserves it for partners. */
export const PARTNER_SOURCE_PREFIX = 'aws.partner/genesys.com';

/**
 * An event of Genesys Cloud's own EventBridge integration, as an SQS target of a rule receives it. Other members
 * (`account`, `region`, `resources`) describe the delivery.
 */
export const nativeEventSchema = z.object({
  /** The same if EventBridge delivers the event again, but not if Genesys Cloud sends it again. */
  id: z.guid(),
  'detail-type': z.string().min(1).max(MAX_DETAIL_TYPE_CHARACTERS),
  source: z.string().startsWith(PARTNER_SOURCE_PREFIX),
  /** The time at which Genesys Cloud sent the event, ISO 8601 in whole seconds. */
  time: z.iso.datetime(),
  detail: frameSchema,
});
/** An event of Genesys Cloud's own EventBridge integration. */
export type NativeEvent = z.infer<typeof nativeEventSchema>;

/** A native event as the consumer processes it. */
export interface QueuedNativeEvent {
  readonly event: QueuedEvent;
  /**
   * Id of the occurrence on this path, for an event that is identified by its content. An event with the same content
   * but another occurrence is a recurring state (P8).
   */
  readonly occurrence?: string;
}

/**
 * Turns a native event into a queued event. If the content identifies the occurrence, the event has the same id as its
 * copy on the socket, because the id does not depend on anything specific to this path. Otherwise, it has the id of the
 * EventBridge event.
 *
 * @param redaction - applied to the frame once it is identified. EventBridge puts events into the queue unchanged, so
 *   this is the earliest possible place.
 * @returns undefined if the event is nested too deeply to be compared or serialized
 */
export function queuedNativeEvent(
  native: NativeEvent,
  redaction?: ContentRedaction,
): QueuedNativeEvent | undefined {
  const { id: deliveryId, detail: frame } = native;
  const identity = identify(NATIVE_PROTOCOL, { frame });
  if (identity === undefined) return undefined;
  const event = {
    type: native['detail-type'],
    protocol: NATIVE_PROTOCOL,
    receivedAt: new Date(native.time).toISOString(),
    frame: redaction ? redaction.frame(frame) : frame,
  };
  if (!identity.isWeak) {
    // A retry by Genesys Cloud has a different EventBridge id but the same time.
    const occurrence = JSON.stringify([identity.id, frame.timestamp ?? deliveryId]);
    return { event: { id: identity.id, ...event }, occurrence: hash('sha256', occurrence, 'base64url') };
  }
  // The socket also delivers topics with key fields, and gives an event whose key fields are missing a different id.
  const weak = hasKeyRule(frame.topicName) ? { weak: true } : {};
  return { event: { id: protocolIdentity(NATIVE_PROTOCOL, deliveryId), ...event, ...weak } };
}
