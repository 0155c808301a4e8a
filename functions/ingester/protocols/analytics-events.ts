import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { frameSchema } from '../../../lib/events/schema.ts';
import { jsonObject, listOf, name, webSocketUrl, wholeNumber } from './configuration-fields.ts';
import { ConnectionToken, replaceBy, streamUrl } from './connection-token.ts';
import type { End, EndTable } from './end-table.ts';
import { readJsonFrame } from './json-frames.ts';
import type { Session, Signal, StreamProtocol, Subscription } from './stream-protocol.ts';
import { WEBSOCKET_ENDS } from './websocket-ends.ts';

const EVENT_TYPES = ['conversation', 'interaction', 'routing', 'analytics', 'user'];
/** Most subscriptions that an organization can be configured to have. */
const MAX_SUBSCRIPTIONS = 10_000;
/** Characters of a server's message that are logged. */
const MAX_MESSAGE_CHARACTERS = 200;

const ANALYTICS_ENDS: EndTable = {
  codes: {
    ...WEBSOCKET_ENDS,
    1008: {
      recovery: 'reauthenticate',
      meaning: 'the token has expired or lacks analytics:events:read, or the address is not allowed',
    },
  },
  otherCode: { recovery: 'resume', meaning: 'unknown close code' },
  statuses: { 429: { recovery: 'resume', meaning: 'too many connections', throttled: true } },
  otherStatus: { recovery: 'resume', meaning: 'the upgrade was refused' },
};
/** Error messages, by code. */
const ERRORS: Readonly<Record<string, End>> = {
  400: { recovery: 'stop', meaning: 'the filter is invalid: check ANALYTICS_FILTERS' },
  401: { recovery: 'reauthenticate', meaning: 'the token is not accepted' },
  403: { recovery: 'resume', meaning: 'the quota of subscriptions is used up', throttled: true },
};
const OTHER_ERROR: End = { recovery: 'resume', meaning: 'the server reports an error' };

const configuration = z
  .object({
    ANALYTICS_URL: webSocketUrl.meta({
      description: 'Address of the stream.',
      defaultText: '`wss://api.{GENESYS_DOMAIN}/api/v2/analytics/events`',
    }),
    ANALYTICS_EVENT_TYPES: listOf(EVENT_TYPES).meta({
      description: `Event types to subscribe to, separated by commas: ${EVENT_TYPES.join(', ')}.`,
      typeText: 'list of event types',
      defaultText: 'required',
    }),
    ANALYTICS_FILTERS: jsonObject('{}').meta({ description: 'Filters, a JSON object.' }),
    ANALYTICS_CONSUMER_GROUP: name('switchboard').meta({
      description: 'Consumer group, and name of the subscription in health and gap records.',
      typeText: '1-64 letters, digits, `-` and `_`',
    }),
    ANALYTICS_MAX_SUBSCRIPTIONS: wholeNumber({ fallback: 1, min: 1, max: MAX_SUBSCRIPTIONS }).meta({
      description: 'Subscriptions that the organization may have.',
    }),
    ANALYTICS_ACTIVE_SUBSCRIPTIONS: wholeNumber({ fallback: 0, min: 0, max: MAX_SUBSCRIPTIONS }).meta({
      description: 'Subscriptions that the organization has besides this one. Fewer than the maximum.',
    }),
  })
  .refine((set) => !(set.ANALYTICS_ACTIVE_SUBSCRIPTIONS >= set.ANALYTICS_MAX_SUBSCRIPTIONS), {
    path: ['ANALYTICS_ACTIVE_SUBSCRIPTIONS'],
    error: 'is not below ANALYTICS_MAX_SUBSCRIPTIONS: no subscription is left',
    // With the problems of the other variables.
    when: () => true,
  });
type Configuration = z.infer<typeof configuration>;

interface AnalyticsSubscription extends Subscription {
  readonly set: Configuration;
  readonly token: ConnectionToken;
  readonly rejected: Map<string, string>;
}

/** The name of an event type in events, gap records and health. */
const topicOf = (type: string) => `analytics.events.${type}`;

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
const MESSAGE_TYPES: ReadonlySet<unknown> = new Set(
  messageSchema.options.map(({ shape }) => shape.type.value),
);

class AnalyticsSession implements Session {
  readonly url: string;
  readonly replaceByMs: number;
  private readonly subscription: AnalyticsSubscription;
  private readonly accessToken: string;
  private readonly stopping: AbortSignal;

  constructor(
    { url, accessToken, expiresAtMs }: { url: string; accessToken: string; expiresAtMs: number },
    subscription: AnalyticsSubscription,
    stopping: AbortSignal,
  ) {
    this.url = url;
    this.accessToken = accessToken;
    this.replaceByMs = replaceBy(expiresAtMs);
    this.subscription = subscription;
    this.stopping = stopping;
  }

  onOpen(): readonly Signal[] {
    return [send({ type: 'auth', access_token: this.accessToken, session_id: randomUUID() })];
  }

  onFrame(data: Buffer, isBinary: boolean): readonly Signal[] {
    const json = readJsonFrame(data, isBinary);
    if (json.kind === 'rejected') return [json];
    const { type } = json.value as { type?: unknown };
    if (typeof type === 'string' && !MESSAGE_TYPES.has(type))
      return [{ kind: 'notice', message: `unknown message type ${type.slice(0, MAX_MESSAGE_CHARACTERS)}` }];
    const message = messageSchema.safeParse(json.value);
    return [message.success ? this.act(message.data) : { kind: 'rejected', reason: 'invalid_frame' }];
  }

  /** A group that another connection uses is kept, so only a stop unsubscribes. */
  onClosing(): readonly Signal[] {
    const { ANALYTICS_CONSUMER_GROUP: consumer_group } = this.subscription.set;
    return this.stopping.aborted ? [send({ type: 'unsubscribe', consumer_group })] : [];
  }

  private act(message: z.infer<typeof messageSchema>): Signal {
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
        return { kind: 'refused', end: ERRORS[code] ?? OTHER_ERROR, reason };
      }
      case 'event':
        return readEvent(message.data);
    }
  }

  private noteRejected(accepted: readonly string[]): void {
    const { rejected, set } = this.subscription;
    rejected.clear();
    for (const type of set.ANALYTICS_EVENT_TYPES)
      if (!accepted.includes(type)) rejected.set(topicOf(type), 'not in the acknowledgement of the server');
  }
}

type EventData = Extract<z.infer<typeof messageSchema>, { type: 'event' }>['data'];

function readEvent({ type, id, timestamp, data, metadata }: EventData): Signal {
  const frame = frameSchema.safeParse({ topicName: topicOf(type), timestamp, eventBody: data, metadata });
  if (!frame.success) return { kind: 'rejected', reason: 'invalid_frame' };
  const sequence = metadata?.sequence_number;
  return {
    kind: 'event',
    event: { id, frame: frame.data, ...(sequence === undefined ? {} : { sequence }) },
  };
}

function send(message: object): Signal {
  return { kind: 'send', message: JSON.stringify(message) };
}

/** Analytics events: a token and a subscription are sent as messages, and both are acknowledged. */
export const analyticsEvents: StreamProtocol<Configuration, AnalyticsSubscription> = {
  name: 'analytics-events',
  configuration,
  ends: ANALYTICS_ENDS,
  liveness: { silenceMs: 30_000, ping: { everyMs: 10_000 } },
  async *subscriptions(set) {
    const topics = set.ANALYTICS_EVENT_TYPES.map(topicOf);
    const subscription = { topics, rejected: new Map(), set, token: new ConnectionToken() };
    yield new Map([[set.ANALYTICS_CONSUMER_GROUP, subscription]]);
  },
  async connect({ subscription, recovery }, context) {
    const { token, client } = await subscription.token.get(context, recovery);
    const url =
      subscription.set.ANALYTICS_URL ?? streamUrl(client.rest.apiUrl, '/api/v2/analytics/events').href;
    return new AnalyticsSession({ url, ...token }, subscription, context.signal);
  },
};
