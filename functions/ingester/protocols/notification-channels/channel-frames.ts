import { frameSchema } from '../../../../lib/events/schema.ts';
import { readJsonFrame } from '../json-frames.ts';
import type { Signal } from '../stream-protocol.ts';

/** Topic of heartbeats and of replies to pings. */
const METADATA_TOPIC = 'channel.metadata';
const SYSTEM_PREFIX = 'v2.system.';
/** Sent when a subscription was changed by another call. */
const SUBSCRIPTION_UPDATED = 'v2.subscription.updated';
/** Maximum number of characters of a server message that are logged. */
const MAX_MESSAGE_CHARACTERS = 200;

/** System messages, by the start of their topic's last part or by their `systemTopicType`. */
const SYSTEM_MESSAGES = {
  socket_closing: { kind: 'move', recovery: 'restart', reason: 'socket_closing' },
  no_longer_subscribed: { kind: 'move', recovery: 'restart', reason: 'no_longer_subscribed' },
  token_revoked: { kind: 'move', recovery: 'reauthenticate', reason: 'token_revoked' },
} as const satisfies Record<string, Signal>;

/** The meaning of a frame of a notification channel. The connection is ready after the first reply to a ping. */
export function readFrame(data: Buffer, isBinary: boolean): Signal {
  const message = readJsonFrame(data, isBinary);
  if (message.kind === 'rejected') return message;
  const { text, value } = message;
  const { topicName } = value as { topicName?: unknown };
  if (topicName === undefined) return readReply(value);
  if (topicName === METADATA_TOPIC) return { kind: 'ready' };
  if (topicName === SUBSCRIPTION_UPDATED) return { kind: 'notice', message: 'subscriptions were changed' };
  if (typeof topicName === 'string' && topicName.startsWith(SYSTEM_PREFIX))
    return readSystemMessage(topicName, value);
  const frame = frameSchema.safeParse(value);
  return frame.success
    ? { kind: 'event', event: { frame: frame.data, text } }
    : { kind: 'rejected', reason: 'invalid_frame' };
}

/** Replies to in-band messages have a `result` and no topic. */
function readReply(value: object): Signal {
  const { result, status, message } = value as { result?: unknown; status?: unknown; message?: unknown };
  if (result === undefined) return { kind: 'rejected', reason: 'invalid_frame' };
  const code = textOf(result);
  if (code === '200') return { kind: 'ready' };
  const reply = textOf(message ?? status ?? 'no message').slice(0, MAX_MESSAGE_CHARACTERS);
  // Seen when the channel has ended or was evicted by a 21st channel, or when its token has expired.
  if (code === '404') return { kind: 'move', recovery: 'restart', reason: `404 ${reply}` };
  return {
    kind: 'notice',
    message: 'the server replied with an error',
    quote: `${code.slice(0, MAX_MESSAGE_CHARACTERS)}: ${reply}`,
  };
}

/** `String()` would use a `toString` member of the frame. */
function textOf(value: unknown): string {
  return typeof value === 'object' ? 'a value that is not text' : String(value);
}

function readSystemMessage(topicName: string, value: object): Signal {
  const { eventBody } = value as { eventBody?: { systemTopicType?: unknown } | null };
  const type = eventBody?.systemTopicType;
  for (const [name, signal] of Object.entries(SYSTEM_MESSAGES)) {
    if (topicName.startsWith(`${SYSTEM_PREFIX}${name}`) || type === name) return signal;
  }
  return {
    kind: 'notice',
    about: 'unknown_message',
    message: 'system message',
    quote: topicName.slice(0, MAX_MESSAGE_CHARACTERS),
  };
}
