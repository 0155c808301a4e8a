import * as z from 'zod';
import { redact } from '../../../../lib/events/redaction.ts';
import { frameSchema } from '../../../../lib/events/schema.ts';
import { GenesysError } from '../../../../lib/genesys/genesys-error.ts';
import type { RestClient } from '../../../../lib/genesys/rest-client.ts';
import { ConnectionToken, replaceBy, streamUrl } from '../connection-token.ts';
import { type End, type EndTable, endOf } from '../end-table.ts';
import { readJsonFrame } from '../json-frames.ts';
import type { ProtocolContext, Session, Signal, StreamProtocol, Subscription } from '../stream-protocol.ts';
import { UPGRADE_ENDS, WEBSOCKET_ENDS } from '../websocket-ends.ts';
import { StoredCursor } from './stored-cursor.ts';
import {
  type Resource,
  resourceSchema,
  type StreamConfiguration,
  streamConfiguration,
  topicOf,
} from './stream-configuration.ts';

const THROTTLED: End = { recovery: 'resume', meaning: 'the server limits our rate', throttled: true };
const REFUSED: End = { recovery: 'restart', meaning: 'a subscription is refused' };

const STREAM_ENDS: EndTable = {
  reasons: [
    [/\b429\b/, THROTTLED],
    [/^Invalid subscription/i, REFUSED],
  ],
  codes: {
    ...WEBSOCKET_ENDS,
    4001: { recovery: 'reauthenticate', meaning: 'the token has expired' },
    4400: REFUSED,
    4429: THROTTLED,
  },
  otherCode: { recovery: 'resume', meaning: 'unknown close code' },
  statuses: { ...UPGRADE_ENDS, 400: REFUSED, 429: THROTTLED },
  otherStatus: { recovery: 'resume', meaning: 'the upgrade was refused' },
};

interface NotificationSubscription extends Subscription {
  readonly set: StreamConfiguration;
  readonly token: ConnectionToken;
  readonly cursor: StoredCursor;
  /** What the server does not have any more, by topic. */
  readonly rejected: Map<string, string>;
}

const batchSchema = z.looseObject({
  events: z.array(z.unknown()),
  lastEventId: z.string().min(1).optional(),
});
const eventSchema = z.looseObject({
  id: z.string().min(1).max(1_000),
  event: z.string().min(1).max(64),
  resourceId: z.string().min(1).max(64),
  timestamp: z.string(),
  data: z.unknown(),
});
const subscriptionsSchema = z.union([
  z.array(resourceSchema),
  z.object({ entities: z.array(resourceSchema) }).transform(({ entities }) => entities),
]);

class NotificationSession implements Session {
  readonly url: string;
  readonly replaceByMs: number;
  private readonly cursor: StoredCursor;

  constructor({ url, expiresAtMs }: { url: string; expiresAtMs: number }, cursor: StoredCursor) {
    this.url = url;
    this.replaceByMs = replaceBy(expiresAtMs);
    this.cursor = cursor;
  }

  /** The upgrade has subscribed. */
  onOpen(): readonly Signal[] {
    return [{ kind: 'ready' }];
  }

  /** An event of a batch that is not valid quarantines the frame; the others go on. */
  onFrame(data: Buffer, isBinary: boolean): readonly Signal[] {
    const json = readJsonFrame(data, isBinary);
    if (json.kind === 'rejected') return [json];
    const batch = batchSchema.safeParse(json.value);
    if (!batch.success) return [{ kind: 'rejected', reason: 'invalid_frame' }];
    const signals = batch.data.events.map(readEvent);
    const events = signals.filter(({ kind }) => kind === 'event');
    const { lastEventId } = batch.data;
    return [
      ...events,
      ...(events.length < signals.length ? [{ kind: 'rejected', reason: 'invalid_frame' } as const] : []),
      ...(lastEventId === undefined ? [] : [{ kind: 'cursor', value: lastEventId } as const]),
    ];
  }

  commit(cursor: string): Promise<void> {
    return this.cursor.write(cursor);
  }
}

function readEvent(value: unknown): Signal {
  const event = eventSchema.safeParse(value);
  if (!event.success) return { kind: 'rejected', reason: 'invalid_frame' };
  const { id, timestamp, data } = event.data;
  const frame = frameSchema.safeParse({ topicName: topicOf(event.data), timestamp, eventBody: data });
  return frame.success
    ? { kind: 'event', event: { id, frame: frame.data } }
    : { kind: 'rejected', reason: 'invalid_frame' };
}

/** The subscriptions that the server has not refused. */
function remaining({ set, rejected }: NotificationSubscription): readonly Resource[] {
  return set.NOTIFICATION_SUBSCRIPTIONS.filter((one) => !rejected.has(topicOf(one)));
}

/** Ask which subscriptions exist, and leave out the others from now on. */
async function prune(
  subscription: NotificationSubscription,
  reason: string,
  rest: RestClient,
  { log, signal }: ProtocolContext,
): Promise<void> {
  const path = '/api/v2/notifications/stream/subscriptions';
  const answer = subscriptionsSchema.safeParse(await rest.call({ method: 'GET', path, signal }));
  if (!answer.success)
    throw new GenesysError('unexpected_answer', `GET ${path} answered without subscriptions`, {
      retriable: true,
    });
  const existing = new Set(answer.data.map(topicOf));
  for (const topic of remaining(subscription).map(topicOf)) {
    if (existing.has(topic)) continue;
    subscription.rejected.set(topic, reason);
    log.error('a subscription is refused and left out', { topic, reason });
  }
  if (remaining(subscription).length > 0) return;
  throw new GenesysError(
    'refused',
    `Genesys Cloud refuses every subscription: ${redact(reason)}. Check NOTIFICATION_SUBSCRIPTIONS.`,
    { retriable: false },
  );
}

/** The notification stream: batches of events, and a cursor with which the server continues after a disconnect. */
export const notificationStream: StreamProtocol<StreamConfiguration, NotificationSubscription> = {
  name: 'notification-stream',
  configuration: streamConfiguration,
  ends: STREAM_ENDS,
  // An empty batch comes at least every 10 s.
  liveness: { silenceMs: 30_000, ping: { everyMs: 30_000, pong: { withinMs: 10_000, maxMisses: 3 } } },
  async *subscriptions(set, context) {
    const name = set.NOTIFICATION_NAME;
    const topics = set.NOTIFICATION_SUBSCRIPTIONS.map(topicOf);
    const cursor = new StoredCursor(context, `notification-stream/${name}`);
    yield new Map([[name, { topics, set, token: new ConnectionToken(), cursor, rejected: new Map() }]]);
  },
  async connect({ subscription, recovery, after }, context) {
    const { set, cursor } = subscription;
    const { token, client } = await subscription.token.get(context, recovery);
    if (after && endOf(STREAM_ENDS, after) === REFUSED)
      await prune(subscription, after.reason, client.rest, context);
    const path = '/api/v2/notifications/stream';
    const url = new URL(set.NOTIFICATION_URL ?? streamUrl(client.rest.apiUrl, path).href);
    url.searchParams.set('access_token', token.accessToken);
    url.searchParams.set('subscriptions', JSON.stringify(remaining(subscription)));
    url.searchParams.set('maxBatchSize', String(set.NOTIFICATION_MAX_BATCH_SIZE));
    url.searchParams.set('maxLatency', String(set.NOTIFICATION_MAX_LATENCY_MS));
    const lastEventId = await cursor.read();
    if (lastEventId !== undefined) url.searchParams.set('lastEventId', lastEventId);
    return new NotificationSession({ url: url.href, expiresAtMs: token.expiresAtMs }, cursor);
  },
};
