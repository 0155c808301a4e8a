/** Maximum number of cached topics. Detail events have a new topic per conversation, so the cache must be bounded. */
const MAX_CACHED_TOPICS = 50_000;

const UUID = /(?<=\.)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?=[.?]|$)/gi;
/** Ids that are not UUIDs: a number, 16 or more hex digits, or a notification channel. */
const OTHER_ID = /(?<=\.)(?:\d+|[0-9a-f]{16,}|streaming-[0-9a-z-]+)(?=[.?]|$)/gi;
/** Segments that are followed by an id of any form (`v2.audits.entitytype.UserPresence.entityid.…`). */
const NAMED_ID = /(?<=\.(?:entitytype|entityid)\.)[^.?]+/g;

const cache = new Map<string, string>();

/**
 * The EventBridge `detail-type` of a topic: its ids replaced by the literal `{id}`, as in Genesys Cloud's own
 * EventBridge integration: `v2.users.6f…e1.presence` becomes `v2.users.{id}.presence`.
 *
 * @param topicName - topic with real ids, as in a frame
 */
export function detailType(topicName: string): string {
  const known = cache.get(topicName);
  if (known !== undefined) return known;
  const type = topicName.replace(UUID, '{id}').replace(NAMED_ID, '{id}').replace(OTHER_ID, '{id}');
  if (cache.size >= MAX_CACHED_TOPICS) cache.clear();
  cache.set(topicName, type);
  return type;
}
