import { singleTopics } from '../../lib/genesys/combined-topics.ts';
import type { Interval } from '../../lib/genesys/interval.ts';
import { PROOF_STALE_MS } from '../ingester/coverage.ts';
import type { CoverageProof, CoveredSpan, Gap } from '../ingester/coverage-store.ts';
import { overlap, subtract, union } from '../ingester/intervals.ts';

/** After this time without a proof of any task, a gap that is not recorded yet is reported. */
export const OPEN_AFTER_MS = 60_000;
/** A subscription that no task covered for this long, while tasks that started later run, is no longer wanted. */
export const UNWANTED_AFTER_MS = 3_600_000;
/** Reason of a time that no task has proven or recorded yet. */
export const NOT_PROVEN = 'no proof of coverage yet';
/** The time of a gap without length is not known exactly. It counts as this long. */
const MIN_GAP_MS = 1;

/** A gap record and the task that stored it. */
export interface TaskGap extends Gap {
  readonly task: string;
}

/** The contents of the state table about the coverage of a subscription set. */
export interface StoredCoverage {
  readonly gaps: readonly TaskGap[];
  /** Spans that have ended. */
  readonly spans: readonly CoveredSpan[];
  readonly proofs: readonly CoverageProof[];
  /** Topics by the id of their list. */
  readonly topics: ReadonlyMap<string, readonly string[]>;
}

/** An interval in which no task covered some topics. */
export interface DeploymentGap extends Interval {
  /** The topics, single and sorted. Empty if the list of topics is no longer stored. */
  readonly topics: readonly string[];
  /** Why the tasks did not cover the topics, sorted. */
  readonly reasons: readonly string[];
  /** The tasks that recorded it, sorted. */
  readonly tasks: readonly string[];
  /** It has not ended: `toMs` is now. */
  readonly isOpen: boolean;
}

/** Intervals of a task and a list of topics. */
type Listed = Interval & Pick<TaskGap, 'task' | 'topicsId'>;
type Uncovered = Listed & Pick<TaskGap, 'reason'>;

/**
 * The gaps of the deployment: for each topic the intervals that a gap record names and that no task covered. A task
 * covered a topic in the spans that name it, except for its own gaps. The clocks of the tasks are taken to agree.
 *
 * @param nowMs - time at which `stored` was read
 * @returns by beginning; topics with the same gap are one
 */
export function deploymentGaps(stored: StoredCoverage, nowMs: number): DeploymentGap[] {
  const recorded = stored.gaps.map(
    (gap): Uncovered => ({ ...gap, toMs: Math.max(gap.toMs, gap.fromMs + MIN_GAP_MS) }),
  );
  const spans: Listed[] = [...stored.spans, ...currentSpans(stored.proofs)];
  const unproven = unprovenTimes(stored.proofs, nowMs);
  const unlisted = recorded.filter(({ topicsId }) => !stored.topics.has(topicsId));
  const gaps = topicGroups(stored.topics).flatMap(({ ids, topics }) => {
    const concerns = ({ topicsId }: Listed) => ids.has(topicsId);
    const own = recorded.filter(concerns);
    const covered = coveredTimes(spans.filter(concerns), [...own, ...unlisted]);
    return gapsOf(topics, { recorded: own, unproven: unproven.filter(concerns), covered }, nowMs);
  });
  const unknown = gapsOf([], { recorded: unlisted, unproven: [], covered: [] }, nowMs);
  return joinTopics([...gaps, ...unknown]).toSorted((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs);
}

/** The spans that have not ended, as far as they are proven. */
export function currentSpans(proofs: readonly CoverageProof[]): CoveredSpan[] {
  return proofs.flatMap(({ task, subscription, covering, coveredUntilMs: toMs }) =>
    covering ? [{ task, subscription, ...covering, toMs }] : [],
  );
}

/** The times after the last proofs: a task that has died has not recorded its last gap, and the next one may not exist. */
function unprovenTimes(proofs: readonly CoverageProof[], nowMs: number): Uncovered[] {
  const isUnwanted = ({ storedAtMs }: CoverageProof) =>
    proofs.some(
      (other) =>
        !other.isFinal &&
        nowMs - other.storedAtMs < PROOF_STALE_MS &&
        other.covering &&
        other.covering.fromMs > storedAtMs &&
        other.covering.fromMs < nowMs - UNWANTED_AFTER_MS,
    );
  return proofs.flatMap((proof) => {
    const { task, covering, coveredUntilMs: fromMs } = proof;
    if (!covering || isUnwanted(proof)) return [];
    return { task, topicsId: covering.topicsId, fromMs, toMs: nowMs, reason: NOT_PROVEN };
  });
}

/** Topics that are in the same lists, and therefore have the same gaps. */
function topicGroups(lists: StoredCoverage['topics']): { ids: ReadonlySet<string>; topics: string[] }[] {
  const idsByTopic = new Map<string, Set<string>>();
  for (const [id, topics] of lists) {
    for (const topic of topics.flatMap(singleTopics)) {
      const ids = idsByTopic.get(topic) ?? new Set();
      idsByTopic.set(topic, ids.add(id));
    }
  }
  return [...Map.groupBy(idsByTopic, ([, ids]) => [...ids].join()).values()].map((entries) => ({
    ids: entries[0]?.[1] ?? new Set(),
    topics: entries.map(([topic]) => topic),
  }));
}

/** The times in which at least one task covered topics. */
function coveredTimes(spans: readonly Listed[], gaps: readonly Listed[]): Interval[] {
  const gapsByTask = Map.groupBy(gaps, ({ task }) => task);
  return [...Map.groupBy(spans, ({ task }) => task)].flatMap(([task, own]) =>
    subtract(own, gapsByTask.get(task) ?? []),
  );
}

function gapsOf(
  topics: readonly string[],
  times: {
    readonly recorded: readonly Uncovered[];
    readonly unproven: readonly Uncovered[];
    readonly covered: readonly Interval[];
  },
  nowMs: number,
): DeploymentGap[] {
  const { recorded, unproven, covered } = times;
  const left = subtract(unproven, covered).filter(
    // Between two proofs every task is without one.
    ({ fromMs, toMs }) => toMs < nowMs || nowMs - fromMs >= OPEN_AFTER_MS,
  );
  return union([...subtract(recorded, covered), ...left]).map((gap) => {
    const notRecorded = subtract([gap], recorded);
    const causes = [
      ...recorded.filter((one) => overlap(one, gap)),
      ...unproven.filter((one) => notRecorded.some((part) => overlap(one, part))),
    ];
    return {
      ...gap,
      topics,
      reasons: distinct(causes.map(({ reason }) => reason)),
      tasks: distinct(causes.map(({ task }) => task)),
      isOpen: left.some(({ toMs }) => toMs === nowMs && toMs <= gap.toMs),
    };
  });
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted();
}

/** Joins gaps that differ only in their topics. */
function joinTopics(gaps: readonly DeploymentGap[]): DeploymentGap[] {
  const same = Map.groupBy(gaps, ({ topics, ...gap }) => JSON.stringify([topics.length > 0, gap]));
  return [...same.values()].flatMap((group) =>
    group.slice(0, 1).map((gap) => ({ ...gap, topics: distinct(group.flatMap(({ topics }) => topics)) })),
  );
}
