import { Random } from '../../random.ts';
import { FRAME_VERSION, type Frame, SERIAL_FIELD } from '../frame.ts';
import { seededUuid } from '../identifiers.ts';
import { PERSONAL_DATA, PERSONAL_FIELDS } from '../personal-data.ts';
import { SequenceNumbers } from './sequence-numbers.ts';
import type { StreamConnection } from './stream-connection.ts';
import type { Stamp, StreamEvent } from './stream-event.ts';
import { COMMON_STREAM_FAULTS, SEQUENCE_FAULTS } from './stream-fault-kinds.ts';
import type { StreamHost, StreamServer } from './stream-server.ts';

const TYPES = ['conversation', 'interaction', 'routing', 'analytics', 'user'] as const;
/** Close code of RFC 6455, 7.4.1. */
const POLICY_VIOLATION = 1008;

interface ClientMessage {
  readonly type?: string;
  readonly access_token?: string;
  readonly session_id?: string;
  readonly subscription?: { readonly eventTypes?: readonly string[]; readonly consumerGroup?: string };
}

/** The topic under which an event type is known to the ledger. */
const topicOf = (type: string) => `analytics.events.${type}`;

/** The server of analytics events: a token and a subscription are messages, and each of them is acknowledged. */
export class AnalyticsServer implements StreamServer {
  readonly path = '/api/v2/analytics/events';
  readonly faults = [
    ...COMMON_STREAM_FAULTS,
    ...SEQUENCE_FAULTS,
    'scope_missing',
    'quota_reached',
    'filter_refused',
  ] as const;
  private readonly random: Random;
  private readonly numbers = new SequenceNumbers();

  constructor(seed: number) {
    this.random = new Random(seed).fork('analytics-events');
  }

  refusal(): undefined {
    return undefined;
  }

  onOpen(): void {}

  onText(connection: StreamConnection, text: string, host: StreamHost): void {
    const message = JSON.parse(text) as ClientMessage;
    switch (message.type) {
      case 'auth':
        this.authenticate(connection, message, host);
        return;
      case 'subscribe':
        this.subscribe(connection, message, host);
        return;
      case 'unsubscribe':
        connection.topics = undefined;
        return;
      default:
        connection.send(errorOf('400', `Unknown message type ${message.type}`));
    }
  }

  onTokenExpired({ socket }: StreamConnection): void {
    socket.close(POLICY_VIOLATION, 'token expired');
  }

  next(): Frame {
    const type = this.random.pick(TYPES);
    const eventBody = {
      conversationId: seededUuid(this.random),
      metric: 'nConnected',
      value: this.random.int(100),
      ...PERSONAL_FIELDS,
    };
    return { topicName: topicOf(type), version: FRAME_VERSION, eventBody, metadata: {} };
  }

  stamp(_: Frame, isSkipped: boolean): Stamp {
    return this.numbers.next(isSkipped);
  }

  encode([event]: readonly StreamEvent[], connection: StreamConnection): Buffer {
    const { frame, entry, stamp } = event as StreamEvent;
    const data = {
      type: frame.topicName.slice(topicOf('').length),
      id: `00000000-0000-4000-8000-${String(entry.serial).padStart(12, '0')}`,
      timestamp: stamp.timestamp,
      data: frame.eventBody,
      metadata: {
        consumer_group: connection.group,
        sequence_number: stamp.sequence,
        requested_by: PERSONAL_DATA.agentName,
        [SERIAL_FIELD]: entry.serial,
      },
    };
    return Buffer.from(JSON.stringify({ type: 'event', data }));
  }

  repeatNumber(): void {
    this.numbers.repeat();
  }

  restart(): void {
    this.numbers.restart();
  }

  private authenticate(
    connection: StreamConnection,
    { access_token: token = '', session_id }: ClientMessage,
    host: StreamHost,
  ): void {
    const fault = host.takeFault('auth_refused', 'scope_missing');
    if (fault === 'scope_missing') {
      connection.socket.close(POLICY_VIOLATION, 'analytics:events:read is missing');
    } else if (fault === 'auth_refused' || !host.isValidToken(token)) {
      connection.send(errorOf('401', 'Invalid token'));
    } else {
      connection.token = token;
      connection.send({ type: 'auth_ack', session_id });
    }
  }

  private subscribe(connection: StreamConnection, { subscription }: ClientMessage, host: StreamHost): void {
    const fault = host.takeFault('quota_reached', 'filter_refused');
    const { eventTypes = [], consumerGroup = '' } = subscription ?? {};
    if (connection.token === '') connection.send(errorOf('401', 'Authenticate first'));
    else if (fault === 'quota_reached') connection.send(errorOf('403', 'Consumer group limit reached'));
    else if (fault === 'filter_refused') connection.send(errorOf('400', 'Invalid filter syntax'));
    else {
      connection.group = consumerGroup;
      connection.send({ type: 'subscribe_ack', consumer_group: consumerGroup, event_types: eventTypes });
      connection.topics = new Set(eventTypes.map(topicOf));
    }
  }
}

function errorOf(code: string, message: string): object {
  return { type: 'error', error: { code, message } };
}
