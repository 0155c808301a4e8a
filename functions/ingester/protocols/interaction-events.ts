import * as z from 'zod';
import { frameSchema } from '../../../lib/events/schema.ts';
import { jsonObject, listOf, webSocketUrl, wholeNumber } from './configuration-fields.ts';
import { ConnectionToken, replaceBy, streamUrl } from './connection-token.ts';
import type { EndTable } from './end-table.ts';
import { readJsonFrame } from './json-frames.ts';
import { readMsgpackFrame } from './msgpack-frames.ts';
import { epochReason, type SequenceOutcome, SequenceTracker, sequenceSignals } from './sequence-tracker.ts';
import type { ProtocolContext, Session, Signal, StreamProtocol, Subscription } from './stream-protocol.ts';
import { UPGRADE_ENDS, WEBSOCKET_ENDS } from './websocket-ends.ts';

const EVENT_TYPES = ['interaction:updated', 'interaction:created'];
const OPERATORS = ['eq', 'gt', 'contains'];
/** Connections of an organization. A new one needs fewer. */
const MAX_CONNECTIONS = 100;
/** Size of a subscription message. */
const MAX_SUBSCRIPTION_BYTES = 65_536;
/** Longest time for which the server can be asked to send again. */
const MAX_RETRY_SECONDS = 86_400;
/** Names of unknown fields that are reported. */
const MAX_REPORTED_FIELDS = 1_000;

const INTERACTION_ENDS: EndTable = {
  codes: {
    ...WEBSOCKET_ENDS,
    4001: { recovery: 'reauthenticate', meaning: 'the token has expired' },
    4003: {
      recovery: 'reauthenticate',
      meaning: 'the subscription is refused: a filter is invalid, or a data type is restricted',
      maxInARow: 1,
    },
  },
  otherCode: { recovery: 'resume', meaning: 'unknown close code' },
  statuses: {
    ...UPGRADE_ENDS,
    401: { recovery: 'reauthenticate', meaning: 'the token is not accepted, or lacks view:interaction' },
  },
  otherStatus: { recovery: 'resume', meaning: 'the upgrade was refused' },
};

const fields = z.object({
  INTERACTION_URL: webSocketUrl.meta({
    description: 'Address of the stream.',
    defaultText: '`wss://{GENESYS_DOMAIN}/api/v2/events`',
  }),
  INTERACTION_EVENT_TYPES: listOf(EVENT_TYPES).meta({
    description: 'Event types, separated by commas: `interaction:updated`, `interaction:created`.',
    typeText: 'list of event types',
    defaultText: 'required',
  }),
  INTERACTION_FILTERS: jsonObject('{"interaction.routing.type":"IVR"}')
    .superRefine((filters, context) => {
      for (const problem of filterProblems(filters)) context.addIssue(problem);
    })
    .meta({
      description: `Filters, a JSON object of texts. A text can begin with an operator: ${OPERATORS.map((one) => `\`${one}:\``).join(', ')}.`,
    }),
  INTERACTION_RETRY_SECONDS: wholeNumber({ fallback: 60, min: 0, max: MAX_RETRY_SECONDS }).meta({
    description: 'Time in which the server sends again what was missed after a short disconnect.',
  }),
  INTERACTION_CONTENT_TYPE: z
    .enum(['application/msgpack', 'application/json'], 'is not application/msgpack or application/json')
    .default('application/msgpack')
    .meta({ description: 'Format of the frames.' }),
  INTERACTION_LATE: z
    .enum(['tag', 'drop'], 'is not tag or drop')
    .default('tag')
    .meta({ description: 'Events that arrive after later ones are tagged (`metadata.late`) or dropped.' }),
  INTERACTION_ACTIVE_CONNECTIONS: wholeNumber({ fallback: 0, min: 0, max: MAX_CONNECTIONS - 1 }).meta({
    description: 'Connections that the organization has besides those of this task.',
  }),
});
type Configuration = z.infer<typeof fields>;

const configuration = fields.superRefine(({ INTERACTION_EVENT_TYPES: types, ...set }, context) => {
  for (const type of types) {
    const bytes = Buffer.byteLength(subscriptionMessage(type, set));
    if (bytes > MAX_SUBSCRIPTION_BYTES)
      context.addIssue({
        code: 'custom',
        path: ['INTERACTION_FILTERS'],
        message: `makes a subscription of ${bytes} bytes, but it can have at most ${MAX_SUBSCRIPTION_BYTES}`,
      });
  }
});

function filterProblems(filters: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(filters).flatMap(([field, value]) => {
    if (typeof value !== 'string') return [`has a value of ${field} that is not text`];
    const operator = /^([a-z]+):/i.exec(value)?.[1];
    if (operator === undefined || OPERATORS.includes(operator)) return [];
    return [`has the operator ${operator}: for ${field}, which is not one of ${OPERATORS.join(', ')}`];
  });
}

function subscriptionMessage(eventType: string, set: Omit<Configuration, 'INTERACTION_EVENT_TYPES'>): string {
  return JSON.stringify({
    eventType,
    dataTypes: ['interaction'],
    filters: set.INTERACTION_FILTERS,
    retry: set.INTERACTION_RETRY_SECONDS,
    contentType: set.INTERACTION_CONTENT_TYPE,
  });
}

interface InteractionSubscription extends Subscription {
  readonly name: string;
  readonly message: string;
  readonly dropsLate: boolean;
  readonly url: string | undefined;
  readonly token: ConnectionToken;
  readonly tracker: SequenceTracker;
  /** Unknown fields that have been reported. */
  readonly reportedFields: Set<string>;
}

const eventSchema = z.object({
  eventType: z.string().regex(/^[\w:.-]{1,100}$/),
  sequenceId: z.number().int().nonnegative(),
  timestamp: z.union([
    z.iso.datetime({ offset: true }),
    z
      .number()
      .min(0)
      .max(8.64e15)
      .transform((ms) => new Date(ms).toISOString()),
  ]),
  data: z.unknown(),
});
const KNOWN_FIELDS: ReadonlySet<string> = new Set(Object.keys(eventSchema.shape));

class InteractionSession implements Session {
  readonly url: string;
  readonly replaceByMs: number;
  private readonly subscription: InteractionSubscription;
  private readonly recordGap: ProtocolContext['recordGap'];
  private readonly outcomeOf: (sequence: number, timestamp: string) => SequenceOutcome;

  constructor(
    { url, expiresAtMs }: { url: string; expiresAtMs: number },
    subscription: InteractionSubscription,
    { recordGap }: ProtocolContext,
  ) {
    this.url = url;
    this.replaceByMs = replaceBy(expiresAtMs);
    this.subscription = subscription;
    this.recordGap = recordGap;
    this.outcomeOf = subscription.tracker.connection();
  }

  /** The subscription is not acknowledged, so a pong has to show that the server has read it. */
  onOpen(): readonly Signal[] {
    return [
      { kind: 'send', message: this.subscription.message },
      { kind: 'ready', after: 'pong' },
    ];
  }

  onFrame(data: Buffer, isBinary: boolean): readonly Signal[] {
    const message = isBinary ? readMsgpackFrame(data) : readJsonFrame(data, false);
    if (message.kind === 'rejected') return [message];
    const event = eventSchema.safeParse(message.value);
    if (!event.success) return [{ kind: 'rejected', reason: 'invalid_frame' }];
    const { eventType, sequenceId, timestamp, data: body } = event.data;
    const more = Object.entries(message.value).filter(([field]) => !KNOWN_FIELDS.has(field));
    const parts = { ...Object.fromEntries(more), topicName: eventType, timestamp, eventBody: body };
    const frame = frameSchema.safeParse(parts);
    if (!frame.success) return [{ kind: 'rejected', reason: 'invalid_frame' }];
    const outcome = this.outcomeOf(sequenceId, timestamp);
    if (outcome.kind === 'epoch') {
      const reason = epochReason(outcome.last, sequenceId);
      this.recordGap({ topics: this.subscription.topics, fromMs: outcome.sinceMs, toMs: Date.now(), reason });
    }
    const signals = [...this.reportFields(more.map(([field]) => field)), ...sequenceSignals(outcome)];
    const late = outcome.kind === 'late';
    if (late && this.subscription.dropsLate) return [...signals, { kind: 'filtered' }];
    const id = `${this.subscription.name}:${sequenceId}:${timestamp}`;
    return [...signals, { kind: 'event', event: { id, frame: frame.data, sequence: sequenceId, late } }];
  }

  /** An unknown field is kept, and reported once by name. */
  private reportFields(names: readonly string[]): readonly Signal[] {
    const { reportedFields: reported } = this.subscription;
    return names.flatMap((field): Signal[] => {
      if (reported.has(field) || reported.size >= MAX_REPORTED_FIELDS) return [];
      reported.add(field);
      return [{ kind: 'notice', message: `the schema has evolved: unknown field ${field.slice(0, 100)}` }];
    });
  }
}

/** Interaction events (IVR): msgpack or JSON, a subscription per event type, and a sequence. */
export const interactionEvents: StreamProtocol<Configuration, InteractionSubscription> = {
  name: 'interaction-events',
  configuration,
  ends: INTERACTION_ENDS,
  liveness: { silenceMs: 30_000, ping: { everyMs: 10_000 } },
  async *subscriptions({ INTERACTION_EVENT_TYPES, ...set }) {
    const named = INTERACTION_EVENT_TYPES.map((type): [string, InteractionSubscription] => {
      const name = type.replace(':', '-');
      const subscription = {
        name,
        topics: [type],
        message: subscriptionMessage(type, set),
        dropsLate: set.INTERACTION_LATE === 'drop',
        url: set.INTERACTION_URL,
        token: new ConnectionToken(),
        tracker: new SequenceTracker(),
        reportedFields: new Set<string>(),
      };
      return [name, subscription];
    });
    yield new Map(named);
  },
  async connect({ subscription, recovery }, context) {
    const { token, client } = await subscription.token.get(context, recovery);
    const address = subscription.url ?? streamUrl(client.rest.apiUrl, '/api/v2/events', 'domain').href;
    const url = new URL(address);
    url.searchParams.set('access_token', token.accessToken);
    return new InteractionSession({ url: url.href, expiresAtMs: token.expiresAtMs }, subscription, context);
  },
};
