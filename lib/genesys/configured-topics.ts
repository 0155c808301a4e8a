import { CHANNELS_PER_CLIENT, MAX_CLIENTS, MAX_TOPICS_PER_CHANNEL } from './channel-budget.ts';
import type { Listing } from './listing.ts';

/** Maximum length of a topic, including combined topics such as `v2.users.{id}?presence&routingStatus`. */
export const MAX_TOPIC_CHARACTERS = 200;
/** Maximum length of a list of topics, with a comma after each: as many as all channels of all OAuth clients can have. */
export const MAX_LIST_CHARACTERS =
  MAX_CLIENTS * CHANNELS_PER_CLIENT * MAX_TOPICS_PER_CHANNEL * (MAX_TOPIC_CHARACTERS + 1);

const TOPIC_PATTERN = /^v2\.[\w{}-]+(?:\.[\w{}-]+)*(?:\?[\w-]+(?:&[\w-]+)*)?$/;
/** The listing that `{id}` stands for, by the part of the topic before it. */
const LISTING_BY_PREFIX: Readonly<Record<string, Listing>> = {
  'v2.users': 'users',
  'v2.routing.queues': 'queues',
  'v2.analytics.queues': 'queues',
};

/** Whether a string has the form of a topic, which may be a template or a combined topic. */
export function isTopic(text: string): boolean {
  return TOPIC_PATTERN.test(text);
}

/**
 * Validates configured topics.
 *
 * @param topics - for example `v2.users.{id}.presence` or `v2.routing.queues.4f…9a.conversations`
 * @returns one message per invalid topic, with the problem and the remedy
 */
export function topicProblems(topics: readonly string[]): string[] {
  return topics.flatMap((topic) => {
    if (topic.startsWith('v2.system') || topic.startsWith('channel.')) {
      return [`${topic}: system topics are delivered without a subscription; leave it out`];
    }
    if (!isTopic(topic)) {
      return [
        `${topic}: not a topic; examples are v2.users.{id}.presence and v2.users.{id}?presence&routingStatus`,
      ];
    }
    if (topic.length + growthCharacters(topic) > MAX_TOPIC_CHARACTERS) {
      return [
        `${topic}: longer than ${MAX_TOPIC_CHARACTERS} characters including the id; split it into several topics`,
      ];
    }
    const placeholders = topic.split('{id}').length - 1;
    if (placeholders === 0) return [];
    if (placeholders > 1 || listingOf(topic) === undefined) {
      return [
        `${topic}: subscriptions do not support wildcards, and {id} can be listed only in ${Object.keys(
          LISTING_BY_PREFIX,
        )
          .map((prefix) => `${prefix}.{id}`)
          .join(', ')}; use the ids instead`,
      ];
    }
    return [];
  });
}

/** Checks that a list of topics is not too long to be read by an ingester. */
export function listProblems(topics: readonly string[]): string[] {
  const characters = topics.join(',').length;
  if (characters <= MAX_LIST_CHARACTERS) return [];
  return [
    `${topics.length} topics have ${characters} characters, but a deployment can have at most ${MAX_LIST_CHARACTERS}; divide them among several deployments`,
  ];
}

/** Difference in length between an id (a UUID) and the placeholder `{id}`. */
const ID_GROWTH_CHARACTERS = 36 - '{id}'.length;

/** Returns the listing that the `{id}` of a topic stands for; undefined if the platform API has none. */
export function listingOf(topic: string): Listing | undefined {
  const prefix = /^(.*?)\.\{id\}/.exec(topic)?.[1];
  return prefix === undefined ? undefined : LISTING_BY_PREFIX[prefix];
}

/** Number of characters by which a topic grows when its `{id}` is replaced by an id. */
export function growthCharacters(topic: string): number {
  return topic.includes('{id}') ? ID_GROWTH_CHARACTERS : 0;
}
