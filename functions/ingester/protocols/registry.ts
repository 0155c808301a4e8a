import { analyticsEvents } from './analytics-events/analytics-events.ts';
import { conversationStream } from './conversation-stream/conversation-stream.ts';
import { interactionEvents } from './interaction-events/interaction-events.ts';
import { notificationChannels } from './notification-channels/notification-channels.ts';
import { notificationStream } from './notification-stream/notification-stream.ts';
import type { StreamProtocol } from './stream-protocol.ts';

/** Every stream protocol that a deployment can choose. */
export const PROTOCOLS: readonly StreamProtocol[] = [
  notificationChannels,
  analyticsEvents,
  conversationStream,
  interactionEvents,
  notificationStream,
];
