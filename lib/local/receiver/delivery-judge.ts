import type { DeliveryCall, DeliveryLedger, Hold } from './delivery-ledger.ts';

/**
 * How long after a `Retry-After` calls may still start, in ms: the sender has read its state, and the call is already
 * on its way.
 */
export const CALLS_ON_THEIR_WAY_MS = 500;
const SECOND_MS = 1_000;
/** Statuses after which an event is retried. Any other 3xx or 4xx refuses the event permanently. */
const TRANSIENT_4XX: ReadonlySet<number> = new Set([408, 410, 425, 429]);

export interface DeliveriesToJudge {
  /** For each event id: how often the event was on the bus. It may be processed as often, and must be at least once. */
  readonly expected: ReadonlyMap<string, number>;
  /** For each event id in the dead-letter queue: the reason. */
  readonly deadLettered: ReadonlyMap<string, string>;
  readonly ledger: DeliveryLedger;
  /** Events whose sender was killed during a call, so that it may not have recorded the response. */
  readonly interrupted?: ReadonlySet<string>;
  /** The limit of calls per second; none if absent. */
  readonly ratePerSecond?: number;
  /** Maximum inaccuracy of times, in ms: timers, clocks and the network. */
  readonly toleranceMs: number;
}

/** What happened to the events. Lists contain event ids. */
export interface DeliveryVerdict {
  /** Number of expected events that were processed. */
  readonly delivered: number;
  /** Number of expected events that were not processed but are dead letters, by reason. */
  readonly deadLettered: Readonly<Record<string, number>>;
  /** Neither processed nor dead letters. */
  readonly missing: readonly string[];
  /** Processed, although they were not on the bus. */
  readonly unexpected: readonly string[];
  /** Processed too often, although the sender had received every earlier success. */
  readonly twice: readonly string[];
  /** Processed too often after a success whose response was lost, or whose sender was interrupted. */
  readonly twiceUnknown: readonly string[];
  /** Calls that began while a `Retry-After` applied. */
  readonly calledWhileHeld: readonly DeliveryCall[];
  /** Starts of the seconds with more calls than the limit, in ms since 1970. They do not overlap. */
  readonly aboveRate: readonly number[];
  /** Calls without a valid signature. */
  readonly unsigned: readonly DeliveryCall[];
  /** Calls with another defect: `Idempotency-Key` differs from `webhook-id`, or the body is not JSON. */
  readonly malformed: readonly DeliveryCall[];
  /** Dead letters that the receiver did not refuse permanently. */
  readonly unexplainedDeadLetters: readonly string[];
}

/** Compares what a receiver saw with what was on the bus. */
export function judgeDeliveries(input: DeliveriesToJudge): DeliveryVerdict {
  const { expected, deadLettered, ledger, interrupted, ratePerSecond, toleranceMs } = input;
  const isProcessed = (id: string) => ledger.callsOf(id).some(({ processed }) => processed);
  const ids = [...expected.keys()];
  const left = ids.filter((id) => !isProcessed(id));
  const reasons: Record<string, number> = {};
  for (const id of left) {
    const reason = deadLettered.get(id);
    if (reason !== undefined) reasons[reason] = (reasons[reason] ?? 0) + 1;
  }
  const repeated = ids.map((id) => {
    const kind = repetition(ledger.callsOf(id), expected.get(id) ?? 1);
    return { id, kind: kind && interrupted?.has(id) ? 'unknown' : kind };
  });
  return {
    delivered: ids.length - left.length,
    deadLettered: reasons,
    missing: left.filter((id) => !deadLettered.has(id)),
    unexpected: [...ledger.keys()].filter((id) => !expected.has(id) && isProcessed(id)),
    twice: repeated.flatMap(({ id, kind }) => (kind === 'known' ? [id] : [])),
    twiceUnknown: repeated.flatMap(({ id, kind }) => (kind === 'unknown' ? [id] : [])),
    calledWhileHeld: ledger.calls.filter(({ atMs }) =>
      ledger.holds.some((hold) => isWithin(atMs, hold, toleranceMs)),
    ),
    aboveRate: ratePerSecond === undefined ? [] : secondsAbove(ledger.calls, ratePerSecond, toleranceMs),
    unsigned: ledger.calls.filter(({ signatureProblem }) => signatureProblem !== undefined),
    malformed: ledger.calls.filter(({ problem }) => problem !== undefined),
    unexplainedDeadLetters: [...deadLettered.keys()].filter((id) => !ledger.callsOf(id).some(isRefusal)),
  };
}

/** A call is one too many if the event had as many complete successes before it as copies on the bus. */
function repetition(calls: readonly DeliveryCall[], times: number): 'known' | 'unknown' | undefined {
  const processed = calls.filter((call) => call.processed);
  if (processed.length <= times) return undefined;
  const isKnown = processed.some((call) => {
    const before = processed.filter(
      (other) =>
        other !== call && other.answer === 'complete' && (other.answeredAtMs ?? Infinity) <= call.atMs,
    );
    return before.length >= times;
  });
  const isUnknown = processed.some(({ answer }) => answer !== 'complete');
  return isKnown || !isUnknown ? 'known' : 'unknown';
}

/** Whether a call refused its event for good. */
export function isRefusal({ status, answer }: DeliveryCall): boolean {
  return (
    answer === 'complete' &&
    status !== undefined &&
    status >= 300 &&
    status < 500 &&
    !TRANSIENT_4XX.has(status)
  );
}

function isWithin(atMs: number, hold: Hold, toleranceMs: number): boolean {
  return atMs > hold.fromMs + CALLS_ON_THEIR_WAY_MS && atMs < hold.untilMs - toleranceMs;
}

/** Below one call per second, the interval is as long as one call takes, instead of a second. */
function secondsAbove(
  calls: readonly DeliveryCall[],
  ratePerSecond: number,
  toleranceMs: number,
): readonly number[] {
  const intervalMs = Math.max(SECOND_MS, SECOND_MS / ratePerSecond);
  const limit = Math.ceil(Math.max(1, ratePerSecond));
  const times = calls.map(({ atMs }) => atMs).sort((a, b) => a - b);
  const starts: number[] = [];
  for (let first = 0; first + limit < times.length; ) {
    const startMs = times[first] ?? 0;
    if ((times[first + limit] ?? 0) - startMs < intervalMs - toleranceMs) {
      starts.push(startMs);
      first += limit;
    } else {
      first += 1;
    }
  }
  return starts;
}
