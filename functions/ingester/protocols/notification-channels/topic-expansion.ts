import {
  growthCharacters,
  listingOf,
  MAX_TOPIC_CHARACTERS,
} from '../../../../lib/genesys/configured-topics.ts';
import { type Listing, listIds } from '../../../../lib/genesys/listing.ts';
import type { RestClient } from '../../../../lib/genesys/rest-client.ts';

/**
 * The topics to subscribe to: `{id}` is replaced by every id that the platform lists, and topics of the same user are
 * combined (`v2.users.{id}?presence&routingStatus`), because a combined topic counts as one topic.
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

/** Combine topics of the same user that differ only in their last part, up to the maximum length. */
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
  const limit = MAX_TOPIC_CHARACTERS - growthCharacters(user);
  const groups: string[][] = [];
  for (const part of parts) {
    const last = groups.at(-1);
    if (last && `${user}?${[...last, part].join('&')}`.length <= limit) last.push(part);
    else groups.push([part]);
  }
  return groups.map((group) => (group.length === 1 ? `${user}.${group[0]}` : `${user}?${group.join('&')}`));
}
