import { CLOUD_FAULT_KINDS } from 'switchboard-local/simulator/cloud-fault-kinds.ts';
import { NATIVE_FAULT_KINDS } from 'switchboard-local/simulator/native-fault-kinds.ts';
import { AnalyticsServer } from 'switchboard-local/simulator/streams/analytics-server.ts';
import { ConversationServer } from 'switchboard-local/simulator/streams/conversation-server.ts';
import { InteractionServer } from 'switchboard-local/simulator/streams/interaction-server.ts';
import { NotificationServer } from 'switchboard-local/simulator/streams/notification-server.ts';
import type { StreamServer } from 'switchboard-local/simulator/streams/stream-server.ts';
import { WEBHOOK_FAULT_KINDS } from 'switchboard-local/simulator/webhook-fault-kinds.ts';
import { type Cloud, type CloudOptions, createChannelCloud } from './cloud.ts';
import { createNativeCloud } from './native-cloud.ts';
import { createStreamCloud } from './stream-run.ts';
import { createWebhookCloud } from './webhook-cloud.ts';

/** How long events of `notification-stream` are collected. Shorter than the default, so that runs end sooner. */
const MAX_LATENCY_MS = 100;

/** A protocol that a simulated cloud can speak. */
interface SimulatedProtocol {
  /** The faults that can be injected into it. */
  readonly faults: readonly string[];
  /** The receiver of its events. */
  readonly receiver: 'ingester' | 'webhook';
  /** Names under which its events are published. Default: its own name. */
  readonly publishedAs?: readonly string[];
  /** It uses the REST API of another protocol, so the two cannot run side by side. */
  readonly runsAlone?: true;
  readonly create: (options: CloudOptions) => Cloud;
}

/** The simulated Genesys Cloud of each protocol. */
export const PROTOCOL_CLOUDS: Readonly<Record<string, SimulatedProtocol>> = {
  'notification-channels': {
    faults: CLOUD_FAULT_KINDS,
    receiver: 'ingester',
    create: createChannelCloud,
  },
  'analytics-events': stream(
    (seed) => new AnalyticsServer(seed),
    () => ({ ANALYTICS_EVENT_TYPES: 'conversation,interaction,routing,analytics,user' }),
  ),
  'conversation-stream': stream(
    (seed) => new ConversationServer(seed),
    () => ({
      CONVERSATION_TYPES: 'voice,webChat,email',
      CONVERSATION_STATES: 'active,queued,waiting,wrapup',
    }),
  ),
  'interaction-events': stream(
    (seed) => new InteractionServer(seed),
    () => ({ INTERACTION_EVENT_TYPES: 'interaction:updated,interaction:created' }),
  ),
  'eventbridge-webhook': {
    faults: WEBHOOK_FAULT_KINDS,
    receiver: 'webhook',
    create: createWebhookCloud,
  },
  'native-integration': {
    faults: [...CLOUD_FAULT_KINDS, ...NATIVE_FAULT_KINDS],
    receiver: 'ingester',
    publishedAs: ['native-integration', 'notification-channels'],
    runsAlone: true,
    create: createNativeCloud,
  },
  'notification-stream': stream(
    (seed) => new NotificationServer(seed),
    ({ resources }) => ({
      NOTIFICATION_SUBSCRIPTIONS: JSON.stringify(resources),
      NOTIFICATION_MAX_LATENCY_MS: String(MAX_LATENCY_MS),
    }),
  ),
};

function stream<Server extends StreamServer>(
  createServer: (seed: number) => Server,
  environmentOf: (server: Server) => Readonly<Record<string, string>>,
): SimulatedProtocol {
  return {
    faults: createServer(0).faults,
    receiver: 'ingester',
    create: (options) => {
      const server = createServer(options.seed);
      return createStreamCloud(options, server, environmentOf(server));
    },
  };
}
