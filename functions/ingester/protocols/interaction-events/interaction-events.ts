import {
  type InteractionEventsConfiguration,
  interactionEventsConfiguration,
  subscriptionMessage,
} from '../../../../lib/protocols/interaction-events-configuration.ts';
import { ConnectionToken, streamUrl } from '../connection-token.ts';
import { SequenceTracker } from '../sequence-tracker.ts';
import type { StreamProtocol } from '../stream-protocol.ts';
import { INTERACTION_ENDS } from './interaction-ends.ts';
import { InteractionSession, type InteractionSubscription } from './interaction-session.ts';

/** Interaction events (IVR): msgpack or JSON, one subscription per event type, with sequence numbers. */
export const interactionEvents: StreamProtocol<InteractionEventsConfiguration, InteractionSubscription> = {
  name: 'interaction-events',
  configuration: interactionEventsConfiguration,
  ends: INTERACTION_ENDS,
  liveness: { silenceMs: 30_000, ping: { everyMs: 10_000 } },
  async *subscriptions({ INTERACTION_EVENT_TYPES, ...set }) {
    const named = INTERACTION_EVENT_TYPES.map((type): [string, InteractionSubscription] => {
      const name = type.replace(':', '-');
      const subscription = {
        name,
        topics: [type],
        message: subscriptionMessage(type, set),
        dropsLate: set.INTERACTION_LATE === 'drop',
        url: set.INTERACTION_URL,
        token: new ConnectionToken(),
        tracker: new SequenceTracker(),
        reportedFields: new Set<string>(),
      };
      return [name, subscription];
    });
    yield new Map(named);
  },
  async connect({ subscription, recovery }, context) {
    const { token, client } = await subscription.token.get(context, recovery);
    const address = subscription.url ?? streamUrl(client.rest.apiUrl, '/api/v2/events', 'domain').href;
    const url = new URL(address);
    url.searchParams.set('access_token', token.accessToken);
    return new InteractionSession({ url: url.href, expiresAtMs: token.expiresAtMs }, subscription, context);
  },
};
