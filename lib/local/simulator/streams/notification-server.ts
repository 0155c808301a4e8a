import { Random } from '../../random.ts';
import { FRAME_VERSION, type Frame, SERIAL_FIELD } from '../frame.ts';
import { seededUuid } from '../identifiers.ts';
import { PERSONAL_FIELDS } from '../personal-data.ts';
import type { StreamConnection } from './stream-connection.ts';
import type { Stamp, StreamEvent } from './stream-event.ts';
import { COMMON_STREAM_FAULTS } from './stream-fault-kinds.ts';
import type { StreamHost, StreamRequest, StreamServer } from './stream-server.ts';

const RESOURCES = 5;
const EVENT = 'routing.queueEvents';
const TOKEN_EXPIRED = 4001;
const SUBSCRIPTION_REFUSED = 4400;
/** What clients get that do not ask for something else. */
const DEFAULT_BATCH_SIZE = 100;
const DEFAULT_LATENCY_MS = 5_000;

interface Resource {
  readonly event: string;
  readonly resourceId: string;
}

/** The topic under which a resource is known to the ledger. */
const topicOf = ({ event, resourceId }: Resource) => `${event}.${resourceId}`;

/** The server of the notification stream: batches, and a cursor after which it sends again. */
export class NotificationServer implements StreamServer {
  readonly path = '/api/v2/notifications/stream';
  readonly faults = [
    ...COMMON_STREAM_FAULTS,
    'quota_reached',
    'filter_refused',
    'resume_refused',
    'resource_gone',
    'pongs_withheld',
  ] as const;
  readonly heartbeatText = JSON.stringify({ events: [] });
  readonly replays = true;
  /** What clients can subscribe to. */
  resources: readonly Resource[];
  private readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed).fork('notification-stream');
    this.resources = Array.from({ length: RESOURCES }, () => ({
      event: EVENT,
      resourceId: seededUuid(this.random),
    }));
  }

  refusal({ query }: StreamRequest, host: StreamHost): number | undefined {
    const fault = host.takeFault('auth_refused', 'quota_reached', 'filter_refused', 'resume_refused');
    if (fault === 'auth_refused' || !host.isValidToken(query.get('access_token') ?? '')) return 401;
    if (fault === 'quota_reached') return 429;
    const isGone = subscriptionsIn(query).some((one) => !this.has(topicOf(one)));
    const isUnknown = fault === 'resume_refused' && query.has('lastEventId');
    return isGone || isUnknown || fault === 'filter_refused' ? 400 : undefined;
  }

  onOpen(connection: StreamConnection, { query }: StreamRequest, host: StreamHost): void {
    connection.token = query.get('access_token') ?? '';
    connection.topics = new Set(subscriptionsIn(query).map(topicOf));
    connection.batching = {
      maxEvents: Number(query.get('maxBatchSize') ?? DEFAULT_BATCH_SIZE),
      maxLatencyMs: Number(query.get('maxLatency') ?? DEFAULT_LATENCY_MS),
    };
    const last = query.get('lastEventId');
    if (last !== null) host.replay(connection, Number(last));
  }

  onText(): void {}

  onTokenExpired({ socket }: StreamConnection): void {
    socket.close(TOKEN_EXPIRED, 'token_expired');
  }

  get(path: string): unknown {
    return path === `${this.path}/subscriptions` ? { entities: this.resources } : undefined;
  }

  next(): Frame {
    const eventBody = {
      eventType: this.random.pick(['QUEUE_ADD', 'QUEUE_REMOVE']),
      memberId: seededUuid(this.random),
      ...PERSONAL_FIELDS,
    };
    const topicName = topicOf(this.random.pick(this.resources));
    return { topicName, version: FRAME_VERSION, eventBody, metadata: {} };
  }

  stamp(): Stamp {
    return { timestamp: new Date().toISOString() };
  }

  encode(events: readonly StreamEvent[]): Buffer {
    const batch = events.map(
      ({ frame: { topicName, eventBody }, entry: { serial }, stamp: { timestamp } }) => ({
        id: String(serial),
        event: EVENT,
        resourceId: topicName.slice(EVENT.length + 1),
        timestamp,
        data: { ...(eventBody as object), [SERIAL_FIELD]: serial },
      }),
    );
    const timestamp = new Date().toISOString();
    return Buffer.from(JSON.stringify({ events: batch, lastEventId: batch.at(-1)?.id, timestamp }));
  }

  /** The last resource is kept. */
  removeResource(connections: readonly StreamConnection[]): boolean {
    if (this.resources.length < 2) return false;
    const gone = topicOf(this.random.pick(this.resources));
    this.resources = this.resources.filter((one) => topicOf(one) !== gone);
    for (const { socket, topics } of connections)
      if (topics?.has(gone)) socket.close(SUBSCRIPTION_REFUSED, `Invalid subscription: ${gone}`);
    return true;
  }

  private has(topic: string): boolean {
    return this.resources.some((one) => topicOf(one) === topic);
  }
}

function subscriptionsIn(query: URLSearchParams): readonly Resource[] {
  return query.getAll('subscriptions').flatMap((json) => JSON.parse(json) as Resource[]);
}
