import { pack } from 'msgpackr';
import { Random } from '../../random.ts';
import { FRAME_VERSION, type Frame, SERIAL_FIELD } from '../frame.ts';
import { seededUuid } from '../identifiers.ts';
import { PERSONAL_DATA, PERSONAL_FIELDS } from '../personal-data.ts';
import { SequenceNumbers } from './sequence-numbers.ts';
import type { StreamConnection } from './stream-connection.ts';
import type { Stamp, StreamEvent } from './stream-event.ts';
import { COMMON_STREAM_FAULTS, SEQUENCE_FAULTS } from './stream-fault-kinds.ts';
import type { StreamHost, StreamRequest, StreamServer } from './stream-server.ts';

const TYPES = ['interaction:updated', 'interaction:created'] as const;
const MAX_SUBSCRIPTION_BYTES = 65_536;
const TOKEN_EXPIRED = 4001;
const SUBSCRIPTION_REFUSED = 4003;
/** Share of JSON frames on a socket that requested msgpack. */
const JSON_SHARE = 0.1;
/** The first byte of a JSON frame. No msgpack map begins with it. */
const OPENING_BRACE = 0x7b;

interface Subscribe {
  readonly eventType?: string;
  readonly contentType?: string;
  readonly retry?: number;
  readonly filters?: object;
}

/** The server of interaction events: msgpack and JSON on one socket, one sequence per event type. */
export class InteractionServer implements StreamServer {
  readonly path = '/api/v2/events';
  readonly faults = [...COMMON_STREAM_FAULTS, ...SEQUENCE_FAULTS, 'filter_refused'] as const;
  private readonly random: Random;
  private readonly numbers = new Map<string, SequenceNumbers>(
    TYPES.map((type) => [type, new SequenceNumbers()]),
  );
  /** How long events are kept for a client that is disconnected, by event type. */
  private readonly retryMs = new Map<string, number>();

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
    const { eventType = '', contentType = '', retry = 0, filters } = JSON.parse(text) as Subscribe;
    const isValid = TYPES.some((type) => type === eventType) && filters !== undefined;
    if (!isValid || text.length > MAX_SUBSCRIPTION_BYTES || host.takeFault('filter_refused')) {
      connection.socket.close(SUBSCRIPTION_REFUSED, 'invalid filter');
      return;
    }
    connection.group = contentType;
    connection.topics = new Set([eventType]);
    this.retryMs.set(eventType, retry * 1_000);
    host.resend(connection, retry * 1_000);
  }

  onTokenExpired({ socket }: StreamConnection): void {
    socket.close(TOKEN_EXPIRED, 'token expired');
  }

  next(): Frame {
    const eventBody = {
      interactionId: seededUuid(this.random),
      routing: { type: 'IVR' },
      step: this.random.int(9),
      ...PERSONAL_FIELDS,
    };
    return { topicName: this.random.pick(TYPES), version: FRAME_VERSION, eventBody, metadata: {} };
  }

  /** A server may respond in JSON regardless of the requested format. */
  stamp({ topicName }: Frame, isSkipped: boolean): Stamp {
    const numbers = this.numbers.get(topicName) ?? new SequenceNumbers();
    this.numbers.set(topicName, numbers);
    return { ...numbers.next(isSkipped), isJson: this.random.chance(JSON_SHARE) };
  }

  keepsMissed(topicName: string): boolean {
    return (this.retryMs.get(topicName) ?? 0) > 0;
  }

  encode([event]: readonly StreamEvent[], { group }: StreamConnection): Buffer {
    const { frame, entry, stamp } = event as StreamEvent;
    const message = {
      eventType: frame.topicName,
      sequenceId: stamp.sequence,
      timestamp: stamp.timestamp,
      data: { ...(frame.eventBody as object), [SERIAL_FIELD]: entry.serial },
      // A field that clients do not know.
      [PERSONAL_DATA.attributeName]: PERSONAL_DATA.attribute,
    };
    return stamp.isJson || group !== 'application/msgpack'
      ? Buffer.from(JSON.stringify(message))
      : pack(message);
  }

  isBinary(data: Buffer): boolean {
    return data[0] !== OPENING_BRACE;
  }

  repeatNumber(): void {
    for (const numbers of this.numbers.values()) numbers.repeat();
  }

  restart(): void {
    for (const numbers of this.numbers.values()) numbers.restart();
  }
}
