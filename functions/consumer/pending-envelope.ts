import type { Envelope, QueuedEvent } from '../../lib/events/schema.ts';
import type { Quarantined } from './quarantine.ts';
import { type InvalidItem, parseBody } from './validate.ts';

/** The fields of an SQS record that the consumer needs. */
export interface QueueRecord {
  messageId: string;
  body: string;
}

/** An envelope of the batch. */
export interface PendingEnvelope {
  readonly envelope: Envelope;
  /** SQS ids of its messages: more than one if SQS delivered the same body twice in the batch. */
  readonly messageIds: readonly [string, ...string[]];
  readonly events: readonly QueuedEvent[];
  readonly invalid: readonly InvalidItem[];
}

/** Reads a batch. Records with the same body become one envelope: SQS may deliver a message twice in one batch. */
export function readRecords(records: readonly QueueRecord[]): {
  pending: PendingEnvelope[];
  unreadable: Quarantined[];
} {
  const pending = new Map<string, PendingEnvelope>();
  const unreadable: Quarantined[] = [];
  for (const { messageId, body } of records) {
    const known = pending.get(body);
    if (known) {
      pending.set(body, { ...known, messageIds: [...known.messageIds, messageId] });
      continue;
    }
    const parsed = parseBody(body);
    if (!parsed.ok) {
      unreadable.push({ body, reason: parsed.reason, messageId });
      continue;
    }
    const { envelope, events, invalid } = parsed;
    pending.set(body, { envelope, messageIds: [messageId], events, invalid });
  }
  return { pending: [...pending.values()], unreadable };
}
