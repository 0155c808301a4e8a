import { templateOf } from '../topic-template-lookup.ts';
import type { Json } from './json-object.ts';

/** What the REST API of the platform still knows of the events of a gap: each of them, or the state after them. */
export type Memory = 'every' | 'last';

const DETAIL_TYPES = [
  ...['customer', 'acd', 'flow', 'voicemail', 'user'].flatMap((of) => [`${of}.start`, `${of}.end`]),
  'acw',
  'wrapup',
];

/** What it knows, by topic with `{id}`. Of all other topics it knows nothing. */
export const PLATFORM_MEMORY: Readonly<Record<string, Memory>> = {
  ...Object.fromEntries(
    DETAIL_TYPES.map((type) => [`v2.detail.events.conversation.{id}.${type}`, 'every' as const]),
  ),
  'v2.users.{id}.presence': 'every',
  'v2.users.{id}.routingStatus': 'every',
  'v2.audits.entitytype.{id}.entityid.{id}': 'every',
  'v2.users.{id}.conversations': 'last',
  'v2.routing.queues.{id}.conversations': 'last',
  'v2.analytics.queues.{id}.observations': 'last',
  'v2.analytics.queues.{id}.activity': 'last',
  'v2.routing.queues.{id}.activity': 'last',
  'v2.users.{id}.activity': 'last',
  'v2.users.{id}.conversationsummary': 'last',
  'v2.users.{id}.station': 'last',
  'v2.users.{id}.outofoffice': 'last',
  'conversation.state': 'last',
};

/**
 * Topics with changes that it does not distinguish from the event before: neither the message of a presence nor the error
 * of a routing status is in its records.
 */
export const INDISTINCT_CHANGES: ReadonlySet<string> = new Set([
  'v2.users.{id}.presence',
  'v2.users.{id}.routingStatus',
]);

/** Topic of the conversation stream that tells the state of a conversation. */
export const STREAM_STATE_TOPIC = 'conversation.state';
/** States in which a conversation has ended. Of the others, the record of the conversation says nothing. */
const ENDED_STATES: readonly unknown[] = ['completed', 'abandoned'];

/** What it knows of an event. */
export function memoryOf({
  topicName,
  eventBody,
}: {
  topicName: string;
  eventBody: unknown;
}): Memory | undefined {
  if (topicName === STREAM_STATE_TOPIC && !ENDED_STATES.includes((eventBody as Json).state)) return undefined;
  return PLATFORM_MEMORY[templateOf(topicName) ?? topicName];
}
