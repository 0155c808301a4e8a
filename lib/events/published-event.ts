import * as z from 'zod';
import {
  type EventDetail,
  jsonObjectSchema,
  MAX_DETAIL_TYPE_CHARACTERS,
  storedObjectSchema,
} from './schema.ts';

/** `detail` of a published event. Unknown fields are kept: they belong to the event of Genesys Cloud. */
export const eventDetailSchema = z.looseObject({
  topicName: z.string().min(1),
  version: z.string().optional(),
  timestamp: z.string().min(1),
  /** Empty if `metadata.oversize` says where the whole `detail` is. */
  eventBody: jsonObjectSchema,
  metadata: z.looseObject({
    CorrelationId: z.unknown().optional(),
    eventId: z.string().min(1),
    protocol: z.string().min(1),
    sequence: z.number().int().optional(),
    receivedAt: z.iso.datetime(),
    backfilled: z.boolean(),
    gapId: z.string().optional(),
    reconstructed: z.boolean().optional(),
    late: z.boolean(),
    identity: z.enum(['stable', 'weak']),
    oversize: storedObjectSchema.optional(),
  }),
}) satisfies z.ZodType<EventDetail>;

/** A published event as EventBridge delivers it to a target. Members that are about the delivery are kept. */
export const publishedEventSchema = z.looseObject({
  /** Id of the EventBridge event. The id of the event is `detail.metadata.eventId`. */
  id: z.string().min(1),
  source: z.string().min(1),
  /** The topic, with its ids replaced by `{id}`. */
  'detail-type': z.string().min(1).max(MAX_DETAIL_TYPE_CHARACTERS),
  /** ISO 8601 in whole seconds. `detail.timestamp` is more exact. */
  time: z.iso.datetime(),
  detail: eventDetailSchema,
});
/** A published event as EventBridge delivers it to a target. */
export type PublishedEvent = z.infer<typeof publishedEventSchema>;
