import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { frameSchema } from '../../../../lib/events/schema.ts';
import type { AnalyticsEventsConfiguration } from '../../../../lib/protocols/analytics-events-configuration.ts';
import { type ConnectionToken, replaceBy } from '../connection-token.ts';
import { readJsonFrame } from '../json-frames.ts';
import { type NumberedSubscription, SequenceReader } from '../sequence-reader.ts';
import type { ProtocolContext, Session, Signal } from '../stream-protocol.ts';
import { endOfError } from './analytics-ends.ts';

/** Maximum number of characters of a server message that are logged. */
const MAX_MESSAGE_CHARACTERS = 200;

/** The subscription of a consumer group. */
export interface AnalyticsSubscription extends NumberedSubscription {
  readonly set: AnalyticsEventsConfiguration;
  readonly token: ConnectionToken;
  /** Event types that the server has not acknowledged, by topic. */
  readonly rejected: Map<string, string>;
}

/** The name of an event type in events, gap records and health. */
export const topicOf = (type: string) => `analytics.events.${type}`;

const messageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auth_ack') }),
  z.object({ type: z.literal('subscribe_ack'), event_types: z.array(z.string()).optional() }),
  z.object({
    type: z.literal('error'),
    error: z.object({ code: z.coerce.string(), message: z.string().default('') }),
  }),
  z.object({
    type: z.literal('event'),
    data: z.looseObject({
      type: z.string().min(1).max(100),
      id: z.string().min(1).max(1_000),
      timestamp: z.string(),
      data: z.unknown(),
      metadata: z.looseObject({ sequence_number: z.number().int().optional() }).optional(),
    }),
  }),
]);
type Message = z.infer<typeof messageSchema>;
type EventMessage = Extract<Message, { type: 'event' }>;
const MESSAGE_TYPES: ReadonlySet<unknown> = new Set(
  messageSchema.options.map(({ shape }) => shape.type.value),
);

/** Sends the token, then the subscription, and reads events once both are acknowledged. */
export class AnalyticsSession implements Session {
  readonly url: string;
  readonly replaceByMs: number;
  private readonly subscription: AnalyticsSubscription;
  private readonly accessToken: string;
  private readonly stopping: AbortSignal;
  private readonly sequence: SequenceReader;

  constructor(
    { url, accessToken, expiresAtMs }: { url: string; accessToken: string; expiresAtMs: number },
    subscription: AnalyticsSubscription,
    context: ProtocolContext,
  ) {
    this.url = url;
    this.accessToken = accessToken;
    this.replaceByMs = replaceBy(expiresAtMs);
    this.subscription = subscription;
    this.stopping = context.signal;
    this.sequence = new SequenceReader(subscription, context);
  }

  onOpen(): readonly Signal[] {
    return [send({ type: 'auth', access_token: this.accessToken, session_id: randomUUID() })];
  }

  onFrame(data: Buffer, isBinary: boolean, readUntilMs: number): readonly Signal[] {
    const json = readJsonFrame(data, isBinary);
    if (json.kind === 'rejected') return [json];
    const { type } = json.value as { type?: unknown };
    if (typeof type === 'string' && !MESSAGE_TYPES.has(type))
      return [
        {
          kind: 'notice',
          about: 'unknown_message',
          message: 'unknown message type',
          quote: type.slice(0, MAX_MESSAGE_CHARACTERS),
        },
      ];
    const message = messageSchema.safeParse(json.value);
    if (!message.success) return [{ kind: 'rejected', reason: 'invalid_frame' }];
    return message.data.type === 'event'
      ? this.read(message.data.data, readUntilMs)
      : [this.act(message.data)];
  }

  /** Other connections may use the same group, so only a stop unsubscribes. */
  onClosing(): readonly Signal[] {
    const { ANALYTICS_CONSUMER_GROUP: consumer_group } = this.subscription.set;
    return this.stopping.aborted ? [send({ type: 'unsubscribe', consumer_group })] : [];
  }

  private act(message: Exclude<Message, EventMessage>): Signal {
    const { ANALYTICS_EVENT_TYPES, ANALYTICS_FILTERS, ANALYTICS_CONSUMER_GROUP } = this.subscription.set;
    switch (message.type) {
      case 'auth_ack':
        return send({
          type: 'subscribe',
          subscription: {
            eventTypes: ANALYTICS_EVENT_TYPES,
            filters: ANALYTICS_FILTERS,
            consumerGroup: ANALYTICS_CONSUMER_GROUP,
          },
        });
      case 'subscribe_ack':
        this.noteRejected(message.event_types ?? ANALYTICS_EVENT_TYPES);
        return { kind: 'ready' };
      case 'error': {
        const { code, message: text } = message.error;
        const reason = `${code} ${text}`.slice(0, MAX_MESSAGE_CHARACTERS);
        return { kind: 'refused', end: endOfError(code), reason };
      }
    }
  }

  /** Sequence numbers are optional. They are counted per consumer group. */
  private read(
    { type, id, timestamp, data, metadata }: EventMessage['data'],
    readUntilMs: number,
  ): readonly Signal[] {
    const frame = frameSchema.safeParse({ topicName: topicOf(type), timestamp, eventBody: data, metadata });
    if (!frame.success) return [{ kind: 'rejected', reason: 'invalid_frame' }];
    const sequence = metadata?.sequence_number;
    if (sequence === undefined) return [{ kind: 'event', event: { id, frame: frame.data } }];
    const { signals, late } = this.sequence.read(sequence, timestamp, readUntilMs);
    return [...signals, { kind: 'event', event: { id, frame: frame.data, sequence, late } }];
  }

  private noteRejected(accepted: readonly string[]): void {
    const { rejected, set } = this.subscription;
    rejected.clear();
    for (const type of set.ANALYTICS_EVENT_TYPES)
      if (!accepted.includes(type)) rejected.set(topicOf(type), "not in the server's acknowledgment");
  }
}

function send(message: object): Signal {
  return { kind: 'send', message: JSON.stringify(message) };
}
