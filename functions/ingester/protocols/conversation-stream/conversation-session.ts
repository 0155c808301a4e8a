import * as z from 'zod';
import { frameSchema } from '../../../../lib/events/schema.ts';
import type { ConversationStreamConfiguration } from '../../../../lib/protocols/conversation-stream-configuration.ts';
import { type ConnectionToken, replaceBy } from '../connection-token.ts';
import { readJsonFrame } from '../json-frames.ts';
import { type NumberedSubscription, SequenceReader } from '../sequence-reader.ts';
import type { ProtocolContext, Session, Signal } from '../stream-protocol.ts';

/** Event types that have been observed. */
const EVENT_TYPES = ['conversation.state', 'conversation.talk', 'conversation.hold', 'routing.queue'];
const EVERY_EVENT = '*';
/** The subscription of the stream. */
export interface ConversationSubscription extends NumberedSubscription {
  readonly set: ConversationStreamConfiguration;
  readonly token: ConnectionToken;
}

const eventSchema = z.looseObject({
  type: z.string().regex(/^[\w.-]{1,100}$/),
  state: z.string().optional(),
  sequence: z.number().int().nonnegative(),
  conversationId: z.string(),
  timestamp: z.iso.datetime({ offset: true }),
});
type ConversationEvent = z.infer<typeof eventSchema>;

/** Subscribes on open, and reads one event per frame. */
export class ConversationSession implements Session {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly replaceByMs: number;
  private readonly subscription: ConversationSubscription;
  private readonly sequence: SequenceReader;

  constructor(
    { url, accessToken, expiresAtMs }: { url: string; accessToken: string; expiresAtMs: number },
    subscription: ConversationSubscription,
    context: ProtocolContext,
  ) {
    this.url = url;
    this.headers = { authorization: `Bearer ${accessToken}` };
    this.replaceByMs = replaceBy(expiresAtMs);
    this.subscription = subscription;
    this.sequence = new SequenceReader(subscription, context, subscription.set.CONVERSATION_GAP_TOLERANCE);
  }

  /** The server does not acknowledge the subscription, so a pong has to show that it has read it. */
  onOpen(): readonly Signal[] {
    const { CONVERSATION_TYPES: types, CONVERSATION_STATES: state } = this.subscription.set;
    const subscriptions = [{ channel: 'conversation', filters: { types, state } }];
    return [
      { kind: 'send', message: JSON.stringify({ messageType: 'subscribe', subscriptions }) },
      { kind: 'ready', after: 'pong' },
    ];
  }

  onFrame(data: Buffer, isBinary: boolean, readUntilMs: number): readonly Signal[] {
    const json = readJsonFrame(data, isBinary);
    if (json.kind === 'rejected') return [json];
    const event = eventSchema.safeParse(json.value);
    return event.success
      ? this.read(event.data, readUntilMs)
      : [{ kind: 'rejected', reason: 'invalid_frame' }];
  }

  private read(event: ConversationEvent, readUntilMs: number): readonly Signal[] {
    const { type, sequence, timestamp } = event;
    const { CONVERSATION_SUBSCRIPTION, CONVERSATION_EVENTS } = this.subscription.set;
    const frame = frameSchema.safeParse({ topicName: type, timestamp, eventBody: event });
    if (!frame.success) return [{ kind: 'rejected', reason: 'invalid_frame' }];
    const { signals, late } = this.sequence.read(sequence, timestamp, readUntilMs);
    if (!isWanted(event, CONVERSATION_EVENTS)) return [...signals, { kind: 'filtered' }];
    const id = `${CONVERSATION_SUBSCRIPTION}:${sequence}:${timestamp}`;
    return [...signals, { kind: 'event', event: { id, frame: frame.data, sequence, late } }];
  }
}

function isWanted({ type, state }: ConversationEvent, wanted: readonly string[]): boolean {
  return [EVERY_EVENT, type, `${type}:${state}`].some((one) => wanted.includes(one));
}

/** Topics of the events that are published, for gap records and health. */
export function topicsOf(wanted: readonly string[]): readonly string[] {
  if (wanted.includes(EVERY_EVENT)) return EVENT_TYPES;
  return [...new Set(wanted.map((one) => one.split(':')[0] ?? one))];
}
