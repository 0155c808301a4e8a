import { frameSchema } from '../../../lib/events/schema.ts';
import type { Decoded } from './protocol.ts';

/** Topic of heartbeats and answers to pings. */
const METADATA_TOPIC = 'channel.metadata';
const SYSTEM_PREFIX = 'v2.system.';
/** Told when a subscription was changed through another call; nothing to do. */
const SUBSCRIPTION_UPDATED = 'v2.subscription.updated';
/** Characters of a server's message that go into a log line. */
const MESSAGE_LIMIT_CHARACTERS = 200;

/** What to do on a system message, by a word of its topic or its `systemTopicType`. */
const SYSTEM_MESSAGES = {
  socket_closing: { action: 'replan', reason: 'socket_closing' },
  no_longer_subscribed: { action: 'replan', reason: 'no_longer_subscribed' },
  token_revoked: { action: 'reauthenticate', reason: 'token_revoked' },
} as const;

/** What a text frame of a notification channel is. */
export function decodeFrame(text: string): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'rejected', reason: 'not_json' };
  }
  if (typeof value !== 'object' || value === null) return { kind: 'rejected', reason: 'invalid_frame' };
  const { topicName } = value as { topicName?: unknown };
  if (topicName === undefined) return decodeReply(value);
  if (topicName === METADATA_TOPIC) return { kind: 'alive', ready: true };
  if (topicName === SUBSCRIPTION_UPDATED) return { kind: 'notice', message: 'subscriptions were changed' };
  if (typeof topicName === 'string' && topicName.startsWith(SYSTEM_PREFIX))
    return decodeSystem(topicName, value);
  const frame = frameSchema.safeParse(value);
  return frame.success
    ? { kind: 'event', frame: frame.data, text }
    : { kind: 'rejected', reason: 'invalid_frame' };
}

/** Replies to in-band messages have a `result` and no topic. */
function decodeReply(value: object): Decoded {
  const { result, status, message } = value as { result?: unknown; status?: unknown; message?: unknown };
  if (result === undefined) return { kind: 'rejected', reason: 'invalid_frame' };
  const code = textOf(result);
  if (code === '200') return { kind: 'alive', ready: true };
  const said = textOf(message ?? status ?? 'no message').slice(0, MESSAGE_LIMIT_CHARACTERS);
  // Seen when the channel has ended, was replaced by a 21st one, or its token has ended.
  if (code === '404') return { kind: 'replace', action: 'replan', reason: `404 ${said}` };
  return {
    kind: 'notice',
    message: `the server answered ${code.slice(0, MESSAGE_LIMIT_CHARACTERS)}: ${said}`,
  };
}

/** `String()` would run a `toString` that the frame brought. */
function textOf(value: unknown): string {
  return typeof value === 'object' ? 'something that is no text' : String(value);
}

function decodeSystem(topicName: string, value: object): Decoded {
  const { eventBody } = value as { eventBody?: { systemTopicType?: unknown } | null };
  const type = eventBody?.systemTopicType;
  for (const [name, { action, reason }] of Object.entries(SYSTEM_MESSAGES)) {
    if (topicName.startsWith(`${SYSTEM_PREFIX}${name}`) || type === name)
      return { kind: 'replace', action, reason };
  }
  return { kind: 'notice', message: `system message ${topicName.slice(0, MESSAGE_LIMIT_CHARACTERS)}` };
}
