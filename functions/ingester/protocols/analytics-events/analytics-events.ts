import {
  type AnalyticsEventsConfiguration,
  analyticsEventsConfiguration,
} from '../../../../lib/protocols/analytics-events-configuration.ts';
import { ConnectionToken, streamUrl } from '../connection-token.ts';
import { SequenceTracker } from '../sequence-tracker.ts';
import type { StreamProtocol } from '../stream-protocol.ts';
import { ANALYTICS_ENDS } from './analytics-ends.ts';
import { AnalyticsSession, type AnalyticsSubscription, topicOf } from './analytics-session.ts';

/** Analytics events: a token and a subscription are sent as messages, and both are acknowledged. */
export const analyticsEvents: StreamProtocol<AnalyticsEventsConfiguration, AnalyticsSubscription> = {
  name: 'analytics-events',
  configuration: analyticsEventsConfiguration,
  ends: ANALYTICS_ENDS,
  liveness: { silenceMs: 30_000, ping: { everyMs: 10_000 } },
  // The connections of a consumer group share its events.
  onStandby: 'waits',
  async *subscriptions(set) {
    const topics = set.ANALYTICS_EVENT_TYPES.map(topicOf);
    const subscription = {
      topics,
      rejected: new Map(),
      set,
      token: new ConnectionToken(),
      tracker: new SequenceTracker(),
    };
    yield new Map([[set.ANALYTICS_CONSUMER_GROUP, subscription]]);
  },
  async connect({ subscription, recovery }, context) {
    const { token, client } = await subscription.token.get(context, recovery);
    const url =
      subscription.set.ANALYTICS_URL ?? streamUrl(client.rest.apiUrl, '/api/v2/analytics/events').href;
    return new AnalyticsSession({ url, ...token }, subscription, context);
  },
};
