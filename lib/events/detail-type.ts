/** Bound of the cache of topics already seen: detail events bring a new topic with every conversation. */
const CACHE_LIMIT_TOPICS = 50_000;

const UUID = /(?<=\.)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?=[.?]|$)/gi;
/** Ids that are no UUIDs: a number, 16 or more hex digits, a notification channel. */
const OTHER_ID = /(?<=\.)(?:\d+|[0-9a-f]{16,}|streaming-[0-9a-z-]+)(?=[.?]|$)/gi;
/** Places whose next segment is an id whatever it looks like (`v2.audits.entitytype.UserPresence.entityid.…`). */
const NAMED_ID = /(?<=\.(?:entitytype|entityid)\.)[^.?]+/g;

const cache = new Map<string, string>();

/**
 * The EventBridge `detail-type` of a topic: its ids replaced by the literal `{id}`, as Genesys Cloud's own
 * EventBridge integration does, so that `v2.users.6f…e1.presence` gives `v2.users.{id}.presence`.
 *
 * @param topicName - topic with real ids, as it stands in a frame
 */
export function detailType(topicName: string): string {
  const known = cache.get(topicName);
  if (known !== undefined) return known;
  const type = topicName.replace(UUID, '{id}').replace(NAMED_ID, '{id}').replace(OTHER_ID, '{id}');
  if (cache.size >= CACHE_LIMIT_TOPICS) cache.clear();
  cache.set(topicName, type);
  return type;
}
