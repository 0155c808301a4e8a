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

/** Topics with changes that it does not distinguish from the event before: a message is no presence of its own. */
export const INDISTINCT_CHANGES: ReadonlySet<string> = new Set(['v2.users.{id}.presence']);
