import {
  type ConversationStreamConfiguration,
  conversationStreamConfiguration,
} from '../../../../lib/protocols/conversation-stream-configuration.ts';
import { ConnectionToken, streamUrl } from '../connection-token.ts';
import { SequenceTracker } from '../sequence-tracker.ts';
import type { StreamProtocol } from '../stream-protocol.ts';
import { CONVERSATION_ENDS } from './conversation-ends.ts';
import { ConversationSession, type ConversationSubscription, topicsOf } from './conversation-session.ts';

/** The conversation stream: one event per frame with contiguous sequence numbers, and no replay. */
export const conversationStream: StreamProtocol<ConversationStreamConfiguration, ConversationSubscription> = {
  name: 'conversation-stream',
  configuration: conversationStreamConfiguration,
  credentialsIn: 'form',
  ends: CONVERSATION_ENDS,
  liveness: { silenceMs: 30_000, ping: { everyMs: 10_000 } },
  async *subscriptions(set) {
    const topics = topicsOf(set.CONVERSATION_EVENTS);
    const subscription = { topics, set, token: new ConnectionToken(), tracker: new SequenceTracker() };
    yield new Map([[set.CONVERSATION_SUBSCRIPTION, subscription]]);
  },
  async connect({ subscription, recovery }, context) {
    const { token, client } = await subscription.token.get(context, recovery);
    const url =
      subscription.set.CONVERSATION_URL ??
      streamUrl(client.rest.apiUrl, '/api/v2/analytics/events/stream').href;
    return new ConversationSession({ url, ...token }, subscription, context);
  },
};
