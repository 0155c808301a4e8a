import type { StoredCoverage } from '../../functions/backfill/deployment-gaps.ts';
import { overlap } from '../../functions/ingester/intervals.ts';
import { singleTopics } from '../../lib/genesys/combined-topics.ts';
import type { Interval } from '../../lib/genesys/interval.ts';

/** An interval in which the leader had no connection, and a standby sent what it had read. */
export interface BridgedGap extends Interval {
  /** The topics, single and sorted. */
  readonly topics: readonly string[];
  /** Why the leader had a gap, sorted. Empty if the leader has died before it could record the gap. */
  readonly reasons: readonly string[];
}

/** The gaps that a standby has filled, by beginning. Their remaining parts are in {@link deploymentGaps}. */
export function bridgedGaps({ spans, gaps, topics }: StoredCoverage): BridgedGap[] {
  return spans
    .filter(({ isBridge }) => isBridge)
    .map((span) => {
      const causes = gaps.filter((gap) => gap.topicsId === span.topicsId && overlap(gap, span));
      return {
        fromMs: span.fromMs,
        toMs: span.toMs,
        topics: (topics.get(span.topicsId) ?? []).flatMap(singleTopics).toSorted(),
        reasons: [...new Set(causes.map(({ reason }) => reason))].toSorted(),
      };
    })
    .toSorted((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs);
}
