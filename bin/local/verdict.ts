import type { GapVerdict } from 'switchboard-local/simulator/gap-judge.ts';
import type { RecoveryVerdict } from 'switchboard-local/simulator/recovery/recovery-verdict.ts';
import { deliveryProblems } from './delivery-account.ts';
import type { LocalResult, ProtocolResult } from './local-result.ts';

const MAX_LISTED_GAPS = 5;

/** The result of a protocol, and what its gap records explain. */
export interface JudgedProtocol {
  readonly result: ProtocolResult;
  readonly gaps: GapVerdict;
  readonly recovery: RecoveryVerdict;
  /** Whether lost connections are expected: faults of the cloud were injected, or the ingester was killed. */
  readonly mayLoseConnections: boolean;
}

/** The result of a run. Each protocol is checked separately. */
export interface Judged extends JudgedProtocol {
  readonly result: LocalResult;
  readonly protocols: Readonly<Record<string, JudgedProtocol>>;
}

/** What the gap records of several protocols explain. */
export function joinedGaps(verdicts: readonly GapVerdict[]): GapVerdict {
  const sum = (count: (verdict: GapVerdict) => number) =>
    verdicts.reduce((total, verdict) => total + count(verdict), 0);
  return {
    explained: sum(({ explained }) => explained),
    unexplained: sum(({ unexplained }) => unexplained),
    unexplainedTopics: verdicts.flatMap(({ unexplainedTopics }) => unexplainedTopics),
    used: verdicts.flatMap(({ used }) => used),
  };
}

/** Everything that makes a run fail, as sentences. With several protocols, each names its protocol. */
export function problemsOf({ protocols, result: { delivery } }: Judged): string[] {
  const judged = Object.entries(protocols);
  const named = (name: string, problem: string) => (judged.length === 1 ? problem : `${name}: ${problem}`);
  return [
    ...judged.flatMap(([name, one]) => problemsOfProtocol(one).map((problem) => named(name, problem))),
    ...(delivery ? deliveryProblems(delivery) : []),
  ];
}

/** Everything that makes a protocol fail, as sentences. */
function problemsOfProtocol({ result, gaps, recovery, mayLoseConnections }: JudgedProtocol): string[] {
  const { wrongProtocol, lost, publishedTwice, uncovered, unproven } = result;
  const missed = uncovered + unproven;
  return [
    ...(lost > 0 ? [`${events(lost)} lost: sent on a live connection, and not on the bus.`] : []),
    ...(publishedTwice > 0 ? [`${events(publishedTwice)} published twice without an unknown outcome.`] : []),
    ...(wrongProtocol > 0 ? [`${events(wrongProtocol)} published under the name of another protocol.`] : []),
    ...(gaps.unexplained > 0
      ? [
          `${events(gaps.unexplained)} missed, and no gap record names topic and time: ${listed(gaps.unexplainedTopics)}.`,
        ]
      : []),
    ...(recovery.unexplained > 0
      ? [
          `${events(recovery.unexplained)} missed and not recovered, although Genesys Cloud knows them afterwards: ${listed(recovery.unexplainedTopics)}.`,
        ]
      : []),
    ...(recovery.impossible > 0
      ? [
          `${events(recovery.impossible)} recovered that Genesys Cloud cannot have told: ${listed(recovery.impossibleTopics)}.`,
        ]
      : []),
    ...(missed > 0 && !mayLoseConnections
      ? [`${events(missed)} not covered, although no fault of the cloud was injected.`]
      : []),
  ];
}

/** The last lines of the output of a run: whether it succeeded, and what was not covered. */
export function verdictLines(judged: Judged): { isSound: boolean; lines: string[] } {
  const problems = problemsOf(judged);
  const missed = judged.result.uncovered + judged.result.unproven;
  if (problems.length > 0)
    return { isSound: false, lines: [`FAILED: ${problems.join(' ')}`, ...gapLines(judged)] };
  if (missed === 0) return { isSound: true, lines: ['Every event was published once.'] };
  return {
    isSound: true,
    lines: [
      `Every event that was received was published once. Not covered: ${events(missed)}, of which ${judged.result.recovered} were recovered.`,
      ...gapLines(judged),
    ],
  };
}

/** The gap records that explain missed events. */
function gapLines({ gaps: { used } }: Judged): string[] {
  const lines = used
    .slice(0, MAX_LISTED_GAPS)
    .map(
      ({ record, events: count }) =>
        `  gap ${time(record.fromMs)} to ${time(record.toMs)}: ${events(count)} (${record.reason})`,
    );
  return used.length > MAX_LISTED_GAPS
    ? [...lines, `  and ${used.length - MAX_LISTED_GAPS} more gaps`]
    : lines;
}

function listed(topics: GapVerdict['unexplainedTopics']): string {
  return topics.map(([topic, count]) => `${topic || 'not recorded'} (${count})`).join(', ');
}

function events(count: number): string {
  return count === 1 ? '1 event' : `${count} events`;
}

function time(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : 'unknown';
}
