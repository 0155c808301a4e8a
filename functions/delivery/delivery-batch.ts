import { randomUUID } from 'node:crypto';
import type { SQSRecord } from 'aws-lambda';
import type { Log } from '../../lib/aws/logger.ts';
import { type ContentOptions, contentOf, type EventContent } from './content.ts';
import type { DeliveryMarks } from './delivery-marks.ts';
import {
  type CallStatistics,
  type DestinationCalls,
  NEXT_INVOCATION_MS,
  type Wait,
} from './destination-calls.ts';
import { ageOf, type MessageExits, type Undeliverable } from './message-exits.ts';
import type { RetryDelays } from './retry-delay.ts';

/** What happened to a message. */
export type MessageEnd = 'delivered' | 'duplicate' | 'dead_lettered' | 'quarantined' | 'returned';

/** Report of a batch. */
export interface DeliveryReport extends CallStatistics {
  /** How each message ended, by its id. */
  readonly ends: ReadonlyMap<string, MessageEnd>;
  /** Time from receiving to delivering each delivered event, in milliseconds. */
  readonly latencyMs: readonly number[];
}

/** What a {@link DeliveryBatch} needs. */
export interface BatchOptions {
  readonly content: ContentOptions;
  readonly calls: DestinationCalls;
  readonly marks: DeliveryMarks;
  readonly delays: RetryDelays;
  readonly exits: MessageExits;
  readonly log: Log;
}

/**
 * Delivers a batch of messages, one after another. Each is delivered, moved to the dead-letter queue or the quarantine
 * queue, or returned to its queue (P1).
 */
export class DeliveryBatch {
  private readonly options: BatchOptions;
  private readonly endMs: number;
  private readonly ends = new Map<string, MessageEnd>();
  private readonly latencyMs: number[] = [];
  /** This invocation, as the owner of turns. */
  private readonly owner = randomUUID();
  /** Conversations whose earlier message was returned, if their order is kept. */
  private readonly heldGroups = new Set<string>();

  /** @param endMs - epoch milliseconds at which Lambda ends the invocation */
  constructor(options: BatchOptions, endMs: number) {
    this.options = options;
    this.endMs = endMs;
  }

  async deliver(records: readonly SQSRecord[]): Promise<DeliveryReport> {
    const { calls } = this.options;
    for (const record of records) this.ends.set(record.messageId, await this.deliverOne(record));
    await calls.end();
    return { ends: this.ends, latencyMs: this.latencyMs, ...calls.statistics };
  }

  private async deliverOne(record: SQSRecord): Promise<MessageEnd> {
    const { MessageGroupId: group } = record.attributes;
    // SQS delivers the rest of a group again only after its first message.
    if (group !== undefined && this.heldGroups.has(group)) return this.return(record, 0);
    const end = await this.tryOne(record);
    if (end === 'returned' && group !== undefined) this.heldGroups.add(group);
    return end;
  }

  private async tryOne(record: SQSRecord): Promise<MessageEnd> {
    const { content: options, delays, log } = this.options;
    try {
      const content = contentOf(record.body, options);
      return content.kind === 'unmapped'
        ? await this.quarantine(record, content.reason)
        : await this.sendOnce(record, content);
    } catch (error) {
      log.error('a message is returned to the queue: an AWS call failed', {
        error,
        messageId: record.messageId,
      });
      return this.return(record, delays.faultMs(ageOf(record)));
    }
  }

  /** Sends an event, unless it was delivered, or another invocation is sending it. */
  private async sendOnce(record: SQSRecord, content: EventContent): Promise<MessageEnd> {
    const { calls, marks, log } = this.options;
    const late = calls.tooLate();
    if (late) return this.return(record, this.pauseMs(record, late));
    const turn = await marks.take(content.deliveryId, this.owner, this.endMs);
    if (turn.kind === 'delivered') return 'duplicate';
    if (turn.kind === 'taken') return this.return(record, turn.untilMs - Date.now());
    let end: MessageEnd | undefined;
    try {
      end = await this.send(record, content);
      return end;
    } finally {
      // Without the mark, a copy of the message can be delivered too, or waits. The message itself was handled.
      await this.endTurn(content, end).catch((error: unknown) =>
        log.warn('the outcome of a delivery was not recorded', { error, end }),
      );
    }
  }

  private async endTurn({ deliveryId }: EventContent, end: MessageEnd | undefined): Promise<void> {
    const { marks } = this.options;
    if (end === 'delivered') await marks.delivered(deliveryId);
    else await marks.release(deliveryId, this.owner);
  }

  private async send(record: SQSRecord, content: EventContent): Promise<MessageEnd> {
    const { calls, delays } = this.options;
    const outcome = await calls.send(content);
    if ('kind' in outcome) return this.pause(record, outcome);
    const age = ageOf(record);
    switch (outcome.action) {
      case 'delivered':
        this.latencyMs.push(Math.max(0, Date.now() - Date.parse(content.receivedAt)));
        return 'delivered';
      case 'dead_letter':
        return this.deadLetter(record, outcome);
      case 'stop':
        return this.return(record, delays.pauseMs(0, age));
      case 'later':
        return delays.isExpired(age)
          ? this.deadLetter(record, { ...outcome, reason: `not delivered in time; last: ${outcome.reason}` })
          : this.return(record, Math.max(outcome.holdMs ?? 0, delays.retryMs(age)));
    }
  }

  /** Returns a message whose destination may not be called. */
  private async pause(record: SQSRecord, wait: Wait): Promise<MessageEnd> {
    const { why, reason = why } = wait;
    if (this.options.delays.isExpired(ageOf(record)))
      return this.deadLetter(record, {
        reason: `not delivered in time; the destination is ${WAITS[why]}: ${reason}`,
      });
    return this.return(record, this.pauseMs(record, wait));
  }

  private pauseMs(record: SQSRecord, { untilMs, why }: Wait): number {
    const waitMs = untilMs - Date.now();
    if (why !== 'rate') return this.options.delays.pauseMs(waitMs, ageOf(record));
    // This grows slowly, so that the delivery is not delayed, and is still received fewer than 1,000 times in 4 days.
    return Math.max(waitMs, Number(record.attributes.ApproximateReceiveCount) * NEXT_INVOCATION_MS);
  }

  private async deadLetter(record: SQSRecord, cause: Undeliverable): Promise<MessageEnd> {
    const { exits, log } = this.options;
    await exits.deadLetter(record, cause);
    const { reason, status } = cause;
    log.error('an event was moved to the dead-letter queue', { reason, status });
    return 'dead_lettered';
  }

  private async quarantine(record: SQSRecord, reason: string): Promise<MessageEnd> {
    const { exits, log } = this.options;
    await exits.quarantine(record, reason);
    log.warn('an event was moved to the quarantine queue', { reason });
    return 'quarantined';
  }

  private async return(record: SQSRecord, delayMs: number): Promise<MessageEnd> {
    try {
      await this.options.exits.returnAfter(record, delayMs);
    } catch (error) {
      this.options.log.warn('a message is received again only after the visibility timeout', {
        error,
        messageId: record.messageId,
      });
    }
    return 'returned';
  }
}

/** Why a destination is not called, as text. */
const WAITS: Readonly<Record<Wait['why'], string>> = {
  open: 'unavailable',
  probe: 'unavailable',
  held: 'busy',
  rate: 'at its rate limit',
  stopped: 'stopped',
};
