import { Random } from '../../random.ts';
import { FRAME_VERSION, type Frame, SERIAL_FIELD } from '../frame.ts';
import { seededUuid } from '../identifiers.ts';
import { PERSONAL_DATA, PERSONAL_FIELDS } from '../personal-data.ts';
import { SequenceNumbers } from './sequence-numbers.ts';
import type { StreamConnection } from './stream-connection.ts';
import type { Stamp, StreamEvent } from './stream-event.ts';
import { COMMON_STREAM_FAULTS, SEQUENCE_FAULTS } from './stream-fault-kinds.ts';
import type { StreamHost, StreamRequest, StreamServer } from './stream-server.ts';

/** Types and states that clients publish by default. */
const PUBLISHED = [
  { type: 'conversation.state', state: 'completed' },
  { type: 'conversation.state', state: 'abandoned' },
  { type: 'conversation.state', state: 'transfer' },
  { type: 'routing.queue' },
] as const;
/** Others, which they count and filter out. */
const FILTERED = [
  { type: 'conversation.state', state: 'active' },
  { type: 'conversation.talk' },
  { type: 'conversation.hold' },
] as const;
const TOKEN_EXPIRED = 4001;
const INVALID_SUBSCRIPTION = 4000;

/** Who took part in a conversation that has ended, by its last state. */
const PURPOSES_BY_END: Readonly<Record<string, readonly string[]>> = {
  completed: ['customer', 'agent'],
  abandoned: ['customer'],
};
const AGENT = 'agent';
const TALK_MS = 1_000;

type Remembered = NonNullable<StreamServer['remembered']>;

interface ConversationBody {
  readonly conversationId: string;
  readonly state?: string;
  readonly participants: readonly { readonly id: string }[];
}

interface Subscribe {
  readonly messageType?: string;
  readonly subscriptions?: readonly {
    readonly filters?: { readonly types?: unknown[]; readonly state?: unknown[] };
  }[];
}

/** The server of the conversation stream: a bearer token in the upgrade, one event per frame, a contiguous sequence. */
export class ConversationServer implements StreamServer {
  readonly path = '/api/v2/analytics/events/stream';
  readonly faults = [...COMMON_STREAM_FAULTS, ...SEQUENCE_FAULTS, 'scope_missing'] as const;
  private readonly random: Random;
  private readonly numbers = new SequenceNumbers();

  constructor(seed: number) {
    this.random = new Random(seed).fork('conversation-stream');
  }

  refusal({ headers }: StreamRequest, host: StreamHost): number | undefined {
    const fault = host.takeFault('auth_refused', 'scope_missing');
    if (fault !== undefined) return fault === 'auth_refused' ? 401 : 403;
    return host.isValidToken(bearerOf(headers.authorization)) ? undefined : 401;
  }

  onOpen(connection: StreamConnection, { headers }: StreamRequest): void {
    connection.token = bearerOf(headers.authorization);
  }

  onText(connection: StreamConnection, text: string): void {
    const { messageType, subscriptions } = JSON.parse(text) as Subscribe;
    const { types = [], state = [] } = subscriptions?.[0]?.filters ?? {};
    if (messageType !== 'subscribe' || types.length === 0 || state.length === 0) {
      connection.socket.close(INVALID_SUBSCRIPTION, 'types and state are required');
      return;
    }
    connection.topics = new Set(PUBLISHED.map(({ type }) => type));
  }

  onTokenExpired({ socket }: StreamConnection): void {
    socket.close(TOKEN_EXPIRED, 'token expired');
  }

  next(): Frame {
    const published = this.random.pick(PUBLISHED);
    const participants = [{ id: seededUuid(this.random), role: 'customer', identity: PERSONAL_DATA.email }];
    const eventBody = {
      ...published,
      conversationId: seededUuid(this.random),
      participants,
      ...PERSONAL_FIELDS,
    };
    return { topicName: published.type, version: FRAME_VERSION, eventBody, metadata: {} };
  }

  remembered({ topicName, eventBody }: Frame, timestamp: string): ReturnType<Remembered> {
    const { conversationId, state, participants } = eventBody as ConversationBody;
    const purposes = PURPOSES_BY_END[state ?? ''];
    if (topicName !== 'conversation.state' || purposes === undefined) return undefined;
    const all = purposes.map((purpose) => ({
      id: `${purpose}-${participants[0]?.id}`,
      purpose,
      ...(purpose === 'agent' ? { userId: AGENT } : {}),
      connectedTime: new Date(Date.parse(timestamp) - TALK_MS).toISOString(),
      endTime: timestamp,
      calls: [{ id: `${purpose}-${conversationId}` }],
    }));
    return {
      topicName: `v2.users.${AGENT}.conversations`,
      eventBody: { id: conversationId, participants: all },
    };
  }

  textBefore(): string | undefined {
    if (this.random.chance(0.5)) return undefined;
    const event = { ...this.random.pick(FILTERED), conversationId: seededUuid(this.random) };
    return JSON.stringify({ ...event, ...this.numbers.next(false) });
  }

  stamp(_: Frame, isSkipped: boolean): Stamp {
    return this.numbers.next(isSkipped);
  }

  encode([event]: readonly StreamEvent[]): Buffer {
    const { frame, entry, stamp } = event as StreamEvent;
    return Buffer.from(
      JSON.stringify({ ...(frame.eventBody as object), [SERIAL_FIELD]: entry.serial, ...stamp }),
    );
  }

  repeatNumber(): void {
    this.numbers.repeat();
  }

  restart(): void {
    this.numbers.restart();
  }
}

function bearerOf(header = ''): string {
  return /^bearer (\S+)$/i.exec(header)?.[1] ?? '';
}
