import type { z } from 'zod';
import {
  type Envelope,
  envelopeSchema,
  type QueuedEvent,
  queuedEventSchema,
  rejectedFrameSchema,
} from '../../lib/events/schema.ts';

/** Problems of one item that are told; more add nothing. */
const PROBLEMS_TOLD = 3;

/** An item of an envelope that no retry can mend. */
export interface InvalidItem {
  item: unknown;
  reason: string;
}

/** A message body as the consumer understands it. */
export type ParsedBody =
  | { ok: true; envelope: Envelope; events: QueuedEvent[]; invalid: InvalidItem[] }
  | { ok: false; reason: string };

/** Understand a message body; events are judged one by one, so that a bad one does not hold back the rest. */
export function parseBody(body: string): ParsedBody {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { ok: false, reason: 'the message is not JSON' };
  }
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

function invalidReason(item: unknown, error: z.ZodError): string {
  const rejected = rejectedFrameSchema.safeParse(item);
  if (rejected.success) return `rejected frame: ${rejected.data.rejected.reason}`;
  return `not an event: ${describe(error)}`;
}

function describe(error: z.ZodError): string {
  const told = error.issues
    .slice(0, PROBLEMS_TOLD)
    .map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`);
  return told.join('; ');
}
