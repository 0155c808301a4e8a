import { type AcceptedEvent, eventText } from './bus-event.ts';
import type { EventBus } from './event-buses.ts';

/** Puts a message on a queue. @throws if it cannot, for example because there is no such queue. */
export type DeliverToQueue = (queueArn: string, body: string) => void;

/** A delivery that failed. */
export interface DeliveryFailure {
  readonly ruleArn: string;
  readonly targetArn: string;
  readonly eventId: string;
  readonly error: unknown;
}

/**
 * Delivers an event to the targets of the rules that it matches: once, immediately and without retries. An event that
 * a target does not take goes to the target's dead-letter queue, if it has one. A failure never reaches the publisher.
 */
export function deliver(
  bus: EventBus,
  accepted: AcceptedEvent,
  deliverToQueue: DeliverToQueue,
  onFailure: (failure: DeliveryFailure) => void,
): void {
  for (const rule of bus.rules.values()) {
    if (rule.state !== 'ENABLED' || !rule.matches(accepted.event)) continue;
    for (const { arn, deadLetterArn } of rule.targets.values()) {
      const queues = deadLetterArn === undefined ? [arn] : [arn, deadLetterArn];
      // Stops at the first queue that takes the event.
      queues.some((targetArn) => {
        try {
          deliverToQueue(targetArn, eventText(accepted));
          return true;
        } catch (error) {
          onFailure({ ruleArn: rule.arn, targetArn, eventId: accepted.event.id, error });
          return false;
        }
      });
    }
  }
}
