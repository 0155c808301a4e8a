import type { Interval } from '../../lib/genesys/interval.ts';
import type { CoverageSources } from './coverage-options.ts';
import { subtract } from './intervals.ts';
import type { EndedGaps } from './own-gaps.ts';
import type { SubscriptionCoverage } from './subscription-coverage.ts';

/** When the connection of a subscription was live. */
export interface LiveIn {
  readonly subscription: string;
  /** Nothing later is proven, in epoch milliseconds. */
  readonly untilMs: number;
  readonly live: readonly Interval[];
}

/**
 * The parts of an interval in which this task had a live connection with a list of topics.
 *
 * @param id - identifies the topics
 * @returns undefined if no subscription serves them now
 */
export function liveIn(
  id: string,
  { fromMs, toMs }: Interval,
  task: {
    readonly subscriptions: ReadonlyMap<string, SubscriptionCoverage>;
    readonly ended: EndedGaps;
    readonly readUntilMs: CoverageSources['readUntilMs'];
  },
): LiveIn | undefined {
  for (const [subscription, { spans, gap }] of task.subscriptions) {
    if (spans.current?.topicsId !== id) continue;
    const { fromMs: sinceMs } = spans.current;
    const untilMs = gap?.fromMs ?? task.readUntilMs(subscription) ?? sinceMs;
    const known = { fromMs: Math.max(fromMs, sinceMs), toMs: Math.min(toMs, untilMs) };
    return { subscription, untilMs, live: subtract([known], task.ended.of(subscription)) };
  }
  return undefined;
}
