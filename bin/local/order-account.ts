import type { Invocation } from 'switchboard-local/lambda/poller.ts';
import type { DeliveryLedger } from 'switchboard-local/receiver/delivery-ledger.ts';
import { eventGroup } from 'switchboard-local/receiver/event-group.ts';
import { judgeOrder, type OrderVerdict } from 'switchboard-local/receiver/order-judge.ts';
import { eventIdIn, type PublishedDetail } from './wire-facts.ts';

/** Events whose order is checked. Of a longer run, only the first ones are. */
const MAX_ORDERED_EVENTS = 1_000_000;
/**
 * EventBridge and the standard queue behind it do not keep the order. Events of a conversation that follow each other
 * more closely than this, in ms, may change places on their way to the FIFO queue.
 */
export const UNORDERED_MS = 2_000;

/** What the order of the deliveries must be, with `--deliver-ordered`. */
export class OrderAccount {
  private readonly arrivals = new Map<string, { readonly group: string; readonly arrivedAtMs: number }>();
  private readonly places = new Map<string, bigint>();
  private readonly delayed = new Set<string>();

  /** An event reached the bus. */
  published(eventId: string, detail: PublishedDetail): void {
    if (this.arrivals.has(eventId) || this.arrivals.size >= MAX_ORDERED_EVENTS) return;
    const { topicName, eventBody = null } = detail;
    const group = eventGroup({ topicName, eventBody });
    this.arrivals.set(eventId, { group, arrivedAtMs: Date.now() });
  }

  /** An invocation of the order function has ended. What it returned or was killed with is delayed by seconds. */
  onOrderInvocation({ outcome, records, failedMessageIds, durationMs }: Invocation): void {
    const isDelayed = outcome.kind !== 'response' || durationMs >= UNORDERED_MS;
    for (const { messageId, body } of records)
      if (isDelayed || failedMessageIds.has(messageId)) this.delayed.add(eventIdIn(body));
  }

  /** An invocation of the delivery function has ended. */
  onInvocation({ records }: Invocation): void {
    for (const { body, attributes } of records) {
      const id = eventIdIn(body);
      const place = BigInt(attributes.SequenceNumber ?? 0);
      const known = this.places.get(id);
      if (known === undefined || place < known) this.places.set(id, place);
    }
  }

  judge(ledger: DeliveryLedger): OrderVerdict {
    const events = new Map(
      [...this.arrivals].map(([id, arrival]) => [id, { ...arrival, place: this.places.get(id) }]),
    );
    return judgeOrder({ events, delayed: this.delayed, unorderedMs: UNORDERED_MS, ledger });
  }
}
