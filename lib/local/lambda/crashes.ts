import { Random } from '../random.ts';
import type { CrashPoint } from './environment.ts';
import { PollerOptionError } from './poller-options.ts';

/** Number of calls among which random crashes are spread until an invocation makes more. */
const MIN_CRASH_CALL_SPREAD = 4;
/** Maximum number of planned crashes. */
const MAX_PLANNED_CRASHES = 10_000;

/** A planned crash: the number of the invocation, counted from 1, and the place in it. */
export interface PlannedCrash extends Omit<CrashPoint, 'orAtEnd'> {
  readonly invocation: number;
}

/** Decides which invocations crash, and where. */
export class CrashPlan {
  private readonly planned = new Map<number, CrashPoint>();
  private readonly random: Random;
  private readonly rate: number;
  private mostCalls = MIN_CRASH_CALL_SPREAD;

  constructor(rate: number, random: Random = new Random(0)) {
    if (!(rate >= 0 && rate <= 1))
      throw new PollerOptionError(`crash.rate must be from 0 to 1, not ${rate}.`);
    this.rate = rate;
    this.random = random.fork('crashes');
  }

  /** Plans one crash. It does not happen if the invocation makes fewer calls. */
  killAt({ invocation, call, when }: PlannedCrash): void {
    if (!Number.isInteger(invocation) || invocation < 1 || !Number.isInteger(call) || call < 1)
      throw new PollerOptionError('killAt counts invocations and calls from 1.');
    if (this.planned.size >= MAX_PLANNED_CRASHES)
      throw new PollerOptionError(`At most ${MAX_PLANNED_CRASHES} crashes can be planned.`);
    this.planned.set(invocation, { call, when });
  }

  /** Where this invocation crashes. Random crashes are spread from the first call to after the last. */
  draw(invocation: number): CrashPoint | undefined {
    const planned = this.planned.get(invocation);
    this.planned.delete(invocation);
    const hit = this.random.chance(this.rate);
    const call = 1 + this.random.int(this.mostCalls + 1);
    const when = this.random.chance(0.5) ? 'before' : 'after';
    return planned ?? (hit ? { call, when, orAtEnd: true } : undefined);
  }

  /** Records how many calls an invocation makes, so that random crashes cover all of them. */
  sawCalls(count: number): void {
    this.mostCalls = Math.max(this.mostCalls, count);
  }
}
