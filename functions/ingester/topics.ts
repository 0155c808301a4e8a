import {
  growthCharacters,
  listingOf,
  MAX_TOPIC_CHARACTERS as TOPIC_LIMIT_CHARACTERS,
} from '../../lib/genesys/configured-topics.ts';
import { type Listing, listIds } from '../../lib/genesys/listing.ts';
import type { RestClient } from '../../lib/genesys/rest-client.ts';

/** Topics of one channel; beyond it the platform answers 400. */
export const TOPICS_PER_CHANNEL = 1_000;
/** Channels of one OAuth client; one more evicts the oldest. Half of them, so that all can be replaced by overlap. */
export const CHANNELS_LIMIT = 10;
/**
 * The topics to subscribe to: `{id}` replaced by every id that the platform lists, and topics of the same user
 * combined (`v2.users.{id}?presence&routingStatus`), for a combined topic counts as one.
 */
export async function expandTopics(
  topics: readonly string[],
  rest: RestClient,
  signal?: AbortSignal,
): Promise<string[]> {
  const expanded = new Set<string>();
  const lists = new Map<Listing, string[]>();
  for (const topic of combineTopics(topics)) {
    const listing = topic.includes('{id}') ? listingOf(topic) : undefined;
    if (listing === undefined) {
      expanded.add(topic);
      continue;
    }
    const ids = lists.get(listing) ?? (await listIds(rest, listing, signal));
    lists.set(listing, ids);
    for (const id of ids) expanded.add(topic.replace('{id}', id));
  }
  return [...expanded];
}

/** The topics with those that differ only in their last part combined, as far as the length allows. */
export function combineTopics(topics: readonly string[]): string[] {
  const combined: string[] = [];
  const byUser = new Map<string, string[]>();
  for (const topic of new Set(topics)) {
    const match = /^(v2\.users\.[^.?]+)\.([\w-]+)$/.exec(topic);
    if (!match?.[1] || !match[2]) combined.push(topic);
    else byUser.set(match[1], [...(byUser.get(match[1]) ?? []), match[2]]);
  }
  for (const [user, parts] of byUser) combined.push(...combineParts(user, parts));
  return combined;
}

function combineParts(user: string, parts: readonly string[]): string[] {
  const limit = TOPIC_LIMIT_CHARACTERS - growthCharacters(user);
  const groups: string[][] = [];
  for (const part of parts) {
    const last = groups.at(-1);
    if (last && `${user}?${[...last, part].join('&')}`.length <= limit) last.push(part);
    else groups.push([part]);
  }
  return groups.map((group) => (group.length === 1 ? `${user}.${group[0]}` : `${user}?${group.join('&')}`));
}

/**
 * Spread topics over channels. A topic stays on the channel it is on, so that a change touches no more channels
 * than it must; new ones fill the first channels with room.
 *
 * @param previous - the topics of each channel so far
 * @throws {@link RangeError} when they do not fit into {@link CHANNELS_LIMIT} channels
 */
export function spreadTopics(
  previous: readonly (readonly string[])[],
  topics: readonly string[],
): string[][] {
  const wanted = new Set(topics);
  const channels = previous.map((channel) => channel.filter((topic) => wanted.delete(topic)));
  for (const topic of wanted) {
    const roomy = channels.find((channel) => channel.length < TOPICS_PER_CHANNEL);
    if (roomy) roomy.push(topic);
    else channels.push([topic]);
  }
  if (channels.length > CHANNELS_LIMIT) {
    throw new RangeError(
      `${topics.length} topics need ${channels.length} channels and one OAuth client has room for ${CHANNELS_LIMIT}; run a second deployment with its own OAuth client for a part of them`,
    );
  }
  return channels;
}
