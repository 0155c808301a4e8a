import { randomUUID } from 'node:crypto';
import type { Log } from '../../lib/aws/logger.ts';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import type { QueuedEvent } from '../../lib/events/schema.ts';
import {
  type Attempt,
  attempts,
  eventsIn,
  type Item,
  isGranted,
  markOf,
  reservations,
  toQuarantined,
} from './attempt.ts';
import type { BatchReport } from './batch-report.ts';
import type { TimeLimits } from './deadline.ts';
import { isMarkable, isReturned, mustNotReturn, nextStep } from './decisions.ts';
import type { EventAudit } from './event-audit.ts';
import { resolveOccurrences } from './occurrence.ts';
import { isUnresolved, type PendingEnvelope, type QueueRecord, readRecords } from './pending-envelope.ts';
import type { Publications, Publisher } from './publish.ts';
import type { Quarantine, Quarantined } from './quarantine.ts';
import type { Grant, Reservations } from './reservation.ts';
import type { Turns } from './turn.ts';

/** The consumer's steps. */
export interface ConsumerSteps {
  reservations: Reservations;
  turns: Turns;
  publisher: Publisher;
  quarantine: Quarantine;
  /** Applied to native events, see `parseBody`. */
  redaction?: ContentRedaction | undefined;
  /** How long a claim is kept. */
  dedupWindowSeconds: number;
  audit: EventAudit;
  log: Log;
}

/** One invocation. */
interface Invocation {
  readonly attemptId: string;
  readonly limits: TimeLimits;
  readonly publications: ReadonlyMap<QueuedEvent, Promise<Publications>>;
}

/** What a step changed, and an error that retrying cannot fix. */
interface StepResult {
  readonly attempt: Attempt;
  readonly error?: unknown;
}

/**
 * The deduplication protocol for one batch of messages: take each owner's turn and claim every event, publish the
 * events that a message owns and that are not done, mark them and release the turn, and report the unfinished messages.
 * CONTRIBUTING.md explains why nothing is lost or duplicated.
 */
export class Consumer {
  private readonly steps: ConsumerSteps;

  constructor(steps: ConsumerSteps) {
    this.steps = steps;
  }

  /** Processes a batch. Throws only errors that retrying cannot fix, such as a missing table or a denied action. */
  async process(records: readonly QueueRecord[], limits: TimeLimits): Promise<BatchReport> {
    const { pending, unreadable } = readRecords(records, this.steps.redaction);
    const claimsExpireAtSeconds = Math.floor(Date.now() / 1000) + this.steps.dedupWindowSeconds;
    const attempt = (some: readonly PendingEnvelope[]) =>
      this.attemptAll(some, claimsExpireAtSeconds, limits);
    const [whole, plain, native] = await Promise.all([
      this.quarantine(unreadable, limits),
      attempt(pending.filter((one) => !isUnresolved(one))),
      resolveOccurrences(
        pending.filter(isUnresolved),
        this.steps.reservations,
        claimsExpireAtSeconds,
        limits.work,
      ).then(async (resolved) => ({ ...resolved, ...(await attempt(resolved.known)) })),
    ]);
    const finished = [...plain.finished, ...native.finished];
    const errors = [native.error, ...plain.errors, ...native.errors];
    const items = finished.flatMap((attempt) => attempt.items);
    const byEnvelope = Map.groupBy(items, (item) => item.pending);
    this.throwFirst([whole.error, ...errors], [...byEnvelope.values()]);
    const returned = [...byEnvelope].flatMap(([{ messageIds }, own]) => (isReturned(own) ? messageIds : []));
    const unknown = native.unknown.flatMap(({ messageIds }) => messageIds);
    const failed = [...[...whole.left].map(({ messageId }) => messageId), ...unknown, ...returned];
    const count = (...states: Item['state'][]) => items.filter(({ state }) => states.includes(state)).length;
    return {
      failedMessageIds: [...new Set(failed)],
      received: items.length,
      published: eventsIn(items, 'published'),
      duplicates: eventsIn(items, 'duplicate', 'repeated'),
      quarantined: unreadable.length - whole.left.size + count('quarantined'),
    };
  }

  /** An error returns the whole batch. It is only logged if that would publish an event again. */
  private throwFirst(errors: readonly unknown[], messages: readonly (readonly Item[])[]): void {
    const error = errors.find((one) => one !== undefined);
    if (error === undefined) return;
    if (!messages.some(mustNotReturn)) throw error;
    this.steps.log.error('An AWS call failed permanently; check the role and the resources', { error });
  }

  /** Owners without existing items do not wait while those of other owners are read. */
  private async attemptAll(
    pending: readonly PendingEnvelope[],
    claimsExpireAtSeconds: number,
    limits: TimeLimits,
  ): Promise<{ finished: Attempt[]; errors: unknown[] }> {
    const attemptId = randomUUID();
    const { leaseEndsAtSeconds, work } = limits;
    const requests = reservations(pending, attemptId, { leaseEndsAtSeconds, claimsExpireAtSeconds });
    const { first, all } = await this.steps.reservations.reserve(requests, work);
    const unready = new Set(
      pending.filter((one) => !isGranted(one, first)).map(({ envelope }) => envelope.owner),
    );
    const isReady = ({ envelope }: PendingEnvelope) => !unready.has(envelope.owner);
    const rest = pending.filter((one) => !isReady(one));
    const waves = await Promise.all([
      this.attemptWave(pending.filter(isReady), first, attemptId, limits),
      all.then(({ grants }) => this.attemptWave(rest, grants, attemptId, limits)),
    ]);
    const results = waves.flat();
    return {
      finished: results.map(({ attempt }) => attempt),
      errors: [(await all).error, ...results.map(({ error }) => error)],
    };
  }

  private attemptWave(
    pending: readonly PendingEnvelope[],
    grants: ReadonlyMap<string, Grant>,
    attemptId: string,
    limits: TimeLimits,
  ): Promise<StepResult[]> {
    const started = attempts(pending, attemptId, grants);
    const events = started.flatMap(({ items }) => eventsIn(items, 'to publish'));
    const publications = this.steps.publisher.publish(events, limits.work);
    return Promise.all(started.map((attempt) => this.finish(attempt, { attemptId, limits, publications })));
  }

  /** Runs all steps of an attempt. An attempt never waits for another attempt's calls. */
  private async finish(start: Attempt, invocation: Invocation): Promise<StepResult> {
    let attempt = start;
    let firstError: unknown;
    for (let step = nextStep(attempt); step !== 'end'; step = nextStep(attempt)) {
      const result =
        step === 'work'
          ? await this.work(attempt, invocation)
          : await this.record(attempt, invocation, step === 'release');
      attempt = result.attempt;
      firstError ??= result.error;
    }
    return { attempt, error: firstError };
  }

  private async work(attempt: Attempt, { limits, publications }: Invocation): Promise<StepResult> {
    const toQuarantine = attempt.items.filter(({ state }) => state === 'to quarantine');
    const quarantined = new Map(toQuarantine.map((item) => [item, toQuarantined(item)]));
    const calls = eventsIn(attempt.items, 'to publish').map((event) => publications.get(event));
    const [{ left, error }, ...results] = await Promise.all([
      this.quarantine([...quarantined.values()], limits),
      // Stryker disable next-line MethodExpression,ConditionalExpression: every event has a call; this narrows the type
      ...new Set(calls.filter((call) => call !== undefined)),
    ]);
    const published = new Map(results.flatMap((result) => [...result]));
    const items = attempt.items.map((item): Item => {
      const sent = quarantined.get(item);
      if (sent) return { ...item, state: left.has(sent) ? 'left' : 'quarantined' };
      const result = item.event && published.get(item.event);
      if (!result) return item;
      if (result.state === 'refused') return { ...item, state: 'to quarantine', reason: result.reason };
      return { ...item, state: result.state };
    });
    const errors = [...published.values()].map((result) =>
      // Stryker disable next-line ConditionalExpression: only this state has an error; this narrows the type
      result.state === 'left' ? result.error : undefined,
    );
    return { attempt: { ...attempt, items }, error: [error, ...errors].find((one) => one !== undefined) };
  }

  /** Marks the items that are done, and releases the turn after the last step. */
  private async record(
    attempt: Attempt,
    { attemptId, limits }: Invocation,
    release: boolean,
  ): Promise<StepResult> {
    const { owner, items } = attempt;
    const marked = new Set(items.filter(isMarkable));
    const marks = [...marked].map(markOf);
    try {
      await this.steps.turns.record(owner, marks, release ? { attemptId } : undefined, limits.record);
    } catch (error) {
      // Without the marks, a redelivery of the message publishes the events again (P2).
      this.steps.log.error('The marks of published events could not be written', { owner, error });
      // Stryker disable next-line StringLiteral: any string except `open` and `closed` has the same effect
      const unwritten = 'failed';
      const failed: Attempt = { ...attempt, recording: release ? 'closed' : unwritten };
      return isTransient(error) ? { attempt: failed } : { attempt: failed, error };
    }
    const recorded = items.map((item) => (marked.has(item) ? { ...item, isRecorded: true } : item));
    return { attempt: { ...attempt, items: recorded, recording: release ? 'closed' : attempt.recording } };
  }

  private async quarantine(
    all: readonly Quarantined[],
    { work }: TimeLimits,
  ): Promise<{ left: Set<Quarantined>; error?: unknown }> {
    const result = await this.steps.quarantine.put(all, work);
    for (const one of all) {
      const { reason, messageId } = one;
      if (result.left.has(one))
        this.steps.log.error('The quarantine queue did not accept an item', { reason, messageId });
      else {
        this.steps.log.warn('An item was quarantined', { reason, messageId });
        this.steps.audit.quarantined(one);
      }
    }
    return result;
  }
}
