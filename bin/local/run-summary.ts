import { judgeGaps } from 'switchboard-local/simulator/gap-judge.ts';
import type { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { templateOf } from 'switchboard-local/simulator/topic-template-lookup.ts';
import type { Accounting } from './accounting.ts';
import { ChildIngester } from './child-ingester.ts';
import type { Cloud } from './cloud.ts';
import type { LocalOptions } from './local-options.ts';
import { roundLatency } from './local-result.ts';
import type { Pipeline } from './pipeline.ts';
import type { ReplayTotals } from './replay.ts';
import { NAMES } from './resources.ts';
import type { Judged } from './verdict.ts';

const MAX_LOST_TOPICS = 10;

/** The parts of a run that its result depends on. */
export interface RunParts {
  options: LocalOptions;
  cloud: Cloud | undefined;
  ledger: Ledger;
  accounting: Accounting;
  pipeline: Pipeline;
}

/** Lost events of a type. */
export interface LossByTopic {
  readonly topic: string;
  readonly events: number;
}

/** Faults that took effect, by kind. */
export function faultCounts({
  cloud,
  pipeline,
}: Pick<RunParts, 'cloud' | 'pipeline'>): Record<string, number> {
  const { ingester } = pipeline;
  return {
    ...cloud?.faults?.counts,
    ...pipeline.awsFaults.counts,
    consumer_crash: pipeline.consumed.crashes,
    ...(ingester instanceof ChildIngester ? { ingester_kill: ingester.kills } : {}),
  };
}

/** Judges a run that has ended, with the gap records that the product has written. */
export async function judgeRun(run: RunParts, replay: ReplayTotals | undefined): Promise<Judged> {
  const { ledger, pipeline, accounting, options } = run;
  const { received, copies, gaps: gapCount, gapSeconds } = pipeline.ingester.totals;
  const report = ledger.report();
  const records = await pipeline.gapRecords();
  const gaps = judgeGaps(ledger.missing(), records);
  const visibleIn = (name: string) => pipeline.emulator.sqs.queue(name).counts().visible;
  const result = {
    sent: run.cloud ? report.sent : received - copies,
    received,
    published: run.cloud ? report.published : accounting.published,
    duplicates: copies + pipeline.consumed.duplicates,
    quarantined: visibleIn(NAMES.quarantineQueue),
    lost: report.lost,
    publishedTwice: run.cloud ? report.publishedTwice + report.unexpected : 0,
    publishedTwiceWeak: report.publishedTwiceWeak,
    publishedTwiceUnknown: report.publishedTwiceUnknown,
    uncovered: report.uncovered,
    unproven: report.unproven,
    unexplained: gaps.unexplained,
    gapRecords: records.length,
    deadLettered: visibleIn(NAMES.deadLetterQueue),
    latencyMs: roundLatency(report.latencyMs),
    latencyStalledMs: { ...roundLatency(report.latencyStalledMs), count: report.latencyStalledMs.count },
    eventsPerSecond: accounting.eventsPerSecond,
    gaps: gapCount,
    gapSeconds: Math.round(gapSeconds * 10) / 10,
    faults: faultCounts(run),
    ...(replay ? { replay: { ...replay, repeated: report.repeated } } : {}),
  };
  const { cloud, stream, ingesterKill } = options.faults;
  return { result, gaps, mayLoseConnections: cloud.length + stream.length > 0 || ingesterKill };
}

/** Lost events by type, most first. */
export function lossByTopic(ledger: Ledger): LossByTopic[] {
  const counts = new Map<string, number>();
  for (const { topicName } of ledger.lost()) {
    const topic = templateOf(topicName) ?? topicName;
    counts.set(topic, (counts.get(topic) ?? 0) + 1);
  }
  return [...counts]
    .map(([topic, events]) => ({ topic, events }))
    .toSorted((a, b) => b.events - a.events)
    .slice(0, MAX_LOST_TOPICS);
}
