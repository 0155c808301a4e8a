import * as z from 'zod';
import { frameSchema } from '../../../../lib/events/schema.ts';
import { type ConnectionToken, replaceBy } from '../connection-token.ts';
import { readJsonFrame } from '../json-frames.ts';
import { readMsgpackFrame } from '../msgpack-frames.ts';
import { type NumberedSubscription, SequenceReader } from '../sequence-reader.ts';
import type { ProtocolContext, Session, Signal } from '../stream-protocol.ts';

/** Maximum number of unknown fields that are reported. */
const MAX_REPORTED_FIELDS = 1_000;

/** The subscription of one event type. */
export interface InteractionSubscription extends NumberedSubscription {
  readonly name: string;
  readonly message: string;
  readonly dropsLate: boolean;
  readonly url: string | undefined;
  readonly token: ConnectionToken;
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

/** Subscribes on open, and reads msgpack and JSON on the same socket. */
export class InteractionSession implements Session {
  readonly url: string;
  readonly replaceByMs: number;
  private readonly subscription: InteractionSubscription;
  private readonly sequence: SequenceReader;

  constructor(
    { url, expiresAtMs }: { url: string; expiresAtMs: number },
    subscription: InteractionSubscription,
    context: ProtocolContext,
  ) {
    this.url = url;
    this.replaceByMs = replaceBy(expiresAtMs);
    this.subscription = subscription;
    this.sequence = new SequenceReader(subscription, context);
  }

  /** The server does not acknowledge the subscription, so a pong has to show that it has read it. */
  onOpen(): readonly Signal[] {
    return [
      { kind: 'send', message: this.subscription.message },
      { kind: 'ready', after: 'pong' },
    ];
  }

  onFrame(data: Buffer, isBinary: boolean, readUntilMs: number): readonly Signal[] {
    const message = isBinary ? readMsgpackFrame(data) : readJsonFrame(data, false);
    if (message.kind === 'rejected') return [message];
    const event = eventSchema.safeParse(message.value);
    if (!event.success) return [{ kind: 'rejected', reason: 'invalid_frame' }];
    const { eventType, sequenceId, timestamp, data: body } = event.data;
    const more = Object.entries(message.value).filter(([field]) => !KNOWN_FIELDS.has(field));
    const parts = { ...Object.fromEntries(more), topicName: eventType, timestamp, eventBody: body };
    const frame = frameSchema.safeParse(parts);
    if (!frame.success) return [{ kind: 'rejected', reason: 'invalid_frame' }];
    const { signals: read, late } = this.sequence.read(sequenceId, timestamp, readUntilMs);
    const signals = [...this.reportFields(more.map(([field]) => field)), ...read];
    if (late && this.subscription.dropsLate) return [...signals, { kind: 'filtered' }];
    const id = `${this.subscription.name}:${sequenceId}:${timestamp}`;
    return [...signals, { kind: 'event', event: { id, frame: frame.data, sequence: sequenceId, late } }];
  }

  /** An unknown field is kept, and its name is reported once. */
  private reportFields(names: readonly string[]): readonly Signal[] {
    const { reportedFields: reported } = this.subscription;
    return names.flatMap((field): Signal[] => {
      if (reported.has(field) || reported.size >= MAX_REPORTED_FIELDS) return [];
      reported.add(field);
      return [
        {
          kind: 'notice',
          about: 'new_field',
          message: 'the schema has evolved: unknown field',
          quote: field.slice(0, 100),
        },
      ];
    });
  }
}
