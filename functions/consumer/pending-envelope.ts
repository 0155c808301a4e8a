import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import type { QueuedNativeEvent } from '../../lib/events/native-event.ts';
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
  /** SQS ids of its messages. There is more than one if SQS delivered the same body more than once in the batch. */
  readonly messageIds: readonly [string, ...string[]];
  readonly events: readonly QueuedEvent[];
  readonly invalid: readonly InvalidItem[];
  /** The event of a message from the native integration, if its id depends on earlier events. */
  readonly native?: Required<QueuedNativeEvent>;
}

/** An envelope whose event gets its final id from `resolveOccurrences`. */
export type NativeEnvelope = PendingEnvelope & Required<Pick<PendingEnvelope, 'native'>>;

/** Whether the event of a message still needs its final id. */
export function isUnresolved(one: PendingEnvelope): one is NativeEnvelope {
  return one.native !== undefined;
}

/**
 * Reads a batch. Records with the same body become one envelope, because SQS may deliver a message twice in one batch.
 *
 * @param redaction - see {@link parseBody}
 */
export function readRecords(
  records: readonly QueueRecord[],
  redaction?: ContentRedaction,
): {
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
    const parsed = parseBody(body, redaction);
    if (!parsed.ok) {
      unreadable.push({ body: parsed.body ?? body, reason: parsed.reason, messageId });
      continue;
    }
    const { ok: _, ...content } = parsed;
    pending.set(body, { ...content, messageIds: [messageId] });
  }
  return { pending: [...pending.values()], unreadable };
}
