import { pack } from 'msgpackr';
import { Random } from '../../random.ts';
import { FRAME_VERSION, type Frame, SERIAL_FIELD } from '../frame.ts';
import { seededUuid } from '../identifiers.ts';
import type { StreamConnection } from './stream-connection.ts';
import type { StreamHost, StreamRequest, StreamServer } from './stream-server.ts';

const TYPES = ['interaction:updated', 'interaction:created'] as const;
const MAX_SUBSCRIPTION_BYTES = 65_536;
const TOKEN_EXPIRED = 4001;
const SUBSCRIPTION_REFUSED = 4003;
/** The first byte of a JSON frame. No msgpack map begins with it. */
const OPENING_BRACE = 0x7b;

interface Subscribe {
  readonly eventType?: string;
  readonly contentType?: string;
  readonly filters?: object;
}

/** The server of interaction events: msgpack and JSON on one socket, one sequence per event type. */
export class InteractionServer implements StreamServer {
  readonly path = '/api/v2/events';
  readonly faults = [
    'socket_drop',
    'half_open',
    'close_during_batch',
    'token_expired',
    'duplicate_frame',
    'garbage_frame',
    'reordered_frames',
    'sequence_restart',
    'auth_refused',
    'filter_refused',
    'upgrade_refused',
  ] as const;
  private readonly random: Random;
  private readonly sequences = new Map<string, number>();
  private timestamp = '';
  private isJson = false;

  constructor(seed: number) {
    this.random = new Random(seed).fork('interaction-events');
  }

  refusal({ query }: StreamRequest, host: StreamHost): number | undefined {
    if (host.takeFault('auth_refused')) return 401;
    return host.isValidToken(query.get('access_token') ?? '') ? undefined : 401;
  }

  onOpen(connection: StreamConnection, { query }: StreamRequest): void {
    connection.token = query.get('access_token') ?? '';
  }

  onText(connection: StreamConnection, text: string, host: StreamHost): void {
    const { eventType = '', contentType = '', filters } = JSON.parse(text) as Subscribe;
    const isValid = TYPES.some((type) => type === eventType) && filters !== undefined;
    if (!isValid || text.length > MAX_SUBSCRIPTION_BYTES || host.takeFault('filter_refused')) {
      connection.socket.close(SUBSCRIPTION_REFUSED, 'invalid filter');
      return;
    }
    connection.group = contentType;
    connection.topics = new Set([eventType]);
  }

  onTokenExpired({ socket }: StreamConnection): void {
    socket.close(TOKEN_EXPIRED, 'token expired');
  }

  next(): Frame {
    const eventBody = {
      interactionId: seededUuid(this.random),
      routing: { type: 'IVR' },
      step: this.random.int(9),
    };
    return { topicName: this.random.pick(TYPES), version: FRAME_VERSION, eventBody, metadata: {} };
  }

  begin({ topicName }: Frame): readonly string[] {
    this.timestamp = new Date().toISOString();
    this.sequences.set(topicName, (this.sequences.get(topicName) ?? 0) + 1);
    // A server may answer in JSON whatever was asked for.
    this.isJson = this.random.chance(0.1);
    return [];
  }

  encode({ topicName, eventBody }: Frame, serial: number, { group }: StreamConnection): Buffer {
    const event = {
      eventType: topicName,
      sequenceId: this.sequences.get(topicName),
      timestamp: this.timestamp,
      data: { ...(eventBody as object), [SERIAL_FIELD]: serial },
    };
    return this.isJson || group !== 'application/msgpack' ? Buffer.from(JSON.stringify(event)) : pack(event);
  }

  isBinary(data: Buffer): boolean {
    return data[0] !== OPENING_BRACE;
  }

  /** The sequences start again. */
  restart(): void {
    this.sequences.clear();
  }
}
