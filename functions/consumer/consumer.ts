import type { Log } from '../../lib/aws/logger.ts';
import type { Envelope, QueuedEvent } from '../../lib/events/schema.ts';
import type { Claim, ClaimRequest, Claims } from './claim.ts';
import type { Deadline } from './deadline.ts';
import { fingerprint, type Markers } from './mark.ts';
import type { Publisher, PublishOutcome } from './publish.ts';
import { type Quarantine, type Quarantined, splitOff } from './quarantine.ts';
import { type InvalidItem, parseBody } from './validate.ts';

/** What the consumer needs of an SQS record. */
export interface QueueRecord {
  messageId: string;
  body: string;
  /** `ApproximateReceiveCount`. */
  receiveCount: number;
}

/** What one batch came to. */
export interface BatchReport {
  /** SQS ids of the messages that must come again. */
  failedMessageIds: string[];
  received: number;
  published: QueuedEvent[];
  duplicates: number;
  quarantined: number;
}

/** The consumer's steps, each with its own connection to AWS. */
export interface ConsumerSteps {
  claims: Claims;
  markers: Markers;
  publisher: Publisher;
  quarantine: Quarantine;
  log: Log;
}

/** One envelope of the batch and how far it is. */
interface Work {
  readonly envelope: Envelope;
  /** Messages that brought it: more than one where SQS delivered it twice. */
  readonly messageIds: string[];
  readonly receiveCount: number;
  readonly events: readonly QueuedEvent[];
  readonly invalid: readonly InvalidItem[];
  /** Events that this envelope owns and that have not been settled. */
  toPublish: QueuedEvent[];
  /** Ids of events settled in this invocation. */
  settled: string[];
  mustComeAgain: boolean;
}

/**
 * The dedup protocol for one batch of messages: claim every event, publish what this message owns and has not
 * settled, mark it, report the messages with something left. See CONTRIBUTING for why nothing is lost or doubled.
 */
export class Consumer {
  private readonly steps: ConsumerSteps;

  constructor(steps: ConsumerSteps) {
    this.steps = steps;
  }

  /** Process a batch. Throws only for what a person must mend (a missing table, a denied action). */
  async process(records: readonly QueueRecord[], deadline: Deadline): Promise<BatchReport> {
    const report: BatchReport = {
      failedMessageIds: [],
      received: 0,
      published: [],
      duplicates: 0,
      quarantined: 0,
    };
    const { works, unreadable } = readRecords(records);
    for (const { events, invalid } of works) report.received += events.length + invalid.length;
    const [unquarantined] = await Promise.all([
      this.quarantineInvalid(works, unreadable, report, deadline),
      this.decide(works, report, deadline),
    ]);
    const outcome = await this.publish(works, report, deadline);
    await this.quarantineRefused(works, outcome, report, deadline);
    await this.mark(works, deadline);
    const again = new Set(unquarantined);
    for (const work of works) {
      if (work.mustComeAgain) for (const messageId of work.messageIds) again.add(messageId);
    }
    report.failedMessageIds = [...again];
    return report;
  }

  /** @returns messages that came with something which the quarantine queue has not accepted */
  private async quarantineInvalid(
    works: readonly Work[],
    unreadable: readonly Quarantined[],
    report: BatchReport,
    deadline: Deadline,
  ): Promise<string[]> {
    const all = [...unreadable];
    for (const { envelope, invalid, messageIds } of works) {
      for (const { item, reason } of invalid) {
        all.push({ body: splitOff(envelope.owner, [item]), reason, messageId: messageIds[0] ?? '' });
      }
    }
    const left = await this.quarantineAll(all, report, deadline);
    return left.map(({ messageId }) => messageId);
  }

  /** Who publishes which event: claim them all, and look into what was claimed before. */
  private async decide(works: readonly Work[], report: BatchReport, deadline: Deadline): Promise<void> {
    const { claims, markers } = this.steps;
    const requests = new Map<string, ClaimRequest>();
    for (const { envelope, events } of works) {
      for (const { id } of events) {
        if (!requests.has(id)) requests.set(id, { eventId: id, owner: envelope.owner });
      }
    }
    const claimed = await claims.claim([...requests.values()], deadline);
    const retried = works.filter((work) => work.events.some(({ id }) => isEarlierTry(claimed.get(id), work)));
    const settled = await markers.read([...new Set(retried.map(({ envelope }) => envelope.owner))], deadline);
    const chosen = new Set<string>();
    for (const work of works) {
      for (const event of work.events) {
        const verdict = judge(work, event, claimed.get(event.id), settled.get(work.envelope.owner));
        if (verdict === 'later') work.mustComeAgain = true;
        else if (verdict === 'duplicate' || chosen.has(event.id)) report.duplicates++;
        else if (verdict === 'publish') {
          chosen.add(event.id);
          work.toPublish.push(event);
        }
      }
    }
  }

  private async publish(
    works: readonly Work[],
    report: BatchReport,
    deadline: Deadline,
  ): Promise<PublishOutcome> {
    const outcome = await this.steps.publisher.publish(
      works.flatMap((work) => work.toPublish),
      deadline,
    );
    report.published = outcome.published;
    const published = new Set(outcome.published.map(({ id }) => id));
    const left = new Set(outcome.left.map(({ id }) => id));
    for (const work of works) {
      work.settled = work.toPublish.flatMap(({ id }) => (published.has(id) ? id : []));
      if (work.toPublish.some(({ id }) => left.has(id))) work.mustComeAgain = true;
    }
    return outcome;
  }

  private async quarantineRefused(
    works: readonly Work[],
    { refused }: PublishOutcome,
    report: BatchReport,
    deadline: Deadline,
  ): Promise<void> {
    if (refused.length === 0) return;
    const origin = new Map(works.flatMap((work) => work.toPublish.map(({ id }) => [id, work] as const)));
    const all = refused.flatMap(({ event, reason }) => {
      const work = origin.get(event.id);
      return work ? { work, event, entry: quarantinedEvent(work, event, reason) } : [];
    });
    const left = new Set(
      await this.quarantineAll(
        all.map(({ entry }) => entry),
        report,
        deadline,
      ),
    );
    for (const { work, event, entry } of all) {
      if (left.has(entry)) work.mustComeAgain = true;
      else work.settled.push(event.id);
    }
  }

  private async quarantineAll(all: readonly Quarantined[], report: BatchReport, deadline: Deadline) {
    const left = await this.steps.quarantine.put(all, deadline);
    report.quarantined += all.length - left.length;
    for (const { reason, messageId } of all) this.steps.log.warn('quarantined', { reason, messageId });
    return left;
  }

  private async mark(works: readonly Work[], deadline: Deadline): Promise<void> {
    const { markers, log } = this.steps;
    await Promise.all(
      works.map(async ({ envelope, settled, mustComeAgain }) => {
        if (settled.length === 0 || (await markers.mark(envelope.owner, settled, deadline))) return;
        // All is published; without the marker a message that comes again would be published again (P2).
        log.error('published events could not be marked', { owner: envelope.owner, mustComeAgain });
      }),
    );
  }
}

/** The batch by envelope: SQS may deliver the same message twice in one batch. */
function readRecords(records: readonly QueueRecord[]): { works: Work[]; unreadable: Quarantined[] } {
  const works = new Map<string, Work>();
  const unreadable: Quarantined[] = [];
  for (const { messageId, body, receiveCount } of records) {
    const parsed = parseBody(body);
    if (!parsed.ok) {
      unreadable.push({ body, reason: parsed.reason, messageId });
      continue;
    }
    const { envelope, events, invalid } = parsed;
    const known = works.get(envelope.id);
    if (known) known.messageIds.push(messageId);
    else {
      works.set(envelope.id, {
        envelope,
        messageIds: [messageId],
        receiveCount,
        events,
        invalid,
        toPublish: [],
        settled: [],
        mustComeAgain: false,
      });
    }
  }
  return { works: [...works.values()], unreadable };
}

/** Whether the claim is this message's own, made by an earlier try at it. */
function isEarlierTry(claim: Claim | undefined, work: Work): boolean {
  return claim?.isEarlier === true && claim.owner === work.envelope.owner;
}

/**
 * `publish` · `duplicate`: another message publishes it · `settled`: an earlier try did · `later`: it cannot be
 * decided now, the message must come again.
 */
function judge(
  work: Work,
  event: QueuedEvent,
  claim: Claim | undefined,
  settled: ReadonlySet<string> | undefined,
): 'publish' | 'duplicate' | 'settled' | 'later' {
  if (!claim) return 'later';
  if (claim.owner !== work.envelope.owner) return 'duplicate';
  if (!claim.isEarlier) return 'publish';
  if (!settled) return 'later';
  if (settled.has(fingerprint(event.id))) return 'settled';
  // Received for the first time and claimed already: SQS has delivered this message twice, and the other delivery
  // is being worked on. It comes again after the visibility timeout, when that one has marked what it published.
  return work.receiveCount <= 1 ? 'later' : 'publish';
}

function quarantinedEvent({ envelope, messageIds }: Work, event: QueuedEvent, reason: string): Quarantined {
  return { body: splitOff(envelope.owner, [event]), reason, messageId: messageIds[0] ?? '' };
}
