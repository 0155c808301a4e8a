import type { Listing } from './listing.ts';

/** Length of a topic, combined ones included. */
export const TOPIC_LIMIT_CHARACTERS = 200;

const TOPIC_SHAPE = /^v2\.[\w{}-]+(?:\.[\w{}-]+)*(?:\?[\w-]+(?:&[\w-]+)*)?$/;
/** Which listing an `{id}` stands for, by what is before it. */
const LISTING_OF: Readonly<Record<string, Listing>> = {
  'v2.users': 'users',
  'v2.routing.queues': 'queues',
  'v2.analytics.queues': 'queues',
};

/**
 * What is wrong with configured topics, each with what to do; an empty list when nothing is.
 *
 * @param topics - for example `v2.users.{id}.presence`, `v2.routing.queues.4f…9a.conversations`
 */
export function topicProblems(topics: readonly string[]): string[] {
  return topics.flatMap((topic) => {
    if (topic.startsWith('v2.system') || topic.startsWith('channel.')) {
      return [`${topic}: system topics arrive without being subscribed to; leave it out`];
    }
    if (!TOPIC_SHAPE.test(topic)) {
      return [
        `${topic}: not a topic; one looks like v2.users.{id}.presence or v2.users.{id}?presence&routingStatus`,
      ];
    }
    if (topic.length + growthCharacters(topic) > TOPIC_LIMIT_CHARACTERS) {
      return [
        `${topic}: longer than ${TOPIC_LIMIT_CHARACTERS} characters with its id; split it into several topics`,
      ];
    }
    const placeholders = topic.split('{id}').length - 1;
    if (placeholders === 0) return [];
    if (placeholders > 1 || listingOf(topic) === undefined) {
      return [
        `${topic}: a socket takes no wildcards, and {id} can be listed only in ${Object.keys(LISTING_OF)
          .map((prefix) => `${prefix}.{id}`)
          .join(', ')}; name the ids instead`,
      ];
    }
    return [];
  });
}

/** Characters by which an id is longer than the `{id}` that it replaces. */
const ID_GROWTH_CHARACTERS = 36 - '{id}'.length;

/** The listing that a topic's `{id}` stands for; undefined where the platform has none. */
export function listingOf(topic: string): Listing | undefined {
  const prefix = /^(.*?)\.\{id\}/.exec(topic)?.[1];
  return prefix === undefined ? undefined : LISTING_OF[prefix];
}

/** Characters by which a topic grows when its `{id}` is replaced. */
export function growthCharacters(topic: string): number {
  return topic.includes('{id}') ? ID_GROWTH_CHARACTERS : 0;
}
