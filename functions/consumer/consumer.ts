import type { Log } from '../../lib/aws/logger.ts';
import type { QueuedEvent } from '../../lib/events/schema.ts';
import type { ClaimRequest, Claims } from './claim.ts';
import type { Deadline } from './deadline.ts';
import { type Markers, quarantineMark } from './mark.ts';
import {
  decide,
  mayBeRetry,
  type PendingEnvelope,
  type QueueRecord,
  readRecords,
} from './pending-envelope.ts';
import type { Publisher, RefusedEvent } from './publish.ts';
import { type Quarantine, type Quarantined, splitOff } from './quarantine.ts';

/** The outcome of one batch. */
export interface BatchReport {
  /** SQS ids of the messages that must be redelivered. */
  readonly failedMessageIds: readonly string[];
  readonly received: number;
  readonly published: readonly QueuedEvent[];
  readonly duplicates: number;
  readonly quarantined: number;
}

/** The consumer's steps. */
export interface ConsumerSteps {
  claims: Claims;
  markers: Markers;
  publisher: Publisher;
  quarantine: Quarantine;
  log: Log;
}

interface OwnedEvent {
  readonly pending: PendingEnvelope;
  readonly event: QueuedEvent;
}

interface Plan {
  /** No two events have the same id. */
  readonly toPublish: readonly OwnedEvent[];
  /** Envelopes with an event that cannot be decided now. */
  readonly undecided: readonly PendingEnvelope[];
  readonly duplicates: number;
}

/**
 * The deduplication protocol for one batch of messages: claim every event, publish the events that a message owns and
 * has not done, mark them, and report the unfinished messages. CONTRIBUTING.md explains why nothing is lost or doubled.
 */
export class Consumer {
  private readonly steps: ConsumerSteps;

  constructor(steps: ConsumerSteps) {
    this.steps = steps;
  }

  /** Processes a batch. Throws only errors that retrying cannot fix, such as a missing table or a denied action. */
  async process(records: readonly QueueRecord[], deadline: Deadline): Promise<BatchReport> {
    const { pending, unreadable } = readRecords(records);
    const invalid = pending.flatMap((one) =>
      one.invalid.map(({ item, reason }) => toQuarantined(one, item, reason)),
    );
    const [unquarantined, { toPublish, undecided, duplicates }] = await Promise.all([
      this.quarantine([...unreadable, ...invalid], deadline),
      this.plan(pending, deadline),
    ]);
    const events = toPublish.map(({ event }) => event);
    const outcome = await this.steps.publisher.publish(events, deadline);
    const refused = await this.quarantineRefused(toPublish, outcome.refused, deadline);
    const left = [...only(toPublish, outcome.left), ...refused.left];
    const needsRedelivery = new Set([...undecided, ...left.map((one) => one.pending)]);
    // Published events are marked even after an error, because they would be published again otherwise (P2).
    await this.mark(only(toPublish, outcome.published), refused.quarantined, needsRedelivery, deadline);
    const error = refused.error ?? outcome.error;
    if (error !== undefined) throw error;
    const failed = [...unquarantined].map(({ messageId }) => messageId);
    for (const { messageIds } of pending.filter((one) => needsRedelivery.has(one)))
      failed.push(...messageIds);
    return {
      failedMessageIds: [...new Set(failed)],
      received: pending.reduce((sum, one) => sum + one.events.length + one.invalid.length, 0),
      published: outcome.published,
      duplicates,
      quarantined: unreadable.length + invalid.length - unquarantined.size + refused.quarantined.length,
    };
  }

  /** Claims all events, reads markers of existing claims, and decides about each event. */
  private async plan(pending: readonly PendingEnvelope[], deadline: Deadline): Promise<Plan> {
    const claims = await this.steps.claims.claim(claimRequests(pending), deadline);
    const owners = pending
      .filter((one) => one.events.some(({ id }) => mayBeRetry(claims.get(id), one)))
      .map(({ envelope }) => envelope.owner);
    const done = await this.steps.markers.read([...new Set(owners)], deadline);
    const toPublish = new Map<string, OwnedEvent>();
    const undecided: PendingEnvelope[] = [];
    let duplicates = 0;
    for (const one of pending) {
      for (const event of one.events) {
        const decision = decide(one, event, claims, done.get(one.envelope.owner));
        if (decision === 'redeliver') undecided.push(one);
        else if (decision === 'duplicate' || toPublish.has(event.id)) duplicates++;
        else if (decision === 'publish') toPublish.set(event.id, { pending: one, event });
      }
    }
    return { toPublish: [...toPublish.values()], undecided, duplicates };
  }

  private async quarantineRefused(
    toPublish: readonly OwnedEvent[],
    refused: readonly RefusedEvent[],
    deadline: Deadline,
  ): Promise<{ quarantined: OwnedEvent[]; left: OwnedEvent[]; error?: unknown }> {
    const reasons = new Map(refused.map(({ event, reason }) => [event, reason]));
    const entries = toPublish.flatMap(({ pending, event }) => {
      const reason = reasons.get(event);
      return reason === undefined ? [] : { pending, event, item: toQuarantined(pending, event, reason) };
    });
    const items = entries.map(({ item }) => item);
    try {
      const left = await this.quarantine(items, deadline);
      return {
        quarantined: entries.filter(({ item }) => !left.has(item)),
        left: entries.filter(({ item }) => left.has(item)),
      };
    } catch (error) {
      return { quarantined: [], left: [], error };
    }
  }

  /** @returns the items that the quarantine queue did not accept */
  private async quarantine(all: readonly Quarantined[], deadline: Deadline): Promise<Set<Quarantined>> {
    const left = new Set(await this.steps.quarantine.put(all, deadline));
    for (const one of all) {
      const { reason, messageId } = one;
      if (left.has(one))
        this.steps.log.error('The quarantine queue did not accept an item', { reason, messageId });
      else this.steps.log.warn('An item was quarantined', { reason, messageId });
    }
    return left;
  }

  private async mark(
    published: readonly OwnedEvent[],
    quarantined: readonly OwnedEvent[],
    needsRedelivery: ReadonlySet<PendingEnvelope>,
    deadline: Deadline,
  ): Promise<void> {
    const { markers, log } = this.steps;
    const marks = [
      ...published.map(({ pending, event }) => ({ pending, mark: event.id })),
      ...quarantined.flatMap(({ pending, event }) =>
        pending.messageIds.map((messageId) => ({ pending, mark: quarantineMark(messageId, event.id) })),
      ),
    ];
    const writes = [...Map.groupBy(marks, ({ pending }) => pending)].map(async ([pending, group]) => {
      const { owner } = pending.envelope;
      const own = group.map(({ mark }) => mark);
      if (await markers.mark(owner, own, deadline)) return;
      // Without the marker, a redelivery of the message publishes the events again (P2).
      log.error('Published events could not be marked', {
        owner,
        needsRedelivery: needsRedelivery.has(pending),
      });
    });
    await Promise.all(writes);
  }
}

function only(owned: readonly OwnedEvent[], events: readonly QueuedEvent[]): OwnedEvent[] {
  const wanted = new Set(events);
  return owned.filter(({ event }) => wanted.has(event));
}

/** One request per event, for the first envelope that contains it. */
function claimRequests(pending: readonly PendingEnvelope[]): ClaimRequest[] {
  const requests = new Map<string, ClaimRequest>();
  for (const { envelope, events, receiveClaim } of pending) {
    if (receiveClaim) requests.set(receiveClaim.eventId, receiveClaim);
    for (const { id } of events) {
      if (!requests.has(id)) requests.set(id, { eventId: id, owner: envelope.owner });
    }
  }
  return [...requests.values()];
}

function toQuarantined(
  { envelope, messageIds }: PendingEnvelope,
  item: unknown,
  reason: string,
): Quarantined {
  return { body: splitOff(envelope.owner, [item]), reason, messageId: messageIds[0] };
}
