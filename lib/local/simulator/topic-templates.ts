const CONVERSATION_VIEW = 'conversation:communication:view';
const DETAIL_VIEW = 'analytics:conversationDetail:view';
const OBSERVATION_VIEW = 'analytics:queueObservation:view';
const NONE = '';

/** The types of `v2.detail.events.conversation.{id}.…` (platform SDK 262). */
export const DETAIL_EVENT_TYPES = [
  'acd.end',
  'acd.start',
  'acw',
  'attributes',
  'contact',
  'customer.end',
  'customer.start',
  'flow.end',
  'flow.outcome',
  'flow.start',
  'outbound',
  'user.end',
  'user.start',
  'voicemail.end',
  'voicemail.start',
  'wrapup',
] as const;

const DETAIL_EVENTS = Object.fromEntries(
  DETAIL_EVENT_TYPES.map((type) => [`v2.detail.events.conversation.{id}.${type}`, DETAIL_VIEW]),
);

/**
 * The topics that the simulated platform offers, with the required permission (empty: none). The topics are a
 * selection from platform SDK 262; the assignment of permissions is illustrative.
 */
export const TOPIC_PERMISSIONS: Readonly<Record<string, string>> = {
  ...DETAIL_EVENTS,
  'v2.detail.events.agent.{id}.state': DETAIL_VIEW,
  'v2.users.{id}.presence': NONE,
  'v2.users.{id}.routingStatus': 'routing:status:view',
  'v2.users.{id}.activity': NONE,
  'v2.users.{id}.station': NONE,
  'v2.users.{id}.outofoffice': NONE,
  'v2.users.{id}.geolocation': NONE,
  'v2.users.{id}.tokens': NONE,
  'v2.users.{id}.conversationsummary': CONVERSATION_VIEW,
  'v2.users.{id}.conversations': CONVERSATION_VIEW,
  'v2.users.{id}.conversations.summaries': CONVERSATION_VIEW,
  'v2.users.{id}.conversations.calls': CONVERSATION_VIEW,
  'v2.users.{id}.conversations.callbacks': CONVERSATION_VIEW,
  'v2.users.{id}.conversations.chats': CONVERSATION_VIEW,
  'v2.users.{id}.conversations.emails': CONVERSATION_VIEW,
  'v2.users.{id}.conversations.messages': CONVERSATION_VIEW,
  'v2.routing.queues.{id}.users': 'routing:queue:view',
  'v2.routing.queues.{id}.conversations': CONVERSATION_VIEW,
  'v2.routing.queues.{id}.conversations.calls': CONVERSATION_VIEW,
  'v2.routing.queues.{id}.conversations.callbacks': CONVERSATION_VIEW,
  'v2.routing.queues.{id}.conversations.chats': CONVERSATION_VIEW,
  'v2.routing.queues.{id}.conversations.emails': CONVERSATION_VIEW,
  'v2.routing.queues.{id}.conversations.messages': CONVERSATION_VIEW,
  'v2.analytics.queues.{id}.observations': OBSERVATION_VIEW,
  'v2.analytics.queues.{id}.activity': OBSERVATION_VIEW,
  'v2.analytics.users.{id}.aggregates': 'analytics:userAggregate:view',
  'v2.analytics.users.{id}.observations': 'analytics:userObservation:view',
  'v2.analytics.flow.{id}.aggregates': 'analytics:flowAggregate:view',
  'v2.analytics.conversation.{id}.metrics': DETAIL_VIEW,
  'v2.analytics.conversations.details.jobs.availability': DETAIL_VIEW,
  'v2.conversations.{id}.transcription': 'recording:recording:view',
  'v2.conversations.calls.{id}': CONVERSATION_VIEW,
  'v2.conversations.chats.{id}.messages': CONVERSATION_VIEW,
  'v2.conversations.chats.{id}.members': CONVERSATION_VIEW,
  'v2.conversations.messages.{id}': CONVERSATION_VIEW,
  'v2.conversations.emails.{id}.messages': CONVERSATION_VIEW,
  'v2.audits.entitytype.{id}.entityid.{id}': 'audits:audit:view',
  'v2.flows.instances.flow.{id}': 'architect:flowInstance:view',
  'v2.operations.events.{id}': 'operations:event:view',
  'v2.quality.evaluations': 'quality:evaluation:view',
  'v2.outbound.campaigns.{id}': 'outbound:campaign:view',
  'v2.outbound.contactlists.{id}': 'outbound:contactList:view',
};
