import * as z from 'zod';
import { jsonObject, listOf, webSocketUrl, wholeNumber } from './configuration-fields.ts';

const EVENT_TYPES = ['interaction:updated', 'interaction:created'];
const OPERATORS = ['eq', 'gt', 'contains'];
/** Maximum number of connections of an organization. A new connection needs fewer existing ones. */
export const MAX_CONNECTIONS = 100;
/** Maximum size of a subscription message. */
const MAX_SUBSCRIPTION_BYTES = 65_536;
/** Maximum time for which the server can be asked to resend events. */
const MAX_RETRY_SECONDS = 86_400;
const fields = z.object({
  INTERACTION_URL: webSocketUrl.meta({
    description: 'Address of the stream.',
    defaultText: '`wss://{GENESYS_DOMAIN}/api/v2/events`',
  }),
  INTERACTION_EVENT_TYPES: listOf(EVENT_TYPES).meta({
    description: 'Event types, separated by commas: `interaction:updated`, `interaction:created`.',
    typeText: 'list of event types',
    defaultText: 'required',
  }),
  INTERACTION_FILTERS: jsonObject('{"interaction.routing.type":"IVR"}')
    .superRefine((filters, context) => {
      for (const problem of filterProblems(filters)) context.addIssue(problem);
    })
    .meta({
      description: `Filters, a JSON object whose values are strings. A value can begin with an operator: ${OPERATORS.map((one) => `\`${one}:\``).join(', ')}.`,
    }),
  INTERACTION_RETRY_SECONDS: wholeNumber({ fallback: 60, min: 0, max: MAX_RETRY_SECONDS }).meta({
    description: 'Time for which the server resends missed events after a short disconnect.',
  }),
  INTERACTION_CONTENT_TYPE: z
    .enum(['application/msgpack', 'application/json'], 'is not application/msgpack or application/json')
    .default('application/msgpack')
    .meta({ description: 'Format of the frames.' }),
  INTERACTION_LATE: z
    .enum(['tag', 'drop'], 'is not tag or drop')
    .default('tag')
    .meta({ description: 'Events that arrive after later ones are tagged (`metadata.late`) or dropped.' }),
  INTERACTION_ACTIVE_CONNECTIONS: wholeNumber({ fallback: 0, min: 0, max: MAX_CONNECTIONS - 1 }).meta({
    description:
      'Number of connections in the organization, without those of this task. No API returns it. With one connection per event type added, it must be below 100.',
  }),
});
/** What to subscribe to. */
export type InteractionEventsConfiguration = z.infer<typeof fields>;

/** Environment variables of `interaction-events`. */
export const interactionEventsConfiguration = fields.superRefine(
  ({ INTERACTION_EVENT_TYPES: types, ...set }, context) => {
    const { INTERACTION_ACTIVE_CONNECTIONS: active } = set;
    if (active + types.length >= MAX_CONNECTIONS)
      context.addIssue({
        code: 'custom',
        path: ['INTERACTION_ACTIVE_CONNECTIONS'],
        message: `is ${active}, and with one connection per event type that is not below ${MAX_CONNECTIONS}`,
      });
    for (const type of types) {
      const bytes = Buffer.byteLength(subscriptionMessage(type, set));
      if (bytes > MAX_SUBSCRIPTION_BYTES)
        context.addIssue({
          code: 'custom',
          path: ['INTERACTION_FILTERS'],
          message: `makes a subscription of ${bytes} bytes, but it can have at most ${MAX_SUBSCRIPTION_BYTES}`,
        });
    }
  },
);

function filterProblems(filters: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(filters).flatMap(([field, value]) => {
    if (typeof value !== 'string') return [`has a value of ${field} that is not text`];
    const operator = /^([a-z]+):/i.exec(value)?.[1];
    if (operator === undefined || OPERATORS.includes(operator)) return [];
    return [`has the operator ${operator}: for ${field}, which is not one of ${OPERATORS.join(', ')}`];
  });
}

/** The message that subscribes to an event type. */
export function subscriptionMessage(
  eventType: string,
  set: Omit<InteractionEventsConfiguration, 'INTERACTION_EVENT_TYPES'>,
): string {
  return JSON.stringify({
    eventType,
    dataTypes: ['interaction'],
    filters: set.INTERACTION_FILTERS,
    retry: set.INTERACTION_RETRY_SECONDS,
    contentType: set.INTERACTION_CONTENT_TYPE,
  });
}
