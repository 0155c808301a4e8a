import { singleTopics } from '../../lib/genesys/combined-topics.ts';
import type { Interval } from '../../lib/genesys/interval.ts';
import { overlap, union } from '../ingester/intervals.ts';
import { deploymentGaps } from './deployment-gaps.ts';
import { type CoverageLocation, readCoverage } from './stored-coverage.ts';

/** The parts of a task's gap in which no other task covered its topics, in order of time. */
export async function uncoveredParts(
  location: CoverageLocation,
  { fromMs, toMs }: Interval,
  topics: readonly string[],
): Promise<readonly Interval[]> {
  const own = new Set(topics.flatMap(singleTopics));
  // The time of a gap without length is not known exactly.
  const gap = { fromMs, toMs: Math.max(toMs, fromMs + 1) };
  const stored = await readCoverage(location, fromMs);
  const parts = deploymentGaps(stored, Date.now()).filter(
    (one) => overlap(one, gap) && one.topics.some((topic) => own.has(topic)),
  );
  return union(
    parts.map((one) => ({ fromMs: Math.max(one.fromMs, gap.fromMs), toMs: Math.min(one.toMs, gap.toMs) })),
  );
}
