import * as z from 'zod';
import { jsonObject, listOf, name, webSocketUrl, wholeNumber } from './configuration-fields.ts';

const EVENT_TYPES = ['conversation', 'interaction', 'routing', 'analytics', 'user'];
/** Upper bound for the configured number of subscriptions of an organization. */
const MAX_SUBSCRIPTIONS = 10_000;

/** Environment variables of `analytics-events`. */
export const analyticsEventsConfiguration = z
  .object({
    ANALYTICS_URL: webSocketUrl.meta({
      description: 'Address of the stream.',
      defaultText: '`wss://api.{GENESYS_DOMAIN}/api/v2/analytics/events`',
    }),
    ANALYTICS_EVENT_TYPES: listOf(EVENT_TYPES).meta({
      description: `Event types to subscribe to, separated by commas: ${EVENT_TYPES.join(', ')}.`,
      typeText: 'list of event types',
      defaultText: 'required',
    }),
    ANALYTICS_FILTERS: jsonObject('{}').meta({ description: 'Filters, a JSON object.' }),
    ANALYTICS_CONSUMER_GROUP: name('switchboard').meta({
      description: 'Consumer group, and name of the subscription in health and gap records.',
      typeText: '1-64 letters, digits, `-` and `_`',
    }),
    ANALYTICS_MAX_SUBSCRIPTIONS: wholeNumber({ fallback: 1, min: 1, max: MAX_SUBSCRIPTIONS }).meta({
      description: 'Subscriptions that the organization may have.',
    }),
    ANALYTICS_ACTIVE_SUBSCRIPTIONS: wholeNumber({ fallback: 0, min: 0, max: MAX_SUBSCRIPTIONS }).meta({
      description:
        'Number of other subscriptions in the organization. No API returns it. The task does not start if none is left for it.',
    }),
  })
  .refine((set) => !(set.ANALYTICS_ACTIVE_SUBSCRIPTIONS >= set.ANALYTICS_MAX_SUBSCRIPTIONS), {
    path: ['ANALYTICS_ACTIVE_SUBSCRIPTIONS'],
    error: 'is not below ANALYTICS_MAX_SUBSCRIPTIONS: no subscription is left',
    // Reported together with the problems of the other variables.
    when: () => true,
  });
/** What to subscribe to. */
export type AnalyticsEventsConfiguration = z.infer<typeof analyticsEventsConfiguration>;
