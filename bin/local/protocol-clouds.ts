import { AnalyticsServer } from 'switchboard-local/simulator/streams/analytics-server.ts';
import { ConversationServer } from 'switchboard-local/simulator/streams/conversation-server.ts';
import { InteractionServer } from 'switchboard-local/simulator/streams/interaction-server.ts';
import { NotificationServer } from 'switchboard-local/simulator/streams/notification-server.ts';
import { type Cloud, startCloud } from './cloud.ts';
import type { LocalOptions } from './local-options.ts';
import { startStreamCloud } from './stream-run.ts';
import { startWebhookCloud } from './webhook-cloud.ts';

/** Starts the simulated Genesys Cloud of each protocol. */
export const PROTOCOL_CLOUDS: Readonly<Record<string, (options: LocalOptions) => Promise<Cloud>>> = {
  'notification-channels': startCloud,
  'analytics-events': (options) =>
    startStreamCloud(options, new AnalyticsServer(options.seed), {
      PROTOCOLS: 'analytics-events',
      ANALYTICS_EVENT_TYPES: 'conversation,interaction,routing,analytics,user',
    }),
  'conversation-stream': (options) =>
    startStreamCloud(options, new ConversationServer(options.seed), {
      PROTOCOLS: 'conversation-stream',
      CONVERSATION_TYPES: 'voice,webChat,email',
      CONVERSATION_STATES: 'active,queued,waiting,wrapup',
    }),
  'interaction-events': (options) =>
    startStreamCloud(options, new InteractionServer(options.seed), {
      PROTOCOLS: 'interaction-events',
      INTERACTION_EVENT_TYPES: 'interaction:updated,interaction:created',
    }),
  'eventbridge-webhook': startWebhookCloud,
  'notification-stream': (options) => {
    const server = new NotificationServer(options.seed);
    return startStreamCloud(options, server, {
      PROTOCOLS: 'notification-stream',
      NOTIFICATION_SUBSCRIPTIONS: JSON.stringify(server.resources),
    });
  },
};
