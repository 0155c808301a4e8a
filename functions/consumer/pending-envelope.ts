import { randomUUID } from 'node:crypto';
import type { Envelope, QueuedEvent } from '../../lib/events/schema.ts';
import type { Claim, ClaimRequest } from './claim.ts';
import { fingerprint, quarantineMark } from './mark.ts';
import type { Quarantined } from './quarantine.ts';
import { type InvalidItem, parseBody } from './validate.ts';

/** What the consumer needs of an SQS record. */
export interface QueueRecord {
  messageId: string;
  body: string;
  /** `ApproximateReceiveCount`. */
  receiveCount: number;
}

/** One envelope of the batch and how far it is. */
export interface Work {
  readonly envelope: Envelope;
  /** Messages that brought it: more than one where SQS delivered it twice. */
  readonly messageIds: [string, ...string[]];
  readonly receiveCount: number;
  /**
   * Claim on this receive, with an owner of its own: of two deliveries of one receive only one gets it. The first
   * receive needs none, for there the claims on its events tell the two apart.
   */
  readonly turn: ClaimRequest | undefined;
  readonly events: readonly QueuedEvent[];
  readonly invalid: readonly InvalidItem[];
  /** Events that this envelope owns and that have not been settled. */
  toPublish: QueuedEvent[];
  /** What its owner's marker is to say of this invocation: ids of published events, marks of quarantined ones. */
  settled: string[];
  mustComeAgain: boolean;
}

/** The batch by body: SQS may deliver the same message twice in one batch. */
export function readRecords(records: readonly QueueRecord[]): { works: Work[]; unreadable: Quarantined[] } {
  const works = new Map<string, Work>();
  const unreadable: Quarantined[] = [];
  for (const { messageId, body, receiveCount } of records) {
    const known = works.get(body);
    if (known) {
      known.messageIds.push(messageId);
      continue;
    }
    const parsed = parseBody(body);
    if (!parsed.ok) {
      unreadable.push({ body, reason: parsed.reason, messageId });
      continue;
    }
    const { envelope, events, invalid } = parsed;
    const turnId = `receive#${messageId}#${receiveCount}`;
    works.set(body, {
      envelope,
      messageIds: [messageId],
      receiveCount,
      turn: receiveCount > 1 ? { eventId: turnId, owner: randomUUID() } : undefined,
      events,
      invalid,
      toPublish: [],
      settled: [],
      mustComeAgain: false,
    });
  }
  return { works: [...works.values()], unreadable };
}

/** Whether an earlier try at this message may have published the event already. */
export function mayBeRetry(claim: Claim | undefined, work: Work): boolean {
  return claim !== undefined && claim.made !== 'now' && claim.owner === work.envelope.owner;
}

/**
 * `publish` · `duplicate`: another message publishes it · `settled`: an earlier try did · `later`: it cannot be
 * decided now, the message must come again.
 *
 * @param settled - fingerprints in the owner's marker; undefined when it was not or could not be read
 */
export function judge(
  work: Work,
  event: QueuedEvent,
  claims: ReadonlyMap<string, Claim>,
  settled: ReadonlySet<string> | undefined,
): 'publish' | 'duplicate' | 'settled' | 'later' {
  const claim = claims.get(event.id);
  if (!claim) return 'later';
  if (claim.owner !== work.envelope.owner) return 'duplicate';
  if (claim.made !== 'now') {
    if (!settled) return 'later';
    if (isSettled(work, event, settled)) return 'settled';
    // Received for the first time and claimed already: SQS has delivered this message twice, and the other delivery
    // is being worked on. It comes again after the visibility timeout, when that one has marked what it published.
    if (work.receiveCount <= 1 && claim.made === 'earlier') return 'later';
  }
  const { turn } = work;
  return !turn || claims.get(turn.eventId)?.owner === turn.owner ? 'publish' : 'later';
}

function isSettled({ messageIds }: Work, { id }: QueuedEvent, settled: ReadonlySet<string>): boolean {
  return (
    settled.has(fingerprint(id)) ||
    messageIds.some((messageId) => settled.has(fingerprint(quarantineMark(messageId, id))))
  );
}
