import { randomUUID } from 'node:crypto';
import type { Envelope, QueuedEvent } from '../../lib/events/schema.ts';
import type { Claim, ClaimRequest } from './claim.ts';
import { fingerprint, quarantineMark } from './mark.ts';
import type { Quarantined } from './quarantine.ts';
import { type InvalidItem, parseBody } from './validate.ts';

/** The fields of an SQS record that the consumer needs. */
export interface QueueRecord {
  messageId: string;
  body: string;
  /** `ApproximateReceiveCount`. */
  receiveCount: number;
}

/** An envelope of the batch. */
export interface PendingEnvelope {
  readonly envelope: Envelope;
  /** SQS ids of its messages: more than one if SQS delivered the same body twice in the batch. */
  readonly messageIds: readonly [string, ...string[]];
  readonly receiveCount: number;
  /**
   * Claim on this receive, with a random owner: only one of two deliveries with the same receive count gets it. The
   * first receive needs none, because the claims on its events distinguish the two deliveries.
   */
  readonly receiveClaim: ClaimRequest | undefined;
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
  for (const { messageId, body, receiveCount } of records) {
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
    const receiveId = `receive#${messageId}#${receiveCount}`;
    pending.set(body, {
      envelope,
      messageIds: [messageId],
      receiveCount,
      receiveClaim: receiveCount > 1 ? { eventId: receiveId, owner: randomUUID() } : undefined,
      events,
      invalid,
    });
  }
  return { pending: [...pending.values()], unreadable };
}

/** Whether an earlier delivery of this envelope may have published the event already. */
export function mayBeRetry(claim: Claim | undefined, { envelope }: PendingEnvelope): boolean {
  return claim !== undefined && claim.made !== 'now' && claim.owner === envelope.owner;
}

/**
 * Decides what to do with an event: `publish` it; drop it as a `duplicate`, because another message publishes it; skip
 * it as `done` by an earlier delivery; or `redeliver` its message, because it cannot be decided now.
 *
 * @param done - fingerprints in the owner's marker; undefined if the marker was not or could not be read
 */
export function decide(
  pending: PendingEnvelope,
  event: QueuedEvent,
  claims: ReadonlyMap<string, Claim>,
  done: ReadonlySet<string> | undefined,
): 'publish' | 'duplicate' | 'done' | 'redeliver' {
  const claim = claims.get(event.id);
  if (!claim) return 'redeliver';
  if (claim.owner !== pending.envelope.owner) return 'duplicate';
  if (claim.made !== 'now') {
    if (!done) return 'redeliver';
    if (isDone(pending, event, done)) return 'done';
    // A claim before the first receive: SQS delivered the message twice, and the other delivery is in progress. It
    // has marked what it published before the next delivery, which comes after the visibility timeout.
    if (pending.receiveCount <= 1 && claim.made === 'earlier') return 'redeliver';
  }
  const { receiveClaim } = pending;
  const ownsReceive = !receiveClaim || claims.get(receiveClaim.eventId)?.owner === receiveClaim.owner;
  return ownsReceive ? 'publish' : 'redeliver';
}

function isDone({ messageIds }: PendingEnvelope, { id }: QueuedEvent, done: ReadonlySet<string>): boolean {
  return (
    done.has(fingerprint(id)) ||
    messageIds.some((messageId) => done.has(fingerprint(quarantineMark(messageId, id))))
  );
}
