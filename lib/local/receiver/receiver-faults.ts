import { Random } from '../random.ts';

/**
 * The faults of the receiver:
 * - `slow`: processes the request, and responds after the sender's timeout.
 * - `answer_429`: responds with 429, with `Retry-After` in seconds, as an HTTP date, and without it, in rotation.
 * - `burst_500`: responds with 500, 502 or 503 for some time.
 * - `half_closed`: closes or resets the connection without a response, alternately after and before processing.
 * - `garbage_answer`: responds with bytes that are not HTTP, before processing.
 * - `refused_4xx`: refuses an event permanently, with 400 or 422.
 * - `wrong_certificate`: responds, and then presents a certificate for some time that the sender does not trust. Only
 *   with TLS.
 * - `down`: responds, and then refuses connections for some time.
 * - `gone_410`: responds with 410 from then on.
 */
export const RECEIVER_FAULT_KINDS = [
  'slow',
  'answer_429',
  'burst_500',
  'half_closed',
  'garbage_answer',
  'refused_4xx',
  'wrong_certificate',
  'down',
  'gone_410',
] as const;
export type ReceiverFaultKind = (typeof RECEIVER_FAULT_KINDS)[number];

/** All kinds except `gone_410`, which stops the sender until an operator resumes it. */
export const TRANSIENT_RECEIVER_FAULT_KINDS: readonly ReceiverFaultKind[] = RECEIVER_FAULT_KINDS.filter(
  (kind) => kind !== 'gone_410',
);

/** Probability of a fault per call. */
const DEFAULT_RATE = 0.05;
/** Faults that are scheduled and have not happened yet. */
const MAX_SCHEDULED_FAULTS = 10_000;

const RETRY_AFTER_FORMS = ['seconds', 'date', 'none'] as const;
const CLOSES = [
  { processed: true, reset: false },
  { processed: false, reset: true },
  { processed: true, reset: true },
  { processed: false, reset: false },
] as const;
const REFUSALS = [400, 422] as const;
const SERVER_ERRORS = [500, 502, 503] as const;

/** One fault, with the form that it takes. */
export type ReceiverFault =
  | { readonly kind: 'slow' | 'garbage_answer' | 'wrong_certificate' | 'down' | 'gone_410' }
  | { readonly kind: 'answer_429'; readonly form: (typeof RETRY_AFTER_FORMS)[number] }
  | { readonly kind: 'burst_500'; readonly status: (typeof SERVER_ERRORS)[number] }
  | { readonly kind: 'half_closed'; readonly processed: boolean; readonly reset: boolean }
  | { readonly kind: 'refused_4xx'; readonly status: (typeof REFUSALS)[number] };

export interface ReceiverFaultsOptions {
  readonly seed: number;
  readonly kinds: readonly ReceiverFaultKind[];
  /** Probability of a fault per call, from 0 to 1; 0.05 by default. */
  readonly rate?: number;
}

/** Invalid options, or too many scheduled faults. */
export class ReceiverFaultsError extends Error {
  readonly code = 'RECEIVER_FAULTS';
  constructor(message: string) {
    super(message);
    this.name = 'ReceiverFaultsError';
  }
}

/**
 * Decides which calls meet a fault. A pure function of the seed and of the order of calls. Every kind happens once, in
 * a random order, before one happens again.
 */
export class ReceiverFaults {
  /** False pauses all faults. Scheduled faults stay scheduled. */
  enabled = true;
  /** How often each kind happened. */
  readonly counts: Record<ReceiverFaultKind, number>;
  private readonly options: ReceiverFaultsOptions;
  private readonly random: Random;
  private readonly scheduled: ReceiverFaultKind[] = [];
  private round: ReceiverFaultKind[] = [];

  /** @throws ReceiverFaultsError if a kind is unknown or the rate is not a probability */
  constructor(options: ReceiverFaultsOptions) {
    const { kinds, rate = DEFAULT_RATE, seed } = options;
    const unknown = kinds.filter((kind) => !RECEIVER_FAULT_KINDS.includes(kind));
    if (unknown.length > 0)
      throw new ReceiverFaultsError(
        `Unknown faults: ${unknown.join(', ')}. Use ${RECEIVER_FAULT_KINDS.join(', ')}.`,
      );
    if (!(rate >= 0 && rate <= 1))
      throw new ReceiverFaultsError(`The rate must be from 0 to 1, not ${rate}.`);
    this.options = { ...options, rate };
    this.random = new Random(seed).fork('receiver-faults');
    this.counts = Object.fromEntries(RECEIVER_FAULT_KINDS.map((kind) => [kind, 0])) as typeof this.counts;
  }

  /** Schedules a fault for the next call, regardless of the rate. */
  next(kind: ReceiverFaultKind): void {
    if (this.scheduled.length >= MAX_SCHEDULED_FAULTS)
      throw new ReceiverFaultsError(`At most ${MAX_SCHEDULED_FAULTS} faults can be scheduled.`);
    this.scheduled.push(kind);
  }

  /**
   * The fault of a call, or undefined.
   *
   * @param isFirst - whether this is the first call for its event. An event is refused permanently only then: a
   *   receiver that has processed an event does not refuse it afterwards.
   */
  draw(isFirst: boolean): ReceiverFault | undefined {
    if (!this.enabled) return undefined;
    // A number is drawn for every call, so that a scheduled fault does not shift later draws.
    const drawn = this.random.chance(this.options.rate ?? DEFAULT_RATE);
    const planned = this.scheduled[0];
    const kind = planned ?? (drawn ? this.nextOfRound() : undefined);
    if (kind === undefined) return undefined;
    if (kind === 'refused_4xx' && !isFirst) {
      if (planned === undefined) this.round.unshift(kind);
      return undefined;
    }
    if (planned !== undefined) this.scheduled.shift();
    return this.happen(kind);
  }

  /** The status of the next response during a burst. */
  serverError(): (typeof SERVER_ERRORS)[number] {
    return this.random.pick(SERVER_ERRORS);
  }

  private nextOfRound(): ReceiverFaultKind | undefined {
    if (this.round.length === 0) this.round = this.shuffled();
    return this.round.shift();
  }

  private shuffled(): ReceiverFaultKind[] {
    const left = [...this.options.kinds];
    const order: ReceiverFaultKind[] = [];
    while (left.length > 0) order.push(...left.splice(this.random.int(left.length), 1));
    return order;
  }

  private happen(kind: ReceiverFaultKind): ReceiverFault {
    const nth = this.counts[kind];
    this.counts[kind] += 1;
    const inTurn = <T>(forms: readonly T[]) => forms[nth % forms.length] as T;
    if (kind === 'answer_429') return { kind, form: inTurn(RETRY_AFTER_FORMS) };
    if (kind === 'burst_500') return { kind, status: this.serverError() };
    if (kind === 'half_closed') return { kind, ...inTurn(CLOSES) };
    if (kind === 'refused_4xx') return { kind, status: inTurn(REFUSALS) };
    return { kind };
  }
}
