import type { Emulator } from 'switchboard-local/emulator/emulator.ts';
import type { Invocation } from 'switchboard-local/lambda/poller.ts';
import { type DeliveryVerdict, judgeDeliveries } from 'switchboard-local/receiver/delivery-judge.ts';
import type { DeliveryLedger } from 'switchboard-local/receiver/delivery-ledger.ts';
import type { DeliveryReceiver } from 'switchboard-local/receiver/delivery-receiver.ts';
import { OrderAccount } from './order-account.ts';
import { deliveryDeadLetterQueue } from './resources.ts';
import { eventIdIn, type PublishedDetail } from './wire-facts.ts';

/** Events that are counted. A longer run has no verdict on its deliveries. */
const MAX_COUNTED_EVENTS = 1_000_000;
/** Difference between the clocks of a call and of its arrival, on one machine. */
const TOLERANCE_MS = 50;
/** Half of the second that a rate limit is about: more would not detect calls that are far above it. */
const MAX_TOLERANCE_MS = 500;

/** Part of the write that records a delivery. */
const DELIVERED = 'SET deliveredAtMs';

/** What happened to the events that were delivered to the built-in receiver. */
export interface DeliveryResult {
  /** Distinct events that the receiver has processed. */
  delivered: number;
  /** Events in the dead-letter queue, by reason. */
  deadLettered: Record<string, number>;
  /** Events that are neither. */
  missing: number;
  /** Events that were processed again without an unknown outcome. */
  twice: number;
  /** Events that were processed again because a response was lost, or the function was killed before recording it. */
  twiceUnknown: number;
  /** Calls that the receiver got. */
  calls: number;
  /** Calls that began while the receiver had asked for none (`Retry-After`). */
  calledWhileHeld: number;
  /** Seconds with more calls than the rate limit. */
  aboveRate: number;
  /** Calls without a valid signature or with another defect. */
  invalidCalls: number;
  /** Events in the dead-letter queue that the receiver has not refused. */
  unexplainedDeadLetters: number;
  /** With `--deliver-ordered`: events that were called before an earlier one of their conversation had ended. */
  outOfOrder?: number;
  /** The same, if the earlier one was delayed because the order function was killed with it or returned it. */
  outOfOrderDelayed?: number;
}

/** Options of {@link DeliveryAccount.judge}. */
export interface DeliveryRules {
  readonly ratePerSecond: number | undefined;
  /** Whether the events of a conversation are delivered in their order. */
  readonly ordered: boolean;
}

/** Compares the events on the bus with those that the built-in receiver got. */
export class DeliveryAccount {
  private readonly onBus = new Map<string, number>();
  /** Events of invocations that were killed or reached their time limit: their outcome is unknown. */
  private readonly unknown = new Set<string>();
  private readonly order: OrderAccount | undefined;
  private readonly rules: DeliveryRules;

  constructor(rules: DeliveryRules) {
    this.rules = rules;
    if (rules.ordered) this.order = new OrderAccount();
  }

  /** An event reached the bus. */
  published(detail: unknown): void {
    const { eventId } = (detail as PublishedDetail).metadata;
    if (eventId === undefined) return;
    this.order?.published(eventId, detail as PublishedDetail);
    if (this.onBus.size < MAX_COUNTED_EVENTS || this.onBus.has(eventId))
      this.onBus.set(eventId, (this.onBus.get(eventId) ?? 0) + 1);
  }

  /** An invocation of the delivery function has ended. */
  onInvocation(invocation: Invocation): void {
    this.order?.onInvocation(invocation);
    const { outcome, records, calls } = invocation;
    if (outcome.kind === 'response') return;
    const recorded = calls.filter(({ succeeded, body }) => succeeded && body.includes(DELIVERED));
    for (const id of records.map(({ body }) => eventIdIn(body)))
      if (!recorded.some(({ body }) => body.includes(id))) this.unknown.add(id);
  }

  /** An invocation of the order function has ended. */
  onOrderInvocation(invocation: Invocation): void {
    this.order?.onOrderInvocation(invocation);
  }

  /** @param blockedMs - how long this process was blocked at most. Calls that had to wait then follow each other closely. */
  judge({ ledger }: DeliveryReceiver, emulator: Emulator, blockedMs: number): DeliveryResult {
    const { ratePerSecond, ordered } = this.rules;
    const verdict = judgeDeliveries({
      expected: this.onBus,
      deadLettered: deadLettersOf(emulator, ordered),
      ledger,
      interrupted: this.unknown,
      toleranceMs: Math.min(TOLERANCE_MS + blockedMs, MAX_TOLERANCE_MS),
      ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
    });
    return { ...this.resultOf(verdict, ledger.calls.length), ...this.orderResult(ledger) };
  }

  private orderResult(ledger: DeliveryLedger): Pick<DeliveryResult, 'outOfOrder' | 'outOfOrderDelayed'> {
    if (!this.order) return {};
    const { outOfOrder, outOfOrderDelayed } = this.order.judge(ledger);
    return { outOfOrder: outOfOrder.length, outOfOrderDelayed: outOfOrderDelayed.length };
  }

  private resultOf(verdict: DeliveryVerdict, calls: number): DeliveryResult {
    const { twice, twiceUnknown, missing, unexpected } = verdict;
    return {
      delivered: verdict.delivered,
      deadLettered: { ...verdict.deadLettered },
      missing: missing.length,
      twice: twice.length + unexpected.length,
      twiceUnknown: twiceUnknown.length,
      calls,
      calledWhileHeld: verdict.calledWhileHeld.length,
      aboveRate: verdict.aboveRate.length,
      invalidCalls: verdict.unsigned.length + verdict.malformed.length,
      unexplainedDeadLetters: verdict.unexplainedDeadLetters.length,
    };
  }
}

/** Why deliveries make a run fail, as sentences. */
export function deliveryProblems(result: DeliveryResult): string[] {
  const { missing, twice, calledWhileHeld, aboveRate, invalidCalls, unexplainedDeadLetters } = result;
  const { outOfOrder = 0 } = result;
  const problems: [number, string][] = [
    [missing, 'events on the bus that were neither delivered nor dead-lettered'],
    [twice, 'events delivered twice without an unknown outcome'],
    [calledWhileHeld, 'calls before the end of a Retry-After'],
    [aboveRate, 'seconds with more calls than the rate limit'],
    [invalidCalls, 'calls without a valid signature or with another defect'],
    [unexplainedDeadLetters, 'events in the dead-letter queue that the receiver did not refuse'],
    [outOfOrder, 'events delivered before an earlier one of their conversation'],
  ];
  return problems.filter(([count]) => count > 0).map(([count, what]) => `Delivery: ${count} ${what}.`);
}

/** The reasons of dead letters by event id. */
function deadLettersOf(emulator: Emulator, ordered: boolean): ReadonlyMap<string, string> {
  const messages = emulator.sqs.queue(deliveryDeadLetterQueue(ordered)).peek();
  return new Map(
    messages.map(({ body, attributes }) => [eventIdIn(body), attributes.reason?.stringValue ?? 'unknown']),
  );
}
