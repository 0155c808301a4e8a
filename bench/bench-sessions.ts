import { ChannelSession } from '../functions/ingester/protocols/notification-channels/channel-session.ts';
import { notificationChannels } from '../functions/ingester/protocols/notification-channels/notification-channels.ts';
import { RejectedTopics } from '../functions/ingester/protocols/notification-channels/rejected-topics.ts';
import { PROTOCOLS } from '../functions/ingester/protocols/registry.ts';
import type {
  OAuthClient,
  ProtocolContext,
  Session,
  StreamProtocol,
} from '../functions/ingester/protocols/stream-protocol.ts';
import { dynamoDbClient } from '../lib/aws/aws-clients.ts';
import { createLogger } from '../lib/aws/logger.ts';
import { nullAws } from './null-aws.ts';
import type { FormatName } from './wire-formats.ts';

/** A protocol, and the session of one connection to an address. */
export interface BenchSession {
  readonly protocol: StreamProtocol;
  readonly session: Session;
}

const NEVER_MS = Number.MAX_SAFE_INTEGER;
const ignore = () => undefined;

/** The session that reads each wire format. */
export const SESSIONS: Readonly<Record<FormatName, (url: string) => Promise<BenchSession>>> = {
  'notification-channels': async (url) => ({ protocol: notificationChannels, session: channelSession(url) }),
  'analytics-events': (url) =>
    connect('analytics-events', { ANALYTICS_URL: url, ANALYTICS_EVENT_TYPES: 'conversation' }),
  'interaction-events (msgpack)': (url) => connect('interaction-events', interaction(url)),
  'interaction-events (JSON)': (url) => connect('interaction-events', interaction(url)),
  'conversation-stream': (url) =>
    connect('conversation-stream', {
      CONVERSATION_URL: url,
      CONVERSATION_TYPES: 'voice',
      CONVERSATION_STATES: 'active',
    }),
  'notification-stream': (url) =>
    connect('notification-stream', {
      NOTIFICATION_URL: url,
      NOTIFICATION_SUBSCRIPTIONS: '[{"event":"routing.queueEvents","resourceId":"bench"}]',
    }),
};

function interaction(url: string): Record<string, string> {
  return { INTERACTION_URL: url, INTERACTION_EVENT_TYPES: 'interaction:updated' };
}

/** A connection to the only subscription, with a token and a state table that cost nothing. */
async function connect(name: string, environment: Readonly<Record<string, string>>): Promise<BenchSession> {
  const protocol = PROTOCOLS.find((one) => one.name === name);
  if (!protocol) throw new Error(`There is no protocol ${name}`);
  const token = { accessToken: 'bench', expiresAtMs: Date.now() + 86_400_000 };
  const client = { tokens: { get: async () => token }, rest: {} } as unknown as OAuthClient;
  const context: ProtocolContext = {
    clients: async () => [client],
    stateTable: { client: dynamoDbClient(nullAws(), 1), name: 'state' },
    subscriptionSet: 'bench',
    log: createLogger('bench', 'SILENT'),
    recordGap: ignore,
    signal: new AbortController().signal,
  };
  for await (const subscriptions of protocol.subscriptions(
    protocol.configuration.parse(environment),
    context,
  ))
    for (const subscription of subscriptions.values())
      return { protocol, session: await protocol.connect({ subscription, recovery: 'resume' }, context) };
  throw new Error(`${protocol.name} has no subscription`);
}

/** Without the REST calls that create a channel. */
function channelSession(connectUri: string): Session {
  return new ChannelSession(
    { id: 'bench', clientId: 'bench', connectUri, expiresAtMs: NEVER_MS, tokenExpiresAtMs: NEVER_MS },
    [],
    new RejectedTopics({ log: createLogger('bench', 'SILENT'), recordGap: ignore }),
    { touch: ignore, setTopics: async () => {}, release: ignore },
  );
}
