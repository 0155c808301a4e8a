import * as z from 'zod';
import { frameSchema } from '../../../lib/events/schema.ts';
import { members, name, webSocketUrl, wholeNumber } from './configuration-fields.ts';
import { ConnectionToken, replaceBy, streamUrl } from './connection-token.ts';
import type { EndTable } from './end-table.ts';
import { readJsonFrame } from './json-frames.ts';
import { epochReason, type SequenceOutcome, SequenceTracker, sequenceSignals } from './sequence-tracker.ts';
import type { ProtocolContext, Session, Signal, StreamProtocol, Subscription } from './stream-protocol.ts';
import { UPGRADE_ENDS, WEBSOCKET_ENDS } from './websocket-ends.ts';

/** Types of events that were seen. */
const EVENT_TYPES = ['conversation.state', 'conversation.talk', 'conversation.hold', 'routing.queue'];
const DEFAULT_EVENTS =
  'conversation.state:completed,conversation.state:abandoned,conversation.state:transfer,routing.queue';
const EVERY_EVENT = '*';
/** Missing events that can be tolerated at most. */
const MAX_TOLERANCE = 1_000_000;

const CONVERSATION_ENDS: EndTable = {
  codes: { ...WEBSOCKET_ENDS, 4001: { recovery: 'reauthenticate', meaning: 'the token has expired' } },
  otherCode: { recovery: 'resume', meaning: 'unknown close code' },
  statuses: UPGRADE_ENDS,
  otherStatus: { recovery: 'resume', meaning: 'the upgrade was refused' },
};

/** A filter without which the whole organization would be streamed. */
function requiredFilter(example: string) {
  const missing = `is missing: the stream would have the whole organization; for example ${example}`;
  return z
    .string(missing)
    .transform(members)
    .refine((values) => values.length > 0, missing);
}

const configuration = z.object({
  CONVERSATION_URL: webSocketUrl.meta({
    description: 'Address of the stream.',
    defaultText: '`wss://api.{GENESYS_DOMAIN}/api/v2/analytics/events/stream`',
  }),
  CONVERSATION_TYPES: requiredFilter('voice,webChat,email').meta({
    description: 'Media types to subscribe to, separated by commas, for example `voice,webChat,email`.',
    typeText: 'list of media types',
    defaultText: 'required',
  }),
  CONVERSATION_STATES: requiredFilter('active,queued,waiting,wrapup').meta({
    description: 'States to subscribe to, separated by commas, for example `active,queued,waiting,wrapup`.',
    typeText: 'list of states',
    defaultText: 'required',
  }),
  CONVERSATION_EVENTS: z
    .string()
    .default(DEFAULT_EVENTS)
    .transform(members)
    .refine((values) => values.length > 0, 'is empty: name event types, or use *')
    .meta({
      description:
        'Events to publish, separated by commas: a type, or a type and a state such as `conversation.state:completed`. `*` stands for every event. Others are counted.',
      typeText: 'list of types',
    }),
  CONVERSATION_SUBSCRIPTION: name('conversations').meta({
    description: 'Name of the subscription in event ids, health and gap records.',
    typeText: '1-64 letters, digits, `-` and `_`',
  }),
  CONVERSATION_GAP_TOLERANCE: wholeNumber({ fallback: 0, min: 0, max: MAX_TOLERANCE }).meta({
    description: 'So many missing events in a row are counted and leave no gap record.',
  }),
});
type Configuration = z.infer<typeof configuration>;

interface ConversationSubscription extends Subscription {
  readonly set: Configuration;
  readonly token: ConnectionToken;
  readonly tracker: SequenceTracker;
}

const eventSchema = z.looseObject({
  type: z.string().regex(/^[\w.-]{1,100}$/),
  state: z.string().optional(),
  sequence: z.number().int().nonnegative(),
  conversationId: z.string(),
  timestamp: z.iso.datetime({ offset: true }),
});
type ConversationEvent = z.infer<typeof eventSchema>;

class ConversationSession implements Session {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly replaceByMs: number;
  private readonly subscription: ConversationSubscription;
  private readonly recordGap: ProtocolContext['recordGap'];
  private readonly outcomeOf: (sequence: number, timestamp: string) => SequenceOutcome;

  constructor(
    { url, accessToken, expiresAtMs }: { url: string; accessToken: string; expiresAtMs: number },
    subscription: ConversationSubscription,
    { recordGap }: ProtocolContext,
  ) {
    this.url = url;
    this.headers = { authorization: `Bearer ${accessToken}` };
    this.replaceByMs = replaceBy(expiresAtMs);
    this.subscription = subscription;
    this.recordGap = recordGap;
    this.outcomeOf = subscription.tracker.connection();
  }

  /** The subscription is not acknowledged, so a pong has to show that the server has read it. */
  onOpen(): readonly Signal[] {
    const { CONVERSATION_TYPES: types, CONVERSATION_STATES: state } = this.subscription.set;
    const subscriptions = [{ channel: 'conversation', filters: { types, state } }];
    return [
      { kind: 'send', message: JSON.stringify({ messageType: 'subscribe', subscriptions }) },
      { kind: 'ready', after: 'pong' },
    ];
  }

  onFrame(data: Buffer, isBinary: boolean): readonly Signal[] {
    const json = readJsonFrame(data, isBinary);
    if (json.kind === 'rejected') return [json];
    const event = eventSchema.safeParse(json.value);
    return event.success ? this.read(event.data) : [{ kind: 'rejected', reason: 'invalid_frame' }];
  }

  private read(event: ConversationEvent): readonly Signal[] {
    const { type, sequence, timestamp } = event;
    const { CONVERSATION_SUBSCRIPTION, CONVERSATION_GAP_TOLERANCE, CONVERSATION_EVENTS } =
      this.subscription.set;
    const frame = frameSchema.safeParse({ topicName: type, timestamp, eventBody: event });
    if (!frame.success) return [{ kind: 'rejected', reason: 'invalid_frame' }];
    const outcome = this.outcomeOf(sequence, timestamp);
    if (outcome.kind === 'epoch') {
      const reason = epochReason(outcome.last, sequence);
      this.recordGap({ topics: this.subscription.topics, fromMs: outcome.sinceMs, toMs: Date.now(), reason });
    }
    const signals = sequenceSignals(outcome, CONVERSATION_GAP_TOLERANCE);
    if (!isWanted(event, CONVERSATION_EVENTS)) return [...signals, { kind: 'filtered' }];
    const id = `${CONVERSATION_SUBSCRIPTION}:${sequence}:${timestamp}`;
    const late = outcome.kind === 'late';
    return [...signals, { kind: 'event', event: { id, frame: frame.data, sequence, late } }];
  }
}

function isWanted({ type, state }: ConversationEvent, wanted: readonly string[]): boolean {
  return [EVERY_EVENT, type, `${type}:${state}`].some((one) => wanted.includes(one));
}

function topicsOf(wanted: readonly string[]): readonly string[] {
  if (wanted.includes(EVERY_EVENT)) return EVENT_TYPES;
  return [...new Set(wanted.map((one) => one.split(':')[0] ?? one))];
}

/** The conversation stream: one event per frame with a contiguous sequence, and no replay. */
export const conversationStream: StreamProtocol<Configuration, ConversationSubscription> = {
  name: 'conversation-stream',
  configuration,
  credentialsIn: 'form',
  ends: CONVERSATION_ENDS,
  liveness: { silenceMs: 30_000, ping: { everyMs: 10_000 } },
  async *subscriptions(set) {
    const topics = topicsOf(set.CONVERSATION_EVENTS);
    const subscription = { topics, set, token: new ConnectionToken(), tracker: new SequenceTracker() };
    yield new Map([[set.CONVERSATION_SUBSCRIPTION, subscription]]);
  },
  async connect({ subscription, recovery }, context) {
    const { token, client } = await subscription.token.get(context, recovery);
    const url =
      subscription.set.CONVERSATION_URL ??
      streamUrl(client.rest.apiUrl, '/api/v2/analytics/events/stream').href;
    return new ConversationSession({ url, ...token }, subscription, context);
  },
};
