import { topicsId } from './coverage-store.ts';
import { CoveredSpans, servedOf } from './covered-spans.ts';
import type { OpenGap } from './open-gap.ts';
import { TopicPeriods } from './topic-periods.ts';

/** The coverage of one subscription. */
export interface SubscriptionCoverage {
  /** Topics that are wanted. */
  readonly topics: readonly string[];
  readonly topicsId: string;
  /** Topics that were wanted, over time. */
  readonly periods: TopicPeriods;
  /** The times at which topics were served. */
  readonly spans: CoveredSpans;
  /** The open gap, or undefined while the subscription is covered. */
  gap: OpenGap | undefined;
  wasCovered: boolean;
}

/** A gap that has not ended. */
export interface LongestGap {
  readonly subscription: string;
  readonly ms: number;
  readonly reason: string;
}

/** A subscription with these topics, which was another one before if it is `known`. */
export function withTopics(
  known: SubscriptionCoverage | undefined,
  topics: readonly string[],
): SubscriptionCoverage {
  const id = topicsId(topics);
  const { gap, wasCovered = false, spans = new CoveredSpans(), periods = new TopicPeriods(id) } = known ?? {};
  periods.change(id);
  return { topics, topicsId: id, periods, spans, gap, wasCovered };
}

/**
 * Note which of the wanted topics are served now.
 *
 * @param delivered - topics that the connection delivers; without a connection, the served topics stay the same
 * @param sinceMs - since when, in epoch milliseconds
 * @returns the topics that are served now, if they differ from those before
 */
export function noteServed(
  { topics, topicsId: wantedId, spans, gap }: SubscriptionCoverage,
  delivered: readonly string[] | undefined,
  sinceMs = gap?.fromMs ?? Date.now(),
): { readonly id: string; readonly topics: readonly string[] } | undefined {
  const served = delivered ?? spans.topics;
  if (!served) return undefined;
  // Stryker disable next-line ConditionalExpression,EqualityOperator,LogicalOperator: saves hashing; the result is the same
  const isAll = served === topics || topicsId(served) === wantedId;
  const wanted = isAll ? topics : servedOf(topics, served);
  const id = spans.serve(wanted, sinceMs);
  return id === undefined ? undefined : { id, topics: wanted };
}

/** The oldest open gap, of all subscriptions or only of these; undefined when there is none. */
export function longestGap(
  subscriptions: ReadonlyMap<string, SubscriptionCoverage>,
  only?: readonly string[],
): LongestGap | undefined {
  const open = [...subscriptions].flatMap(([subscription, { gap }]) =>
    gap && (only?.includes(subscription) ?? true)
      ? [{ subscription, ms: gap.lengthMs, reason: gap.reason }]
      : [],
  );
  return open.toSorted((one, other) => other.ms - one.ms)[0];
}
