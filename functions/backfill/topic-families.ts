import { detailType } from '../../lib/events/detail-type.ts';

/** What can be recovered: every event, the present state without the events before it, or nothing. */
export type Recovery = 'events' | 'present_state' | 'none';

/** Topics whose events are recovered in the same way. */
export interface TopicFamily {
  /** Topics with `{id}` for their ids. */
  readonly topics: readonly string[];
  readonly recovery: Recovery;
  /** The call that reads the recovered events. */
  readonly call?: string;
  /** Events that are not recovered, or why none are. */
  readonly limits: string;
}

const DETAIL = 'v2.detail.events.conversation.{id}';
const CONVERSATIONS_QUERY = 'POST /api/v2/analytics/conversations/details/query';
const OBSERVATIONS_QUERY = 'POST /api/v2/analytics/queues/observations/query';

/** How the events of a gap are recovered, by topic. Topics that are not listed are not recovered. */
export const TOPIC_FAMILIES = {
  detailEvents: {
    topics: [
      'customer.start',
      'customer.end',
      'acd.start',
      'acd.end',
      'flow.start',
      'flow.end',
      'voicemail.start',
      'voicemail.end',
      'user.start',
      'user.end',
      'acw',
      'wrapup',
    ].map((type) => `${DETAIL}.${type}`),
    recovery: 'events',
    call: CONVERSATIONS_QUERY,
    limits: 'bodies have the fields of the analytics record',
  },
  otherDetailEvents: {
    topics: ['attributes', 'contact', 'flow.outcome', 'outbound'].map((type) => `${DETAIL}.${type}`),
    recovery: 'none',
    limits: 'the analytics record does not say when they changed',
  },
  presence: {
    topics: ['v2.users.{id}.presence'],
    recovery: 'events',
    call: 'POST /api/v2/analytics/users/details/query',
    limits: 'primary presences; changes of the message alone cannot be recovered',
  },
  routingStatus: {
    topics: ['v2.users.{id}.routingStatus'],
    recovery: 'events',
    call: 'POST /api/v2/analytics/users/details/query',
    limits: 'without `errorInfo`; changes of it alone cannot be recovered',
  },
  conversationStates: {
    topics: ['v2.users.{id}.conversations', 'v2.routing.queues.{id}.conversations'],
    recovery: 'present_state',
    call: `${CONVERSATIONS_QUERY}, GET /api/v2/conversations/{conversationId}`,
    limits:
      'one state per conversation that was open during the gap; for one that has ended, the last state is built from its analytics record (`metadata.reconstructed`)',
  },
  conversationStream: {
    topics: ['conversation.state'],
    recovery: 'present_state',
    call: CONVERSATIONS_QUERY,
    limits: 'one event per conversation that ended during the gap, built from its analytics record',
  },
  audits: {
    topics: ['v2.audits.entitytype.{id}.entityid.{id}'],
    recovery: 'events',
    call: 'POST /api/v2/audits/query/realtime',
    limits: 'entity types whose service retains them, for 14 days',
  },
  queueCounts: {
    topics: [
      'v2.analytics.queues.{id}.observations',
      'v2.analytics.queues.{id}.activity',
      'v2.routing.queues.{id}.activity',
    ],
    recovery: 'present_state',
    call: OBSERVATIONS_QUERY,
    limits: 'one state per queue and media type; the counts in between are lost',
  },
  userStates: {
    topics: [
      'v2.users.{id}.activity',
      'v2.users.{id}.conversationsummary',
      'v2.users.{id}.station',
      'v2.users.{id}.outofoffice',
    ],
    recovery: 'present_state',
    call: 'GET /api/v2/users?expand=…',
    limits: 'one state per user; the states in between are lost',
  },
  transcription: {
    topics: ['v2.conversations.{id}.transcription'],
    recovery: 'none',
    limits:
      'after the call, `GET /api/v2/speechandtextanalytics/conversations/{conversationId}/communications/{communicationId}/transcripturl` has the final transcript',
  },
} as const satisfies Record<string, TopicFamily>;
/** Name of a family of topics. */
export type FamilyName = keyof typeof TOPIC_FAMILIES;

const FAMILY_BY_TOPIC: ReadonlyMap<string, FamilyName> = new Map(
  (Object.keys(TOPIC_FAMILIES) as FamilyName[]).flatMap((name) =>
    TOPIC_FAMILIES[name].topics.map((topic) => [topic, name] as const),
  ),
);

/** Why an event of a topic without a family is not recovered. */
export const NO_API = 'no Genesys Cloud API returns it afterwards';

/** The family of a topic, with or without ids; undefined if nothing is known to recover it. */
export function familyOf(topic: string): FamilyName | undefined {
  return FAMILY_BY_TOPIC.get(topic) ?? FAMILY_BY_TOPIC.get(detailType(topic));
}
