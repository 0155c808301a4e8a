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

/**
 * Deepest nesting of a body. What is deeper cannot be written as JSON again (the stack ends at some thousands), so
 * that its items cannot be told apart.
 */
const DEPTH_LIMIT_LEVELS = 1_000;

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
  if (isDeeper(value, DEPTH_LIMIT_LEVELS))
    return { ok: false, reason: `the message is nested more than ${DEPTH_LIMIT_LEVELS} levels deep` };
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

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
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
