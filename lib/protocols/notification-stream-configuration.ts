import * as z from 'zod';
import { name, webSocketUrl, wholeNumber } from './configuration-fields.ts';

const EXAMPLE = '[{"event":"routing.queueEvents","resourceId":"…"}]';
const MISSING = `is missing: a JSON list of subscriptions, for example ${EXAMPLE}`;
/** Maximum batch size and latency that can be requested. The latency is far below the silence limit. */
const MAX_BATCH_SIZE = 1_000;
const MAX_LATENCY_MS = 10_000;

/** What to subscribe to: an event of a resource. */
export const resourceSchema = z.object({
  event: z.string('has no event').regex(/^[\w.]{1,64}$/, 'has an event that is not a name'),
  resourceId: z.string('has no resourceId').regex(/^[\w-]{1,64}$/, 'has a resourceId that is not an id'),
  filters: z.record(z.string(), z.unknown()).optional(),
});
/** What to subscribe to: an event of a resource. */
export type Resource = z.infer<typeof resourceSchema>;

/** The topic of a resource in events, gap records and health. */
export function topicOf({ event, resourceId }: Pick<Resource, 'event' | 'resourceId'>): string {
  return `${event}.${resourceId}`;
}

function readResources(json: string, context: z.RefinementCtx): readonly Resource[] {
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    // Reported like any other value that is not a list.
  }
  if (!Array.isArray(list) || list.length === 0) {
    context.addIssue(MISSING);
    return z.NEVER;
  }
  return list.flatMap((one: unknown, index): Resource[] => {
    const { data, error } = resourceSchema.safeParse(one);
    for (const { message } of error?.issues ?? []) context.addIssue(`${message} at position ${index + 1}`);
    return data ? [data] : [];
  });
}

/** Environment variables of `notification-stream`. */
export const notificationStreamConfiguration = z.object({
  NOTIFICATION_URL: webSocketUrl.meta({
    description: 'Address of the stream.',
    defaultText: '`wss://api.{GENESYS_DOMAIN}/api/v2/notifications/stream`',
  }),
  NOTIFICATION_SUBSCRIPTIONS: z.string(MISSING).transform(readResources).meta({
    description:
      'Subscriptions, a JSON list of `{"event","resourceId","filters"}`, for example `[{"event":"routing.queueEvents","resourceId":"…"}]`.',
    typeText: 'JSON list',
    defaultText: 'required',
  }),
  NOTIFICATION_NAME: name('notifications').meta({
    description: 'Name of the subscription in health, gap records and the stored cursor.',
    typeText: '1-64 letters, digits, `-` and `_`',
  }),
  NOTIFICATION_MAX_BATCH_SIZE: wholeNumber({ fallback: 100, min: 1, max: MAX_BATCH_SIZE }).meta({
    description: 'Maximum number of events in a batch.',
  }),
  NOTIFICATION_MAX_LATENCY_MS: wholeNumber({ fallback: 5_000, min: 1, max: MAX_LATENCY_MS }).meta({
    description: 'Maximum time for which the server collects a batch, in milliseconds.',
  }),
});
/** What to subscribe to, and how events are batched. */
export type NotificationStreamConfiguration = z.infer<typeof notificationStreamConfiguration>;
