import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { parseExactJson } from '../../lib/events/exact-json.ts';
import type { FieldMapping } from '../../lib/events/field-mapping.ts';
import { type PublishedEvent, publishedEventSchema } from '../../lib/events/published-event.ts';
import type { Frame } from '../../lib/events/schema.ts';

/** What a destination receives without a field mapping: the EventBridge event, or its `detail`. */
export const DELIVERED_CONTENTS = ['event', 'detail'] as const;

/** Problems that are named in a reason. */
const MAX_NAMED_PROBLEMS = 3;

/** What a header and a key of DynamoDB can contain. */
const EVENT_ID = /^[!-~]{1,256}$/;

/** The request body for an event. */
export interface EventContent {
  readonly kind: 'content';
  readonly body: string;
  /** Id of the event, the same for every attempt. */
  readonly id: string;
  /** The same, but different for each replay of an archive: replayed events are delivered again. */
  readonly deliveryId: string;
  /** When Switchboard received the event, ISO 8601. */
  readonly receivedAt: string;
}

/** The request body for an event, or why there is none. */
export type Content = EventContent | { readonly kind: 'unmapped'; readonly reason: string };

/** Options of {@link contentOf}. */
export interface ContentOptions {
  readonly content: (typeof DELIVERED_CONTENTS)[number];
  /** Applied before the fields are selected. */
  readonly redaction: ContentRedaction | undefined;
  /** Fields to send instead of the whole content. */
  readonly fields: FieldMapping | undefined;
}

/** Turns the message of the delivery queue, an EventBridge event, into the request body. */
export function contentOf(message: string, { content, redaction, fields }: ContentOptions): Content {
  let value: unknown;
  try {
    value = parseExactJson(message);
  } catch {
    return { kind: 'unmapped', reason: 'the message is not JSON' };
  }
  const { error } = publishedEventSchema.safeParse(value);
  if (error) return { kind: 'unmapped', reason: `it is not a published event: ${problemsIn(error.issues)}` };
  // The parsed value has its members in another order.
  const published = value as PublishedEvent;
  const event = redaction ? redacted(published, redaction) : published;
  const { eventId: id, receivedAt } = event.detail.metadata;
  if (!EVENT_ID.test(id)) return { kind: 'unmapped', reason: 'its event id cannot be a header' };
  const mapped = fields?.apply(event) ?? {
    kind: 'mapped',
    value: content === 'detail' ? event.detail : event,
  };
  if (mapped.kind === 'problem') return { kind: 'unmapped', reason: mapped.reason };
  const { 'replay-name': replay } = event;
  const deliveryId = typeof replay === 'string' ? `${id}#${replay}` : id;
  return { kind: 'content', body: JSON.stringify(mapped.value), id, deliveryId, receivedAt };
}

/** The event without the redacted content. Its metadata belongs to Switchboard and is kept. */
function redacted(event: PublishedEvent, redaction: ContentRedaction): PublishedEvent {
  const { metadata, ...frame } = event.detail;
  return { ...event, detail: { ...redaction.frame(frame as Frame), metadata } as PublishedEvent['detail'] };
}

function problemsIn(issues: readonly { readonly path: PropertyKey[]; readonly message: string }[]): string {
  return issues
    .slice(0, MAX_NAMED_PROBLEMS)
    .map(({ path, message }) => `${path.join('.')} ${message}`)
    .join('; ');
}
