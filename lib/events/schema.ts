import * as z from 'zod';

/** The protocols an event can come from; `metadata.protocol` of every published event is one of them. */
export const PROTOCOLS = ['notification-channels'] as const;
/** Name of the protocol an event came from. */
export type ProtocolName = (typeof PROTOCOLS)[number];

/** Kept as it was parsed: a copy would lose a key named `__proto__`, and cost time on every event. */
const jsonObjectSchema = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'Invalid input: expected an object',
);

/**
 * What Genesys Cloud sends for one event, on the socket and as the `detail` of its own EventBridge integration
 * (which adds `timestamp`). Fields we do not know are kept: they belong to the event.
 */
export const frameSchema = z.looseObject({
  topicName: z.string().min(1).max(1_000),
  version: z.string().optional(),
  timestamp: z.string().optional(),
  eventBody: jsonObjectSchema,
  metadata: jsonObjectSchema.optional(),
});
/** One event as Genesys Cloud sends it. */
export type Frame = z.infer<typeof frameSchema>;

/** EventBridge takes no longer `DetailType`. */
const DETAIL_TYPE_LIMIT_CHARACTERS = 128;

/** One event on its way through the queue: the frame as it was received and what the ingester knows of it. */
export const queuedEventSchema = z.object({
  /** Stable identity of the event, see `identity.ts`. */
  id: z.string().min(1).max(512),
  /** Topic with its ids replaced by `{id}`: the EventBridge `detail-type`. */
  type: z.string().min(1).max(DETAIL_TYPE_LIMIT_CHARACTERS),
  protocol: z.enum(PROTOCOLS),
  receivedAt: z.iso.datetime(),
  sequence: z.number().int().optional(),
  backfilled: z.boolean().optional(),
  late: z.boolean().optional(),
  frame: frameSchema,
});
/** One event on its way through the queue. */
export type QueuedEvent = z.infer<typeof queuedEventSchema>;

/** Why a frame could not become an event. */
export const REJECTION_REASONS = [
  'not_json',
  'invalid_utf8',
  'invalid_frame',
  'too_deep',
  'too_large',
  'refused_by_queue',
] as const;
/** Why a frame could not become an event. */
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** A frame that could not become an event, carried whole so that the quarantine queue can keep it. */
export const rejectedFrameSchema = z.object({
  rejected: z.object({
    reason: z.enum(REJECTION_REASONS),
    protocol: z.enum(PROTOCOLS),
    receivedAt: z.iso.datetime(),
    /** Size of the frame in bytes, before encoding. */
    bytes: z.number().int().nonnegative(),
    encoding: z.enum(['utf8', 'base64', 'gzip+base64']),
    body: z.string(),
  }),
});
/** A frame that could not become an event, carried whole. */
export type RejectedFrame = z.infer<typeof rejectedFrameSchema>;

/**
 * The body of one message on the events queue. `owner` is the dedup owner of its events; it equals `id` unless the
 * message was split off another one, whose claims it then shares. `events` are validated one by one, so that one
 * bad event does not hold back the rest.
 */
export const envelopeSchema = z.object({
  v: z.literal(1),
  id: z.uuid(),
  owner: z.uuid(),
  sentAt: z.iso.datetime(),
  events: z.array(z.unknown()).min(1).max(1_000),
});
/** The body of one message on the events queue, its events not yet validated. */
export type Envelope = z.infer<typeof envelopeSchema>;

/** `detail` of a published event: the shape of Genesys Cloud's own EventBridge integration, plus our metadata. */
export interface EventDetail {
  topicName: string;
  version?: string | undefined;
  /** ISO 8601 time of the event, by the best knowledge there is: see `eventTime`. */
  timestamp: string;
  eventBody: Record<string, unknown>;
  metadata: {
    /** One a conversation, not one an event; only where Genesys Cloud sent one. */
    CorrelationId?: unknown;
    eventId: string;
    protocol: ProtocolName;
    sequence?: number | undefined;
    /** ISO 8601 time at which the ingester read the frame. */
    receivedAt: string;
    backfilled: boolean;
    late: boolean;
    [key: string]: unknown;
  };
  [key: string]: unknown;
}
