import { type AcceptedEvent, eventText } from './bus-event.ts';
import type { EventBus } from './event-buses.ts';
import type { Rule } from './rule.ts';
import type { Target } from './target.ts';

/** Puts a message on a queue. @throws where it cannot: no such queue, too long a body. */
export type DeliverToQueue = (queueArn: string, body: string) => void;

/** What became of the events that matched rules, in targets. */
export interface DeliveryTotals {
  delivered: number;
  /** Undeliverable, and put on the dead-letter queue of the target. */
  deadLettered: number;
  /** Undeliverable, and lost: no dead-letter queue, or that one failed too. */
  failed: number;
}

/** A delivery that did not work. */
export interface DeliveryFailure {
  ruleArn: string;
  targetArn: string;
  eventId: string;
  error: unknown;
}

/** Hands events to the targets of the rules that they match: once, at once and without retries. */
export class Delivery {
  readonly totals: DeliveryTotals = { delivered: 0, deadLettered: 0, failed: 0 };
  readonly #deliverToQueue: DeliverToQueue;
  readonly #onFailure: (failure: DeliveryFailure) => void;

  /** @param onFailure told of every failure, also of those that a dead-letter queue took. */
  constructor(deliverToQueue: DeliverToQueue, onFailure: (failure: DeliveryFailure) => void = () => {}) {
    this.#deliverToQueue = deliverToQueue;
    this.#onFailure = onFailure;
  }

  /** Never throws: a target's failure is no failure of the publisher. */
  deliver(bus: EventBus, accepted: AcceptedEvent): void {
    for (const rule of bus.rules.values()) {
      if (rule.state !== 'ENABLED' || !rule.matches(accepted.event)) continue;
      for (const target of rule.targets.values()) this.#deliverTo(target, rule, accepted);
    }
  }

  #deliverTo(target: Target, rule: Rule, accepted: AcceptedEvent): void {
    try {
      this.#deliverToQueue(target.arn, target.render(accepted, rule));
      this.totals.delivered += 1;
      return;
    } catch (error) {
      this.#report(target.arn, rule, accepted, error);
    }
    if (target.deadLetterArn === undefined) {
      this.totals.failed += 1;
      return;
    }
    try {
      this.#deliverToQueue(target.deadLetterArn, eventText(accepted));
      this.totals.deadLettered += 1;
    } catch (error) {
      this.totals.failed += 1;
      this.#report(target.deadLetterArn, rule, accepted, error);
    }
  }

  #report(targetArn: string, rule: Rule, { event }: AcceptedEvent, error: unknown): void {
    this.#onFailure({ ruleArn: rule.arn, targetArn, eventId: event.id, error });
  }
}
