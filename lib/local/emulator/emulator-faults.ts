import { Random } from '../random.ts';
import { type AwsFaultKind, FAULT_KINDS, FAULTY_TARGETS, RECEIVE_TARGET } from './emulator-fault-kinds.ts';
import type { ReceiveFaults } from './sqs/sqs-queue-types.ts';

export type { AwsFaultKind } from './emulator-fault-kinds.ts';

/** How long a call without an answer holds its connection, in ms. */
const DEFAULT_STALL_MS = 300;
/** Faults that may be scheduled and not yet met. */
const MAX_SCHEDULED_FAULTS = 10_000;

/** One fault as it happened. `body` is the request's, or for receives the message's, so that its events can be told. */
export interface Fault {
  readonly kind: AwsFaultKind;
  readonly target: string;
  readonly body: string;
}

export interface FaultInjectorOptions {
  readonly seed: number;
  /** Probability of each kind, from 0 to 1: for each call, or for each delivered message with `duplicate_delivery`. */
  readonly rates?: Partial<Record<AwsFaultKind, number>>;
  readonly stallMs?: number;
  readonly onFault?: (fault: Fault) => void;
}

/** The rates or the schedule ask for something that cannot be. */
export class FaultOptionError extends Error {
  readonly code = 'FAULT_OPTION';
  constructor(message: string) {
    super(message);
    this.name = 'FaultOptionError';
  }
}

/**
 * Decides which calls go wrong and how. A pure function of the seed and of the order of calls to each target: every
 * target has its own stream of random numbers.
 */
export class FaultInjector implements ReceiveFaults {
  /** False pauses everything; scheduled faults wait. */
  enabled = true;
  readonly stallMs: number;
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
    this.onFault = options.onFault;
    this.counts = Object.fromEntries(Object.keys(FAULT_KINDS).map((kind) => [kind, 0])) as Record<
      AwsFaultKind,
      number
    >;
  }

  /**
   * Lets the next call of a target go wrong, whatever the rates.
   * @param target as in `X-Amz-Target`, such as `AmazonSQS.SendMessageBatch`.
   */
  next(kind: AwsFaultKind, target: string): void {
    if (!FAULTY_TARGETS[target]?.includes(kind))
      throw new FaultOptionError(`${kind} does not apply to ${target}; see FAULTY_TARGETS.`);
    if (this.scheduled.length >= MAX_SCHEDULED_FAULTS)
      throw new FaultOptionError(`At most ${MAX_SCHEDULED_FAULTS} faults can be scheduled.`);
    this.scheduled.push({ kind, target });
  }

  /** Decides about one call. At most one fault hits it. */
  draw(target: string): AwsFaultKind | undefined {
    const kinds = FAULTY_TARGETS[target];
    if (!this.enabled || kinds === undefined || target === RECEIVE_TARGET) return undefined;
    let left = this.stream(target).next();
    const scheduled = this.takeScheduled(target);
    if (scheduled !== undefined) return scheduled;
    for (const kind of kinds) {
      left -= this.rates[kind] ?? 0;
      if (left < 0) return kind;
    }
    return undefined;
  }

  /** Counts and reports a fault that now happens. */
  report(fault: Fault): void {
    this.counts[fault.kind] += 1;
    this.onFault?.(fault);
  }

  /** Which of `count` batch entries fail: at least one, and where there are several not all. */
  pickEntries(target: string, count: number): Set<number> {
    const random = this.stream(target);
    const picked = new Set<number>();
    for (let index = 0; index < count; index += 1) if (random.chance(0.5)) picked.add(index);
    if (picked.size === 0) picked.add(random.int(count));
    if (picked.size === count && count > 1) picked.delete(random.int(count));
    return picked;
  }

  /** The random numbers of one target. */
  stream(target: string): Random {
    const existing = this.streams.get(target);
    if (existing) return existing;
    const created = this.random.fork(target);
    this.streams.set(target, created);
    return created;
  }

  duplicates(queueArn: string, body: string): boolean {
    if (!this.hits('duplicate_delivery', queueArn)) return false;
    this.report({ kind: 'duplicate_delivery', target: RECEIVE_TARGET, body });
    return true;
  }

  duplicateDelayMs(maxMs: number): number {
    const random = this.stream(RECEIVE_TARGET);
    return random.chance(0.5) ? 0 : random.int(maxMs + 1);
  }

  reorder(queueArn: string, count: number): number {
    if (count < 2 || !this.hits('reorder', queueArn)) return 0;
    this.report({ kind: 'reorder', target: RECEIVE_TARGET, body: '' });
    return 1 + this.stream(queueArn).int(count - 1);
  }

  private hits(kind: 'duplicate_delivery' | 'reorder', queueArn: string): boolean {
    if (!this.enabled) return false;
    const rate = this.rates[kind];
    const drawn = rate !== undefined && this.stream(queueArn).chance(rate);
    return this.takeScheduled(RECEIVE_TARGET, kind) !== undefined || drawn;
  }

  private takeScheduled(target: string, kind?: AwsFaultKind): AwsFaultKind | undefined {
    const index = this.scheduled.findIndex(
      (scheduled) => scheduled.target === target && (kind === undefined || scheduled.kind === kind),
    );
    return index < 0 ? undefined : this.scheduled.splice(index, 1)[0]?.kind;
  }
}

function checkRates(rates: Partial<Record<AwsFaultKind, number>>): Partial<Record<AwsFaultKind, number>> {
  let ofOneCall = 0;
  for (const [kind, rate] of Object.entries(rates)) {
    if (!Object.hasOwn(FAULT_KINDS, kind))
      throw new FaultOptionError(
        `There is no fault "${kind}"; there are ${Object.keys(FAULT_KINDS).join(', ')}.`,
      );
    if (!(rate >= 0 && rate <= 1))
      throw new FaultOptionError(`The rate of ${kind} must be from 0 to 1, not ${rate}.`);
    if (kind !== 'duplicate_delivery' && kind !== 'reorder') ofOneCall += rate;
  }
  if (ofOneCall > 1)
    throw new FaultOptionError(`The rates of what can hit one call add up to ${ofOneCall}, above 1.`);
  return { ...rates };
}
