import { Random } from '../random.ts';
import type { ReadFaults } from './dynamodb/tables/item-history.ts';
import {
  type AwsFaultKind,
  EVENT_TARGET,
  FAULT_KINDS,
  FAULTY_TARGETS,
  PER_ITEM_KINDS,
  type PerItemKind,
  READ_TARGET,
  RECEIVE_TARGET,
} from './emulator-fault-kinds.ts';
import type { ReceiveFaults } from './sqs/sqs-queue-types.ts';

export type { AwsFaultKind } from './emulator-fault-kinds.ts';

/** How long a call without an answer holds its connection, in ms. */
const DEFAULT_STALL_MS = 300;
/** Maximum age of the state that a stale read returns, in ms. */
const DEFAULT_MAX_STALE_MS = 1_000;
/** Faults that are scheduled and have not happened yet. */
const MAX_SCHEDULED_FAULTS = 10_000;

/** A fault that happened. `body` is the body of the request or message; for a read, it is the item's key. */
export interface Fault {
  readonly kind: AwsFaultKind;
  readonly target: string;
  readonly body: string;
}

export interface FaultInjectorOptions {
  readonly seed: number;
  /** Probability of each kind, from 0 to 1, per call; for the {@link PER_ITEM_KINDS} per message or per read. */
  readonly rates?: Partial<Record<AwsFaultKind, number>>;
  readonly stallMs?: number;
  /** Maximum age of the state that a stale read returns, in ms; 1,000 by default. */
  readonly maxStaleMs?: number;
  readonly onFault?: (fault: Fault) => void;
}

/** An invalid fault rate or schedule. */
export class FaultOptionError extends Error {
  readonly code = 'FAULT_OPTION';
  constructor(message: string) {
    super(message);
    this.name = 'FaultOptionError';
  }
}

/**
 * Decides which calls fail and how. A pure function of the seed and of the order of calls to each target: every target
 * and every queue has its own stream of random numbers.
 */
export class FaultInjector implements ReceiveFaults, ReadFaults {
  /** False pauses all faults. Scheduled faults stay scheduled. */
  enabled = true;
  readonly stallMs: number;
  /** Undefined if no rate for `stale_read` is given: tables then keep no history. */
  readonly maxStaleMs: number | undefined;
  /** How often each kind happened. */
  readonly counts: Record<AwsFaultKind, number>;
  private readonly rates: Partial<Record<AwsFaultKind, number>>;
  private readonly random: Random;
  private readonly streams = new Map<string, Random>();
  private readonly scheduled: { kind: AwsFaultKind; target: string }[] = [];
  private readonly onFault: ((fault: Fault) => void) | undefined;

  constructor(options: FaultInjectorOptions) {
    this.rates = checkRates(options.rates ?? {});
    this.random = new Random(options.seed);
    this.stallMs = options.stallMs ?? DEFAULT_STALL_MS;
    const { maxStaleMs = DEFAULT_MAX_STALE_MS } = options;
    this.maxStaleMs = this.rates.stale_read === undefined ? undefined : maxStaleMs;
    this.onFault = options.onFault;
    const kinds = Object.keys(FAULT_KINDS);
    this.counts = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<AwsFaultKind, number>;
  }

  /**
   * Schedules a fault for the next call of a target, regardless of the rates.
   * @param target as in `X-Amz-Target`, such as `AmazonSQS.SendMessageBatch`.
   */
  next(kind: AwsFaultKind, target: string): void {
    if (!FAULTY_TARGETS[target]?.includes(kind))
      throw new FaultOptionError(`${kind} does not apply to ${target}; see FAULTY_TARGETS.`);
    if (this.scheduled.length >= MAX_SCHEDULED_FAULTS)
      throw new FaultOptionError(`At most ${MAX_SCHEDULED_FAULTS} faults can be scheduled.`);
    this.scheduled.push({ kind, target });
  }

  /** Decides which fault, if any, hits a call. At most one does. */
  draw(target: string): AwsFaultKind | undefined {
    const kinds = FAULTY_TARGETS[target]?.filter((kind) => !isPerItem(kind)) ?? [];
    if (!this.enabled || kinds.length === 0) return undefined;
    let left = this.stream(target).next();
    const scheduled = this.takeScheduled(target, kinds);
    if (scheduled !== undefined) return scheduled;
    for (const kind of kinds) {
      left -= this.rates[kind] ?? 0;
      if (left < 0) return kind;
    }
    return undefined;
  }

  /** Counts and reports a fault that is now injected. */
  report(fault: Fault): void {
    this.counts[fault.kind] += 1;
    this.onFault?.(fault);
  }

  /** The entries of a batch that fail: at least one of them, and not all if there are several. */
  pickEntries(target: string, count: number): Set<number> {
    const random = this.stream(target);
    const picked = new Set<number>();
    for (let index = 0; index < count; index += 1) if (random.chance(0.5)) picked.add(index);
    if (picked.size === 0) picked.add(random.int(count));
    if (picked.size === count && count > 1) picked.delete(random.int(count));
    return picked;
  }

  /** The random numbers of one target or queue. */
  stream(target: string): Random {
    const existing = this.streams.get(target);
    if (existing) return existing;
    const created = this.random.fork(target);
    this.streams.set(target, created);
    return created;
  }

  duplicate(queueArn: string, body: string): 'same_count' | 'higher_count' | undefined {
    if (this.strikes('duplicate_delivery', RECEIVE_TARGET, queueArn, body)) return 'same_count';
    return this.strikes('duplicate_higher_count', RECEIVE_TARGET, queueArn, body)
      ? 'higher_count'
      : undefined;
  }

  /** Whether EventBridge delivers an event to a queue twice. */
  repeatEvent(queueArn: string, body: string): boolean {
    return this.strikes('duplicate_event', EVENT_TARGET, `${EVENT_TARGET} ${queueArn}`, body);
  }

  duplicateDelayMs(maxMs: number): number {
    const random = this.stream(RECEIVE_TARGET);
    return random.chance(0.5) ? 0 : random.int(maxMs + 1);
  }

  reorder(queueArn: string, count: number): number {
    if (count < 2 || !this.strikes('reorder', RECEIVE_TARGET, queueArn, '')) return 0;
    return 1 + this.stream(queueArn).int(count - 1);
  }

  visibilityMs(queueArn: string, body: string, fullMs: number): number {
    if (fullMs <= 0 || !this.strikes('early_visibility', RECEIVE_TARGET, queueArn, body)) return fullMs;
    // The fourth power favors short times, within which a consumer is still working.
    return Math.floor(fullMs * this.stream(queueArn).next() ** 4);
  }

  reportedReceiveCount(queueArn: string, body: string, count: number): number {
    if (count < 2 || !this.strikes('low_receive_count', RECEIVE_TARGET, queueArn, body)) return count;
    return count - 1;
  }

  staleMs(tableName: string): number | undefined {
    if (this.maxStaleMs === undefined || !this.hits('stale_read', READ_TARGET, tableName)) return undefined;
    return 1 + Math.floor(this.stream(tableName).next() * this.maxStaleMs);
  }

  reportStaleRead(key: string): void {
    this.report({ kind: 'stale_read', target: READ_TARGET, body: key });
  }

  private strikes(kind: PerItemKind, target: string, stream: string, body: string): boolean {
    const hit = this.hits(kind, target, stream);
    if (hit) this.report({ kind, target, body });
    return hit;
  }

  private hits(kind: PerItemKind, target: string, stream: string): boolean {
    if (!this.enabled) return false;
    const rate = this.rates[kind];
    const drawn = rate !== undefined && this.stream(stream).chance(rate);
    return this.takeScheduled(target, [kind]) !== undefined || drawn;
  }

  private takeScheduled(target: string, kinds: readonly AwsFaultKind[]): AwsFaultKind | undefined {
    const index = this.scheduled.findIndex((fault) => fault.target === target && kinds.includes(fault.kind));
    return index < 0 ? undefined : this.scheduled.splice(index, 1)[0]?.kind;
  }
}

function isPerItem(kind: AwsFaultKind): kind is PerItemKind {
  return PER_ITEM_KINDS.some((known) => known === kind);
}

function checkRates(rates: Partial<Record<AwsFaultKind, number>>): Partial<Record<AwsFaultKind, number>> {
  let perCall = 0;
  for (const kind of Object.keys(rates) as AwsFaultKind[]) {
    const rate = rates[kind] ?? 0;
    if (!Object.hasOwn(FAULT_KINDS, kind))
      throw new FaultOptionError(
        `There is no fault "${kind}". The faults are ${Object.keys(FAULT_KINDS).join(', ')}.`,
      );
    if (!(rate >= 0 && rate <= 1))
      throw new FaultOptionError(`The rate of ${kind} must be from 0 to 1, not ${rate}.`);
    if (!isPerItem(kind)) perCall += rate;
  }
  if (perCall > 1)
    throw new FaultOptionError(`The rates of the faults that can hit a call add up to ${perCall}, above 1.`);
  return { ...rates };
}
