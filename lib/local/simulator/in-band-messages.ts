import { ApiError } from './api-error.ts';
import type { Channel } from './channel.ts';
import { PONG_TEXT, resultText } from './control-frames.ts';
import type { NotificationsResource } from './notifications-resource.ts';
import { isValid } from './tokens.ts';

/** The reply to a message that a client sent on its socket. */
export function replyTo(
  text: string,
  channel: Channel,
  exists: boolean,
  notifications: NotificationsResource,
): string {
  const message = parse(text);
  if (message === undefined)
    return resultText('400', 'failure', 'The message is not a JSON object.', undefined);
  const { correlationId } = message;
  switch (message.message) {
    case 'ping':
      return PONG_TEXT;
    case 'subscribe':
    case 'unsubscribe':
      break;
    default:
      return resultText('400', 'failure', 'The message is unknown.', correlationId);
  }
  if (!exists || !isValid(channel.token)) {
    return resultText('404', 'failure', 'The channel was not found.', correlationId);
  }
  const { topics } = message;
  if (!isTopicList(topics)) {
    return resultText('400', 'failure', 'The topics must be an array of strings.', correlationId);
  }
  try {
    if (message.message === 'subscribe') {
      notifications.subscribeInBand(channel, topics);
      return resultText('200', 'subscribed', undefined, correlationId);
    }
    notifications.unsubscribeInBand(channel, topics);
    return resultText('200', 'unsubscribed', undefined, correlationId);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return resultText('400', 'failure', error.message, correlationId);
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isTopicList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((topic) => typeof topic === 'string');
}
