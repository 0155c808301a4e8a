import { type AcceptedEvent, eventText } from './bus-event.ts';
import type { EventBus } from './event-buses.ts';

/** Puts a message on a queue. @throws if it cannot, for example because there is no such queue. */
export type DeliverToQueue = (queueArn: string, body: string) => void;

/** Whether a queue gets an event twice: deliveries are at least once. */
export type IsRepeated = (queueArn: string, body: string) => boolean;

/** A delivery that failed. */
export interface DeliveryFailure {
  readonly ruleArn: string;
  readonly targetArn: string;
  readonly eventId: string;
  readonly error: unknown;
}

/**
 * Delivers an event to the targets of the rules that it matches: immediately and without retries. An event that a
 * target does not accept goes to the target's dead-letter queue, if it has one. A failure never reaches the publisher.
 */
export function deliver(
  bus: EventBus,
  accepted: AcceptedEvent,
  {
    deliverToQueue,
    isRepeated,
    onFailure,
  }: {
    deliverToQueue: DeliverToQueue;
    isRepeated: IsRepeated;
    onFailure: (failure: DeliveryFailure) => void;
  },
): void {
  for (const rule of bus.rules.values()) {
    if (rule.state !== 'ENABLED' || !rule.matches(accepted.event)) continue;
    for (const { arn, deadLetterArn } of rule.targets.values()) {
      const queues = deadLetterArn === undefined ? [arn] : [arn, deadLetterArn];
      // Stops at the first queue that accepts the event.
      queues.some((targetArn) => {
        try {
          const body = eventText(accepted);
          deliverToQueue(targetArn, body);
          if (isRepeated(targetArn, body)) deliverToQueue(targetArn, body);
          return true;
        } catch (error) {
          onFailure({ ruleArn: rule.arn, targetArn, eventId: accepted.event.id, error });
          return false;
        }
      });
    }
  }
}
