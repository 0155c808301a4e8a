import type { StreamProtocol } from '../stream-protocol.ts';
import { type ChannelConfiguration, channelConfiguration } from './channel-configuration.ts';
import { CHANNEL_ENDS } from './channel-ends.ts';
import { PING_MESSAGE } from './channel-session.ts';
import type { ChannelSubscription } from './subscription-channels.ts';
import { topicSubscriptions } from './topic-subscriptions.ts';

/**
 * Genesys Cloud's notification service: a channel created over REST, its topics set over REST, and a socket to its
 * address. The server sends a heartbeat every 30 s. Experience shows that a socket that is silent for 35 to 40 s is
 * dead.
 */
export const notificationChannels: StreamProtocol<ChannelConfiguration, ChannelSubscription> = {
  name: 'notification-channels',
  configuration: channelConfiguration,
  ends: CHANNEL_ENDS,
  liveness: { silenceMs: 40_000, ping: { everyMs: 15_000, message: PING_MESSAGE } },
  subscriptions: topicSubscriptions,
  connect: ({ subscription: { topics, channels }, recovery }, { signal }) =>
    channels.open(topics, recovery, signal),
  end: ({ channels }) => channels.end(),
};
