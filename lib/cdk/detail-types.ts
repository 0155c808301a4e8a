/** Analytics detail events of conversations. */
const CONVERSATION_DETAIL_TYPES = [
  'v2.detail.events.conversation.{id}.acd.end',
  'v2.detail.events.conversation.{id}.acd.start',
  'v2.detail.events.conversation.{id}.acw',
  'v2.detail.events.conversation.{id}.attributes',
  'v2.detail.events.conversation.{id}.contact',
  'v2.detail.events.conversation.{id}.customer.end',
  'v2.detail.events.conversation.{id}.customer.start',
  'v2.detail.events.conversation.{id}.flow.end',
  'v2.detail.events.conversation.{id}.flow.outcome',
  'v2.detail.events.conversation.{id}.flow.start',
  'v2.detail.events.conversation.{id}.outbound',
  'v2.detail.events.conversation.{id}.user.end',
  'v2.detail.events.conversation.{id}.user.start',
  'v2.detail.events.conversation.{id}.voicemail.end',
  'v2.detail.events.conversation.{id}.voicemail.start',
  'v2.detail.events.conversation.{id}.wrapup',
] as const;

/**
 * Common values of `detail-type`: topics in which ids are replaced by the literal `{id}` (source: platform SDK 262).
 * Editors suggest these values, but any other topic can also be subscribed to and matched.
 */
export const DETAIL_TYPES = [
  ...CONVERSATION_DETAIL_TYPES,
  'v2.detail.events.agent.{id}.state',
  'v2.users.{id}.presence',
  'v2.users.{id}.routingStatus',
  'v2.users.{id}.activity',
  'v2.users.{id}.station',
  'v2.users.{id}.outofoffice',
  'v2.users.{id}.conversationsummary',
  'v2.users.{id}.conversations',
  'v2.users.{id}.conversations.summaries',
  'v2.users.{id}.conversations.calls',
  'v2.users.{id}.conversations.callbacks',
  'v2.users.{id}.conversations.chats',
  'v2.users.{id}.conversations.emails',
  'v2.users.{id}.conversations.messages',
  'v2.routing.queues.{id}.users',
  'v2.routing.queues.{id}.conversations',
  'v2.routing.queues.{id}.conversations.calls',
  'v2.routing.queues.{id}.conversations.callbacks',
  'v2.routing.queues.{id}.conversations.chats',
  'v2.routing.queues.{id}.conversations.emails',
  'v2.routing.queues.{id}.conversations.messages',
  'v2.analytics.queues.{id}.observations',
  'v2.analytics.queues.{id}.activity',
  'v2.analytics.users.{id}.aggregates',
  'v2.analytics.users.{id}.observations',
  'v2.analytics.flow.{id}.aggregates',
  'v2.analytics.conversation.{id}.metrics',
  'v2.analytics.conversations.details.jobs.availability',
  'v2.conversations.{id}.transcription',
  'v2.audits.entitytype.{id}.entityid.{id}',
  'v2.flows.instances.flow.{id}',
  'v2.operations.events.{id}',
  'v2.quality.evaluations',
  'v2.outbound.campaigns.{id}',
  'v2.outbound.contactlists.{id}',
] as const;

/** A `detail-type`: one of {@link DETAIL_TYPES} or any other string. */
export type DetailType = (typeof DETAIL_TYPES)[number] | (string & {});
