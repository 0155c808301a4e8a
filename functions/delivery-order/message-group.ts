import { hash } from 'node:crypto';

type Body = Readonly<Record<string, unknown>>;

/** Letters, digits and punctuation: what SQS accepts as a message group id or a deduplication id. */
const SQS_ID = /^[!-~]{1,128}$/;
/** Topics whose body is a conversation with its id as `id`. */
const CONVERSATION_TOPIC =
  /^v2\.(?:users|routing\.queues)\.[^.]+\.conversations(?:\.(?:calls|callbacks|chats|cobrowsesessions|emails|messages|screenshares|socialexpressions|videos))?$/;
/** Topics with the id of a conversation. It is also in bodies, but the body of an oversize event is not on the bus. */
const TOPIC_WITH_CONVERSATION =
  /^v2\.(?:detail\.events\.conversation|analytics\.conversation|conversations(?:\.[a-z]+)?)\.([0-9a-f]{8}-[0-9a-f-]{27})(?:\.|$)/i;

/** Where a message belongs in the FIFO queue. */
export interface MessagePlace {
  /** The conversation of the event; otherwise its topic, with real ids. */
  readonly groupId: string;
  /** The id of the EventBridge event, and the name of its replay. EventBridge delivers an event at least once, always with the same id. */
  readonly deduplicationId: string;
  /** When the event was read from Genesys Cloud, in ms since 1970. */
  readonly receivedAtMs: number | undefined;
  /** The time of the event, in ms since 1970. */
  readonly eventAtMs: number | undefined;
}

/**
 * Reads the place of a message from its body, an EventBridge event. Any other body has its own group.
 *
 * @param messageId - SQS id of the message
 */
export function messagePlace(body: string, messageId: string): MessagePlace {
  const event = parsed(body);
  const detail = asObject(event?.detail);
  const topic = detail?.topicName ?? event?.['detail-type'];
  return {
    groupId: sqsId(conversationId(detail) ?? topic) ?? messageId,
    deduplicationId: sqsId(deliveryId(event)) ?? messageId,
    receivedAtMs: timeMs(asObject(detail?.metadata)?.receivedAt),
    eventAtMs: timeMs(detail?.timestamp),
  };
}

/** An event that is replayed from an archive is another delivery, even if the replay follows within minutes. */
function deliveryId(event: Body | undefined): unknown {
  const replay = text(event?.['replay-name']);
  return replay === undefined ? event?.id : `${text(event?.id) ?? ''}#${replay}`;
}

function conversationId(detail: Body | undefined): unknown {
  const body = asObject(detail?.eventBody);
  const topic = typeof detail?.topicName === 'string' ? detail.topicName : '';
  return (
    text(body?.conversationId) ??
    text(asObject(body?.conversation)?.id) ??
    (CONVERSATION_TOPIC.test(topic) ? text(body?.id) : undefined) ??
    TOPIC_WITH_CONVERSATION.exec(topic)?.[1]
  );
}

/** An id that SQS accepts: the text itself, or its SHA-256, which identifies it equally well. */
function sqsId(value: unknown): string | undefined {
  const given = text(value);
  if (given === undefined || SQS_ID.test(given)) return given;
  return hash('sha256', given, 'base64url');
}

function parsed(body: string): Body | undefined {
  try {
    return asObject(JSON.parse(body));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Body | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function timeMs(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
