import { badRequest, missingPermissions } from './api-error.ts';
import type { Channel } from './channel.ts';
import { expandTopic, isTooLong, MAX_COMBINED_TOPIC_CHARS, templateOf } from './topic-template-lookup.ts';
import { TOPIC_PERMISSIONS } from './topic-templates.ts';

/** Topics per channel. A combined topic counts once. */
const MAX_TOPICS_PER_CHANNEL = 1_000;

/** An entity of the response to a subscription. */
export interface ChannelTopicEntity {
  readonly id: string;
  readonly state: 'Permitted' | 'Rejected';
  readonly rejectionReason?: string;
  readonly missingPermissions?: readonly string[];
  readonly selfUri?: string;
}

export interface SubscriptionPlan {
  /** The new subscriptions of the channel. */
  readonly subscriptions: Map<string, readonly string[]>;
  readonly entities: readonly ChannelTopicEntity[];
}

interface Verdict {
  readonly topic: string;
  readonly reason?: string;
  readonly permission?: string;
}

/**
 * Evaluates a subscription request.
 *
 * @param deniedTemplates templates of topics for which the client lacks the permission
 * @throws ApiError 400 for too many topics, a combined topic that is too long, or an unknown topic; 403 if the
 *   permission for a topic is missing. In both cases nothing is subscribed. With `ignoreErrors`, unknown and denied
 *   topics are reported as rejected entities instead.
 */
export function planSubscription(
  channel: Channel,
  ids: readonly string[],
  mode: 'add' | 'replace',
  ignoreErrors: boolean,
  deniedTemplates: ReadonlySet<string>,
): SubscriptionPlan {
  const subscriptions = new Map(mode === 'add' ? channel.subscriptions : []);
  if (new Set([...subscriptions.keys(), ...ids]).size > MAX_TOPICS_PER_CHANNEL) {
    throw badRequest(`The number of topics exceeds the limit of ${MAX_TOPICS_PER_CHANNEL} per channel.`);
  }
  const tooLong = ids.find(isTooLong);
  if (tooLong !== undefined) {
    throw badRequest(`A combined topic can contain up to ${MAX_COMBINED_TOPIC_CHARS} characters: ${tooLong}`);
  }
  const entities: ChannelTopicEntity[] = [];
  for (const id of new Set(ids)) {
    const verdicts = expandTopic(id).map((topic) => judge(topic, deniedTemplates));
    const refused = verdicts.filter((verdict) => verdict.reason !== undefined);
    const [first] = refused;
    if (!ignoreErrors && first !== undefined) throw refusal(first);
    const permitted = verdicts.filter((verdict) => verdict.reason === undefined);
    if (permitted.length > 0) {
      subscriptions.set(
        id,
        permitted.map(({ topic }) => topic),
      );
      entities.push(permittedEntity(channel, id));
      entities.push(...refused.map(({ topic, ...why }) => rejectedEntity(topic, why)));
    } else {
      entities.push(rejectedEntity(id, first ?? {}));
    }
  }
  return { subscriptions, entities };
}

/** The channel's topics as `GET …/subscriptions` lists them. */
export function listedTopics(channel: Channel): readonly ChannelTopicEntity[] {
  return [...channel.subscriptions.keys()].map((id) => permittedEntity(channel, id));
}

function judge(topic: string, denied: ReadonlySet<string>): Verdict {
  const template = templateOf(topic);
  if (template === undefined) return { topic, reason: `Topic ${topic} is not a known topic.` };
  if (!denied.has(template)) return { topic };
  const permission = TOPIC_PERMISSIONS[template] || 'notifications:topic:view';
  return { topic, permission, reason: `You are missing the permission ${permission}.` };
}

function refusal(verdict: Verdict): Error {
  if (verdict.permission !== undefined) return missingPermissions([verdict.permission]);
  return badRequest(verdict.reason ?? 'The topic was refused.');
}

function permittedEntity(channel: Channel, id: string): ChannelTopicEntity {
  const selfUri = `/api/v2/notifications/channels/${channel.id}/subscriptions/${encodeURIComponent(id)}`;
  return { id, state: 'Permitted', selfUri };
}

function rejectedEntity(id: string, why: Omit<Verdict, 'topic'>): ChannelTopicEntity {
  return {
    id,
    state: 'Rejected',
    rejectionReason: why.reason ?? 'The topic was refused.',
    ...(why.permission === undefined ? {} : { missingPermissions: [why.permission] }),
  };
}
