import type { Log } from '../../lib/aws/logger.ts';
import type { QueuedEvent } from '../../lib/events/schema.ts';
import type { ClaimRequest, Claims } from './claim.ts';
import type { Deadline } from './deadline.ts';
import { type Markers, quarantineMark } from './mark.ts';
import { judge, mayBeRetry, type QueueRecord, readRecords, type Work } from './pending-envelope.ts';
import type { Publisher, PublishOutcome } from './publish.ts';
import { type Quarantine, type Quarantined, splitOff } from './quarantine.ts';

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
    try {
      await this.quarantineRefused(works, outcome, report, deadline);
    } finally {
      // Whatever fails, what is published is marked, or it would be published again (P2).
      await this.mark(works, deadline);
    }
    if (outcome.error !== undefined) throw outcome.error;
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
        all.push({ body: splitOff(envelope.owner, [item]), reason, messageId: messageIds[0] });
      }
    }
    const left = await this.quarantineAll(all, report, deadline);
    return left.map(({ messageId }) => messageId);
  }

  /** Who publishes which event: claim them all, and look into what was claimed before. */
  private async decide(works: readonly Work[], report: BatchReport, deadline: Deadline): Promise<void> {
    const { claims, markers } = this.steps;
    const requests = new Map<string, ClaimRequest>();
    for (const { envelope, events, turn } of works) {
      if (turn) requests.set(turn.eventId, turn);
      for (const { id } of events) {
        if (!requests.has(id)) requests.set(id, { eventId: id, owner: envelope.owner });
      }
    }
    const claimed = await claims.claim([...requests.values()], deadline);
    const retried = works.filter((work) => work.events.some(({ id }) => mayBeRetry(claimed.get(id), work)));
    const settled = await markers.read([...new Set(retried.map(({ envelope }) => envelope.owner))], deadline);
    const chosen = new Set<string>();
    for (const work of works) {
      for (const event of work.events) {
        const verdict = judge(work, event, claimed, settled.get(work.envelope.owner));
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
    const reasons = new Map(refused.map(({ event, reason }) => [event, reason]));
    const all = works.flatMap((work) =>
      work.toPublish.flatMap((event) => {
        const reason = reasons.get(event);
        return reason === undefined ? [] : { work, event, entry: quarantinedEvent(work, event, reason) };
      }),
    );
    const left = new Set(
      await this.quarantineAll(
        all.map(({ entry }) => entry),
        report,
        deadline,
      ),
    );
    for (const { work, event, entry } of all) {
      if (left.has(entry)) work.mustComeAgain = true;
      else work.settled.push(...work.messageIds.map((messageId) => quarantineMark(messageId, event.id)));
    }
  }

  private async quarantineAll(all: readonly Quarantined[], report: BatchReport, deadline: Deadline) {
    const left = await this.steps.quarantine.put(all, deadline);
    report.quarantined += all.length - left.length;
    const missed = new Set(left);
    for (const one of all) {
      const { reason, messageId } = one;
      if (missed.has(one))
        this.steps.log.error('the quarantine queue took no message', { reason, messageId });
      else this.steps.log.warn('quarantined', { reason, messageId });
    }
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

function quarantinedEvent({ envelope, messageIds }: Work, event: QueuedEvent, reason: string): Quarantined {
  return { body: splitOff(envelope.owner, [event]), reason, messageId: messageIds[0] };
}
