import { hash } from 'node:crypto';
import * as z from 'zod';
import type { ContentRedaction } from './content-redaction.ts';
import { hasKeyRule, protocolIdentity } from './identity.ts';
import { identify } from './item.ts';
import { frameSchema, MAX_DETAIL_TYPE_CHARACTERS, type QueuedEvent } from './schema.ts';

/** Name of the protocol, as in `metadata.protocol` of published events. */
export const NATIVE_PROTOCOL = 'native-integration';
/** How the `source` of Genesys Cloud's own EventBridge integration begins. AWS reserves it for partners. */
export const PARTNER_SOURCE_PREFIX = 'aws.partner/genesys.com';

/**
 * An event of Genesys Cloud's own EventBridge integration, as an SQS target of a rule receives it. Other members
 * (`account`, `region`, `resources`) are about the delivery.
 */
export const nativeEventSchema = z.object({
  /** The same when EventBridge delivers the event again, not when Genesys Cloud puts it again. */
  id: z.guid(),
  'detail-type': z.string().min(1).max(MAX_DETAIL_TYPE_CHARACTERS),
  source: z.string().startsWith(PARTNER_SOURCE_PREFIX),
  /** ISO 8601 in whole seconds: when Genesys Cloud put the event. */
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
   * and another occurrence is a state that has returned (P8).
   */
  readonly occurrence?: string;
}

/**
 * Turns a native event into an event of the queue. Its id is that of the socket's copy if the content names the
 * occurrence. Nothing that only this path has takes part in that id. Otherwise, it is the id of the EventBridge event.
 *
 * @param redaction - applied to the frame once it is identified. EventBridge put the event into the queue as it is, so
 *   this is the first place where it can be.
 * @returns undefined when the event is nested too deep to be compared or serialized
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
    // A retry of Genesys Cloud has another EventBridge id, and the same time.
    const occurrence = JSON.stringify([identity.id, frame.timestamp ?? deliveryId]);
    return { event: { id: identity.id, ...event }, occurrence: hash('sha256', occurrence, 'base64url') };
  }
  // The socket delivers topics with key fields too, and gives an event without them another id.
  const weak = hasKeyRule(frame.topicName) ? { weak: true } : {};
  return { event: { id: protocolIdentity(NATIVE_PROTOCOL, deliveryId), ...event, ...weak } };
}
