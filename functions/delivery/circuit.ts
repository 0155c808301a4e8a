import { CircuitState, circuitBreaker, handleAll, type IBreaker } from 'cockatiel';
import type { DeliveryTimes } from './delivery-times.ts';

/** The circuit opens if this share of the calls fails … */
const MAX_FAILED_SHARE = 0.5;
/** … of at least this many. */
const MIN_CALLS = 10;
/** Calls are counted per second. */
const BUCKET_MS = 1_000;

/** Results of calls: whether each succeeded. */
export type CallResults = readonly boolean[];

/** A circuit after some calls. */
export interface Circuit {
  /** For {@link afterCalls}; a JSON value. */
  readonly policy: unknown;
  /** Epoch milliseconds from which a probe is allowed; undefined if the circuit is closed. */
  readonly opensAtMs?: number;
}

/** Successful and failed calls by the time at which their bucket begins. */
type Buckets = Record<string, [succeeded: number, failed: number]>;

/** Opens the circuit when too many of the recent calls have failed. Calls outside the sample are forgotten. */
class RecentCalls implements IBreaker {
  private readonly sampleMs: number;
  private buckets: Buckets = {};

  constructor(sampleMs: number) {
    this.sampleMs = sampleMs;
  }

  get state(): unknown {
    return this.buckets;
  }

  set state(value: unknown) {
    this.buckets = { ...(value as Buckets) };
  }

  success(state: CircuitState): void {
    if (state !== CircuitState.Closed) this.buckets = {};
    this.add(0);
  }

  /** The policy ignores the result of a probe: a failed one always opens the circuit again. */
  failure(): boolean {
    this.add(1);
    const all = Object.values(this.buckets);
    const failed = all.reduce((sum, [, count]) => sum + count, 0);
    const calls = all.reduce((sum, [succeeded]) => sum + succeeded, failed);
    return calls >= MIN_CALLS && failed >= calls * MAX_FAILED_SHARE;
  }

  private add(index: 0 | 1): void {
    const nowMs = Date.now();
    const isRecent = ([startMs]: [string, unknown]) => Number(startMs) > nowMs - this.sampleMs;
    this.buckets = Object.fromEntries(Object.entries(this.buckets).filter(isRecent));
    const startMs = String(Math.floor(nowMs / BUCKET_MS) * BUCKET_MS);
    const counts: [number, number] = [...(this.buckets[startMs] ?? [0, 0])];
    counts[index] += 1;
    this.buckets[startMs] = counts;
  }
}

/**
 * The circuit after some calls. The policy is that of cockatiel; the caller stores its state, because the invocations
 * share it. An open circuit ignores all calls but the probe, which was allowed after `openMs`.
 *
 * @param policy - of the circuit before the calls; undefined if there was none
 */
export async function afterCalls(
  policy: unknown,
  results: CallResults,
  { sampleMs, openMs }: Pick<DeliveryTimes, 'sampleMs' | 'openMs'>,
): Promise<Circuit> {
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: openMs,
    breaker: new RecentCalls(sampleMs),
    initialState: policy,
  });
  for (const succeeded of results) {
    // It rejects with the error below, or because the circuit is open.
    await breaker
      .execute(() => {
        // Stryker disable next-line StringLiteral: nobody reads it
        if (!succeeded) throw new Error('The call failed.');
      })
      .catch(() => undefined);
  }
  const json = breaker.toJSON() as { ownState: { value: CircuitState; openedAt?: number } };
  const { value, openedAt = 0 } = json.ownState;
  return { policy: json, ...(value === CircuitState.Closed ? {} : { opensAtMs: openedAt + openMs }) };
}
