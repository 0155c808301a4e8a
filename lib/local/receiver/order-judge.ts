import { isRefusal } from './delivery-judge.ts';
import type { DeliveryCall, DeliveryLedger } from './delivery-ledger.ts';

/** An event whose order is judged. */
export interface OrderedEvent {
  /** Only events of the same group have an order. */
  readonly group: string;
  /** When the bus first had it, in ms since 1970. */
  readonly arrivedAtMs: number;
  /** Its first place in the FIFO queue; undefined if it was not received from there. */
  readonly place?: bigint | undefined;
}

export interface OrderToJudge {
  /** By event id. */
  readonly events: ReadonlyMap<string, OrderedEvent>;
  /** Ids of events that took longer to the FIFO queue because a fault hit their way there. */
  readonly delayed: ReadonlySet<string>;
  /** Events that arrived on the bus within this time may change places before the FIFO queue, in ms. */
  readonly unorderedMs: number;
  readonly ledger: DeliveryLedger;
}

/** Events that were called too early: before an earlier one of their group was processed or refused for good. */
export interface OrderVerdict {
  /** They overtook in the FIFO queue or after it, or before it without a reason. */
  readonly outOfOrder: readonly string[];
  /** They overtook an event that a fault had delayed on its way to the FIFO queue. */
  readonly outOfOrderDelayed: readonly string[];
}

/** An event with its first call and with the call that ended its delivery, as positions in the ledger. */
interface Timeline extends OrderedEvent {
  readonly id: string;
  readonly firstCall: number;
  readonly lastCall: number;
}

/**
 * Checks the order of the calls at the receiver. It is compared with two orders: strictly with that of the FIFO queue,
 * and with that of the bus for events that are further apart than EventBridge and standard queues change places.
 */
export function judgeOrder({ events, delayed, unorderedMs, ledger }: OrderToJudge): OrderVerdict {
  const early = new Set<string>();
  const explained = new Set<string>();
  const index = new Map(ledger.calls.map((call, at) => [call, at]));
  const timelines = [...events].flatMap(([id, event]) => timelineOf(id, event, ledger, index));
  for (const group of Map.groupBy(timelines, (event) => event.group).values()) {
    const placed = group.filter(({ place }) => place !== undefined);
    const onTime = group.filter(({ id }) => !delayed.has(id));
    const arrival = ({ arrivedAtMs }: Timeline) => BigInt(arrivedAtMs);
    const margin = BigInt(unorderedMs);
    for (const id of overtaking(placed, placed, ({ place }) => place ?? 0n, 1n)) early.add(id);
    for (const id of overtaking(group, onTime, arrival, margin)) early.add(id);
    for (const id of overtaking(group, group, arrival, margin)) explained.add(id);
  }
  return { outOfOrder: [...early], outOfOrderDelayed: [...explained].filter((id) => !early.has(id)) };
}

/** Ids of the events that were called before the end of an earlier one, which is `margin` or more before them. */
function overtaking(
  group: readonly Timeline[],
  earlier: readonly Timeline[],
  position: (event: Timeline) => bigint,
  margin: bigint,
): string[] {
  const byPosition = (a: Timeline, b: Timeline) => (position(a) < position(b) ? -1 : 1);
  const before = earlier.toSorted(byPosition);
  let latestEnd = -1;
  return group.toSorted(byPosition).flatMap((event) => {
    const limit = position(event) - margin;
    while (before[0] && position(before[0]) <= limit)
      latestEnd = Math.max(latestEnd, before.shift()?.lastCall ?? -1);
    return event.firstCall < latestEnd ? [event.id] : [];
  });
}

/** Nothing for an event whose delivery did not end: it is missing, which another judge reports. */
function timelineOf(
  id: string,
  event: OrderedEvent,
  ledger: DeliveryLedger,
  index: ReadonlyMap<DeliveryCall, number>,
): Timeline[] {
  const calls = ledger.callsOf(id);
  const [first] = calls;
  const last = calls.find((call) => call.processed || isRefusal(call));
  if (first === undefined || last === undefined) return [];
  return [{ ...event, id, firstCall: index.get(first) ?? 0, lastCall: index.get(last) ?? 0 }];
}
