import { Random } from '../../random.ts';
import { FRAME_VERSION, type Frame, SERIAL_FIELD } from '../frame.ts';
import { seededUuid } from '../identifiers.ts';
import type { StreamConnection } from './stream-connection.ts';
import type { StreamHost, StreamRequest, StreamServer } from './stream-server.ts';

const RESOURCES = 5;
const EVENT = 'routing.queueEvents';
const TOKEN_EXPIRED = 4001;

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
    'socket_drop',
    'half_open',
    'close_during_batch',
    'token_expired',
    'duplicate_frame',
    'garbage_frame',
    'auth_refused',
    'quota_reached',
    'filter_refused',
    'upgrade_refused',
  ] as const;
  readonly heartbeatText = JSON.stringify({ events: [] });
  readonly replays = true;
  /** What clients can subscribe to. */
  readonly resources: readonly Resource[];
  private readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed).fork('notification-stream');
    this.resources = Array.from({ length: RESOURCES }, () => ({
      event: EVENT,
      resourceId: seededUuid(this.random),
    }));
  }

  refusal({ query }: StreamRequest, host: StreamHost): number | undefined {
    const fault = host.takeFault('auth_refused', 'quota_reached', 'filter_refused');
    if (fault === 'quota_reached') return 429;
    if (fault === 'filter_refused') return 400;
    return !fault && host.isValidToken(query.get('access_token') ?? '') ? undefined : 401;
  }

  onOpen(connection: StreamConnection, { query }: StreamRequest, host: StreamHost): void {
    connection.token = query.get('access_token') ?? '';
    const resources = JSON.parse(query.get('subscriptions') ?? '[]') as Resource[];
    connection.topics = new Set(resources.map(topicOf));
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
    };
    const topicName = topicOf(this.random.pick(this.resources));
    return { topicName, version: FRAME_VERSION, eventBody, metadata: {} };
  }

  begin(): readonly string[] {
    return [];
  }

  encode({ topicName, eventBody }: Frame, serial: number): Buffer {
    const timestamp = new Date().toISOString();
    const resourceId = topicName.slice(EVENT.length + 1);
    const data = { ...(eventBody as object), [SERIAL_FIELD]: serial };
    const event = { id: String(serial), event: EVENT, resourceId, timestamp, data };
    return Buffer.from(JSON.stringify({ events: [event], lastEventId: String(serial), timestamp }));
  }
}
