import * as z from 'zod';
import { isExactNumber } from './exact-json.ts';

/** Maximum length of a protocol name. */
const MAX_PROTOCOL_CHARACTERS = 64;
/**
 * Name of the protocol that delivered an event. Any name is accepted, because a consumer that is older than the
 * ingester must not quarantine events of unknown protocols.
 */
const protocolSchema = z.string().min(1).max(MAX_PROTOCOL_CHARACTERS);

/** Any object, kept as parsed. A copy would lose a key named `__proto__`, and would take time for every event. */
export const jsonObjectSchema = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value),
  'Invalid input: expected an object',
);

/** Checks a value without copying it, for the same reason. */
function checked<T>(schema: z.ZodType<T>): z.ZodType<T> {
  return z.custom<T>().superRefine((value, context) => {
    for (const issue of schema.safeParse(value).error?.issues ?? []) context.addIssue({ ...issue });
  });
}

/**
 * One event as Genesys Cloud sends it, on the socket and as the `detail` of its own EventBridge integration (which
 * adds `timestamp`). Unknown fields are kept because they belong to the event.
 */
export const frameSchema = checked(
  z.looseObject({
    topicName: z.string().min(1).max(1_000),
    version: z.string().optional(),
    timestamp: z.string().optional(),
    eventBody: jsonObjectSchema,
    metadata: jsonObjectSchema.optional(),
  }),
);
/** One event as Genesys Cloud sends it. */
export type Frame = z.infer<typeof frameSchema>;

/** Maximum length of a `DetailType` in EventBridge. */
export const MAX_DETAIL_TYPE_CHARACTERS = 128;

/** Where an object with content that is too large for a message or the bus is stored. */
export const storedObjectSchema = z.object({
  bucket: z.string(),
  key: z.string(),
  /** Size of the object. */
  bytes: z.number().int().nonnegative(),
  /** SHA-256 of the object, in hex. */
  sha256: z.string(),
});
/** Where an object with content that is too large for a message or the bus is stored. */
export type StoredObject = z.infer<typeof storedObjectSchema>;

/** One event in the events queue: the frame as received, and what the ingester knows about it. */
export const queuedEventSchema = z.object({
  /** Stable id of the event, see `identity.ts`. */
  id: z.string().min(1).max(512),
  /** Topic with its ids replaced by `{id}`: the EventBridge `detail-type`. */
  type: z.string().min(1).max(MAX_DETAIL_TYPE_CHARACTERS),
  protocol: protocolSchema,
  receivedAt: z.iso.datetime(),
  sequence: z.number().int().optional(),
  backfilled: z.boolean().optional(),
  /** The gap for which a backfilled event was recovered. */
  gapId: z.string().max(512).optional(),
  /** The body of a backfilled event was derived from a record with a different structure. */
  reconstructed: z.boolean().optional(),
  late: z.boolean().optional(),
  /** The id identifies the delivery, not the occurrence: copies of the event have different ids. */
  weak: z.boolean().optional(),
  /** The whole `detail`, if it did not fit into a message. The body of `frame` is then empty. */
  oversize: storedObjectSchema.optional(),
  frame: frameSchema,
});
/** One event in the events queue. */
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

/** A complete frame that could not become an event, in a form that the quarantine queue can store. */
export const rejectedFrameSchema = z.object({
  rejected: z.object({
    reason: z.enum(REJECTION_REASONS),
    protocol: protocolSchema,
    receivedAt: z.iso.datetime(),
    /** Content was redacted. */
    redacted: z.literal(true).optional(),
    /** Size of the frame, or of its remaining content, in bytes before encoding. */
    bytes: z.number().int().nonnegative(),
    /**
     * `s3`: the body is empty, and `stored` says where the frame is. `withheld`: the body is empty, because the frame
     * cannot be redacted.
     */
    encoding: z.enum(['utf8', 'base64', 'gzip+base64', 's3', 'withheld']),
    body: z.string(),
    stored: storedObjectSchema.optional(),
    /** SHA-256 of a frame that was withheld, in hex. */
    sha256: z.string().optional(),
  }),
});
/** A complete frame that could not become an event. */
export type RejectedFrame = z.infer<typeof rejectedFrameSchema>;

/**
 * The body of one message on the events queue. `owner` owns the claims on its events. It equals `id`, unless the
 * message was split off from another message, whose claims it then shares. Events are validated one by one, so that an
 * invalid event does not delay the others.
 */
export const envelopeSchema = z.object({
  v: z.literal(1),
  id: z.guid(),
  owner: z.guid(),
  sentAt: z.iso.datetime(),
  events: z.array(z.unknown()).min(1).max(1_000),
});
/** The body of one message on the events queue, before its events are validated. */
export type Envelope = z.infer<typeof envelopeSchema>;

/** `detail` of a published event: the format of Genesys Cloud's own EventBridge integration, plus our metadata. */
export interface EventDetail {
  topicName: string;
  version?: string | undefined;
  /** ISO 8601 time of the event, see `eventTime`. */
  timestamp: string;
  eventBody: Record<string, unknown>;
  metadata: {
    /** One per conversation, not one per event; present only if Genesys Cloud sent it. */
    CorrelationId?: unknown;
    eventId: string;
    protocol: string;
    sequence?: number | undefined;
    /** ISO 8601 time at which the frame was read. */
    receivedAt: string;
    /** The event was recovered over a REST API after a gap. */
    backfilled: boolean;
    /** The gap, if it was backfilled. */
    gapId?: string | undefined;
    /** The body was derived from a record with a different structure, which does not have every field. */
    reconstructed?: boolean | undefined;
    late: boolean;
    /** `weak`: a copy of the event can have a different `eventId`. */
    identity: 'stable' | 'weak';
    [key: string]: unknown;
  };
  [key: string]: unknown;
}
