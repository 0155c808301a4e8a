import type { z } from 'zod';
import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import { parseExactJson } from '../../lib/events/exact-json.ts';
import { withheldItem, withoutRefusedCharacters } from '../../lib/events/item.ts';
import {
  NATIVE_PROTOCOL,
  nativeEventSchema,
  type QueuedNativeEvent,
  queuedNativeEvent,
} from '../../lib/events/native-event.ts';
import {
  type Envelope,
  envelopeSchema,
  type QueuedEvent,
  queuedEventSchema,
  rejectedFrameSchema,
} from '../../lib/events/schema.ts';

/** Problems per item in a reason. */
const MAX_REPORTED_PROBLEMS = 3;

/** JSON that is nested thousands of levels deep overflows the stack when it is serialized, so it cannot be split. */
const MAX_NESTING_LEVELS = 1_000;

/** Added to the reason of an item whose content is withheld. */
const WITHHELD = ' (withheld, because it cannot be redacted)';

/** An item of an envelope that is not a valid event. */
export interface InvalidItem {
  item: unknown;
  reason: string;
}

/** The result of parsing a message body. */
export type ParsedBody =
  | {
      ok: true;
      envelope: Envelope;
      events: QueuedEvent[];
      invalid: InvalidItem[];
      native?: Required<QueuedNativeEvent>;
    }
  | {
      ok: false;
      reason: string;
      /** The body to quarantine instead of the message, if its content is redacted. */
      body?: string;
    };

/**
 * Parses a message body. Events are validated one by one, so that an invalid one does not block the others.
 *
 * @param redaction - applied to messages that EventBridge itself put into the queue. The content of other messages was
 *   redacted before they were sent.
 */
export function parseBody(body: string, redaction?: ContentRedaction): ParsedBody {
  let value: unknown;
  try {
    value = parseExactJson(body);
  } catch {
    return { ok: false, reason: 'the message is not JSON' };
  }
  const parsed = parseMessage(value, redaction);
  return parsed.ok || !redaction || !isNative(value) ? parsed : redacted(body, parsed.reason, redaction);
}

function parseMessage(value: unknown, redaction: ContentRedaction | undefined): ParsedBody {
  if (isDeeper(value, MAX_NESTING_LEVELS))
    return { ok: false, reason: `the message is nested more than ${MAX_NESTING_LEVELS} levels deep` };
  if (isNative(value)) return parseNative(value, redaction);
  const envelope = envelopeSchema.safeParse(value);
  if (!envelope.success) return { ok: false, reason: `not an envelope: ${describe(envelope.error)}` };
  const events: QueuedEvent[] = [];
  const invalid: InvalidItem[] = [];
  for (const item of envelope.data.events) {
    const event = queuedEventSchema.safeParse(item);
    if (event.success) events.push(event.data);
    else invalid.push({ item, reason: invalidReason(item, event.error) });
  }
  return { ok: true, envelope: envelope.data, events, invalid };
}

/** A message is an envelope or an event that EventBridge delivered. Only the latter has a `detail-type`. */
function isNative(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'detail-type' in value;
}

/**
 * The message of a native event is an envelope of one event. All its deliveries have the same EventBridge id, so they
 * count as one message.
 */
function parseNative(value: unknown, redaction: ContentRedaction | undefined): ParsedBody {
  const native = nativeEventSchema.safeParse(value);
  if (!native.success)
    return { ok: false, reason: `not an event of the native integration: ${describe(native.error)}` };
  const { id, time } = native.data;
  const queued = queuedNativeEvent(native.data, redaction);
  if (!queued) return { ok: false, reason: 'rejected frame: too_deep' };
  const { event, occurrence } = queued;
  return {
    ok: true,
    envelope: { v: 1, id, owner: id, sentAt: time, events: [event] },
    events: [event],
    invalid: [],
    ...(occurrence === undefined ? {} : { native: { event, occurrence } }),
  };
}

/** What is quarantined if a native event is not valid. Redaction paths are applied at every level of the message. */
function redacted(body: string, reason: string, redaction: ContentRedaction): ParsedBody {
  const message = Buffer.from(body);
  const left = redaction.rejected(message);
  if (left)
    return { ok: false, reason: `${reason} (redacted)`, body: withoutRefusedCharacters(left.toString()) };
  const about = {
    reason: 'too_deep',
    protocol: NATIVE_PROTOCOL,
    receivedAt: new Date().toISOString(),
    redacted: true,
  } as const;
  return { ok: false, reason: `${reason}${WITHHELD}`, body: withheldItem(message, about).json };
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}

function invalidReason(item: unknown, error: z.ZodError): string {
  const rejected = rejectedFrameSchema.safeParse(item);
  if (rejected.success) {
    const { reason, encoding } = rejected.data.rejected;
    return `rejected frame: ${reason}${encoding === 'withheld' ? WITHHELD : ''}`;
  }
  return `not an event: ${describe(error)}`;
}

function describe(error: z.ZodError): string {
  return error.issues
    .slice(0, MAX_REPORTED_PROBLEMS)
    .map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`)
    .join('; ');
}
