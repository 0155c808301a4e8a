import * as z from 'zod';
import { members, name, webSocketUrl, wholeNumber } from './configuration-fields.ts';

const DEFAULT_EVENTS =
  'conversation.state:completed,conversation.state:abandoned,conversation.state:transfer,routing.queue';
/** Maximum number of missing events that can be tolerated. */
const MAX_TOLERANCE = 1_000_000;

/** A filter without which the whole organization would be streamed. */
function requiredFilter(example: string) {
  const missing = `is missing: without it, the whole organization would be streamed; for example ${example}`;
  return z
    .string(missing)
    .transform(members)
    .refine((values) => values.length > 0, missing);
}

/** Environment variables of `conversation-stream`. */
export const conversationStreamConfiguration = z.object({
  CONVERSATION_URL: webSocketUrl.meta({
    description: 'Address of the stream.',
    defaultText: '`wss://api.{GENESYS_DOMAIN}/api/v2/analytics/events/stream`',
  }),
  CONVERSATION_TYPES: requiredFilter('voice,webChat,email').meta({
    description: 'Media types to subscribe to, separated by commas, for example `voice,webChat,email`.',
    typeText: 'list of media types',
    defaultText: 'required',
  }),
  CONVERSATION_STATES: requiredFilter('active,queued,waiting,wrapup').meta({
    description: 'States to subscribe to, separated by commas, for example `active,queued,waiting,wrapup`.',
    typeText: 'list of states',
    defaultText: 'required',
  }),
  CONVERSATION_EVENTS: z
    .string()
    .default(DEFAULT_EVENTS)
    .transform(members)
    .refine((values) => values.length > 0, 'is empty: name event types, or use *')
    .meta({
      description:
        'Events to publish, separated by commas: a type, or a type and a state such as `conversation.state:completed`. `*` stands for every event. Other events are only counted.',
      typeText: 'list of types',
    }),
  CONVERSATION_SUBSCRIPTION: name('conversations').meta({
    description: 'Name of the subscription in event ids, health and gap records.',
    typeText: '1-64 letters, digits, `-` and `_`',
  }),
  CONVERSATION_GAP_TOLERANCE: wholeNumber({ fallback: 0, min: 0, max: MAX_TOLERANCE }).meta({
    description: 'Up to this many consecutive missing events are only counted, without a gap record.',
  }),
});
/** What to subscribe to, and what to publish. */
export type ConversationStreamConfiguration = z.infer<typeof conversationStreamConfiguration>;
