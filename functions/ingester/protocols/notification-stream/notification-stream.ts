import {
  type NotificationStreamConfiguration,
  notificationStreamConfiguration,
  topicOf,
} from '../../../../lib/protocols/notification-stream-configuration.ts';
import { ConnectionToken, streamUrl } from '../connection-token.ts';
import { type EndCause, endOf } from '../end-table.ts';
import type { OAuthClient, ProtocolContext, StreamProtocol } from '../stream-protocol.ts';
import { NOTIFICATION_ENDS, RESUME_REFUSED, SUBSCRIPTION_REFUSED } from './notification-ends.ts';
import { NotificationSession } from './notification-session.ts';
import { type NotificationSubscription, prune, remaining } from './remaining-subscriptions.ts';
import { StoredCursor } from './stored-cursor.ts';

/** Maximum number of characters of an event id in a gap record. */
const MAX_ID_CHARACTERS = 100;

/** The notification stream: batches of events, and a cursor from which the server continues after a disconnect. */
export const notificationStream: StreamProtocol<NotificationStreamConfiguration, NotificationSubscription> = {
  name: 'notification-stream',
  configuration: notificationStreamConfiguration,
  ends: NOTIFICATION_ENDS,
  // The server sends a batch at least every 10 s, even if it is empty.
  liveness: { silenceMs: 30_000, ping: { everyMs: 30_000, pong: { withinMs: 10_000, maxMisses: 3 } } },
  // The cursor belongs to one reader, and the server resends everything after it.
  onStandby: 'waits',
  async *subscriptions(set, context) {
    const name = set.NOTIFICATION_NAME;
    const topics = set.NOTIFICATION_SUBSCRIPTIONS.map(topicOf);
    const cursor = new StoredCursor(context, `notification-stream/${name}`);
    yield new Map([[name, { topics, set, token: new ConnectionToken(), cursor, rejected: new Map() }]]);
  },
  async connect({ subscription, recovery, after }, context) {
    const { set, cursor } = subscription;
    const { token, client } = await subscription.token.get(context, recovery);
    if (after) await settleRefusal(subscription, after, client, context);
    const path = '/api/v2/notifications/stream';
    const url = new URL(set.NOTIFICATION_URL ?? streamUrl(client.rest.apiUrl, path).href);
    url.searchParams.set('access_token', token.accessToken);
    url.searchParams.set('subscriptions', JSON.stringify(remaining(subscription)));
    url.searchParams.set('maxBatchSize', String(set.NOTIFICATION_MAX_BATCH_SIZE));
    url.searchParams.set('maxLatency', String(set.NOTIFICATION_MAX_LATENCY_MS));
    const last = await cursor.read();
    if (last) url.searchParams.set('lastEventId', last.eventId);
    return new NotificationSession({ url: url.href, expiresAtMs: token.expiresAtMs }, cursor);
  },
};

/** Leave out what the server refuses: subscriptions that no longer exist, or the last event id. */
async function settleRefusal(
  subscription: NotificationSubscription,
  after: EndCause,
  { rest }: OAuthClient,
  context: ProtocolContext,
): Promise<void> {
  const end = endOf(NOTIFICATION_ENDS, after);
  if (end !== SUBSCRIPTION_REFUSED && end !== RESUME_REFUSED) return;
  if (end === SUBSCRIPTION_REFUSED) {
    const isPruned = await prune(subscription, after.reason, rest, context);
    // HTTP 400 contains no reason. If every subscription exists, the server refused the last event id.
    if (isPruned || after.upgradeStatus === undefined) return;
  }
  const last = await subscription.cursor.read();
  if (!last) return;
  await subscription.cursor.forget();
  context.recordGap({
    topics: remaining(subscription).map(topicOf),
    fromMs: last.storedAtMs,
    toMs: Date.now(),
    reason: `the server cannot continue after event ${last.eventId.slice(0, MAX_ID_CHARACTERS)}`,
  });
}
