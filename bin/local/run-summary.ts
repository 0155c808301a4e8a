import { combinedReport } from 'switchboard-local/simulator/combined-report.ts';
import { type GapRecord, judgeGaps, missedInGaps } from 'switchboard-local/simulator/gap-judge.ts';
import {
  joinedRecoveries,
  nothingRecovered,
  type RecoveryVerdict,
} from 'switchboard-local/simulator/recovery/recovery-verdict.ts';
import { templateOf } from 'switchboard-local/simulator/topic-template-lookup.ts';
import type { Accounting } from './accounting.ts';
import type { FaultChoice } from './fault-options.ts';
import { type ProtocolResult, roundLatency } from './local-result.ts';
import type { Pipeline } from './pipeline.ts';
import { eventsPerSecond } from './protocol-account.ts';
import { PROTOCOL_CLOUDS } from './protocol-clouds.ts';
import { messagesOf } from './queued-protocols.ts';
import type { ReplayTotals } from './replay.ts';
import { NAMES } from './resources.ts';
import type { RunDelivery } from './run-delivery.ts';
import type { LocalOptions } from './run-options.ts';
import type { RunProtocol } from './run-protocol.ts';
import { sumOfCounts, sumOfTotals } from './running-ingester.ts';
import { type Judged, type JudgedProtocol, joinedGaps } from './verdict.ts';

const MAX_LOST_TOPICS = 10;
/** Faults that end a token, which all protocols share. */
const TOKEN_FAULTS: readonly string[] = ['token_expired', 'token_revoked'];

/** The parts of a run that its result depends on. */
export interface RunParts {
  options: LocalOptions;
  protocols: readonly [RunProtocol, ...RunProtocol[]];
  accounting: Accounting;
  pipeline: Pipeline;
  delivery?: RunDelivery | undefined;
}

/** Lost events of a type. */
export interface LossByTopic {
  readonly topic: string;
  readonly events: number;
}

/** Faults that took effect, by kind: those of the clouds, of AWS, of the consumer and of the ingester. */
export function faultCounts({
  protocols,
  pipeline,
  delivery,
}: Pick<RunParts, 'protocols' | 'pipeline' | 'delivery'>) {
  const { kills } = pipeline.ingester;
  return {
    ...cloudFaultCounts(protocols),
    ...pipeline.awsFaults.counts,
    consumer_crash: pipeline.consumed.crashes,
    ...(kills === undefined ? {} : { ingester_kill: kills }),
    ...delivery?.faults,
  };
}

/** Checks a run that has ended against the gap records that the product has written. */
export async function judgeRun(run: RunParts, replay: ReplayTotals | undefined): Promise<Judged> {
  const records = await run.pipeline.gapRecords();
  const judged = run.protocols.map((one) => [one.name, judgeProtocol(run, one, records)] as const);
  const { quarantineQueue, deadLetterQueue } = NAMES;
  const visibleIn = (name: string) => run.pipeline.emulator.sqs.queue(name).counts().visible;
  const unexplained = judged.reduce((sum, [, { gaps }]) => sum + gaps.unexplained, 0);
  const recovery = joinedRecoveries(judged.map(([, one]) => one.recovery));
  const delivery = run.delivery?.result();
  const repeated = combinedReport(run.protocols.map(({ account }) => account.ledger)).repeated;
  return {
    result: {
      ...resultOf(run, run.protocols, records, { unexplained, recovery }),
      quarantined: visibleIn(quarantineQueue),
      deadLettered: visibleIn(deadLetterQueue),
      faults: faultCounts(run),
      ...(judged.length > 1
        ? { protocols: Object.fromEntries(judged.map(([name, { result }]) => [name, result])) }
        : {}),
      ...(replay ? { replay: { ...replay, repeated } } : {}),
      ...(delivery ? { delivery } : {}),
    },
    gaps: joinedGaps(judged.map(([, { gaps }]) => gaps)),
    recovery,
    mayLoseConnections: judged.some(([, { mayLoseConnections }]) => mayLoseConnections),
    protocols: Object.fromEntries(judged),
  };
}

/** The gap records of one protocol do not explain missing events of another one. */
function judgeProtocol(run: RunParts, protocol: RunProtocol, all: readonly GapRecord[]): JudgedProtocol {
  const { name, account } = protocol;
  const records = all.filter((record) => account.isNamed(record.protocol ?? ''));
  const gaps = judgeGaps(account.ledger.missing(), records);
  const missed = missedInGaps(account.ledger.missing(), records);
  const recovery = account.recovery?.judge(missed) ?? nothingRecovered(missed);
  return {
    result: resultOf(run, [protocol], records, { unexplained: gaps.unexplained, recovery }),
    gaps,
    recovery,
    mayLoseConnections: mayLoseConnections(name, run.options.faults),
  };
}

function mayLoseConnections(name: string, { cloud, stream, webhook, ingesterKill }: FaultChoice): boolean {
  const { faults = [], receiver } = PROTOCOL_CLOUDS[name] ?? {};
  if (receiver === 'webhook') return false;
  const own = [...cloud, ...stream, ...webhook].filter((kind) => faults.includes(kind));
  return own.length > 0 || ingesterKill || [...cloud, ...stream].some((kind) => TOKEN_FAULTS.includes(kind));
}

/** The result of some protocols of a run. */
function resultOf(
  { pipeline }: RunParts,
  protocols: readonly RunProtocol[],
  records: readonly GapRecord[],
  { unexplained, recovery }: { unexplained: number; recovery: RecoveryVerdict },
): ProtocolResult {
  const accounts = protocols.map(({ account }) => account);
  const isNamed = (name: string) => accounts.some((account) => account.isNamed(name));
  const isSimulated = protocols.every(({ cloud }) => cloud !== undefined);
  const report = combinedReport(accounts.map(({ ledger }) => ledger));
  const { received, copies, sequence = {} } = sumOfTotals(pipeline.ingester.totals, isNamed);
  const sum = (count: (account: (typeof accounts)[number]) => number) =>
    accounts.reduce((total, account) => total + count(account), 0);
  const dropped = [...pipeline.consumed.dropped].filter(([name]) => isNamed(name));
  const gaps = intervalsOf(records);
  const gapMs = gaps.reduce((total, { fromMs, toMs }) => total + Math.max(0, toMs - fromMs), 0);
  return {
    sent: isSimulated ? report.sent : received - copies,
    received,
    published: isSimulated ? report.published : sum(({ published }) => published),
    duplicates: dropped.reduce((total, [, count]) => total + count, copies),
    quarantined: messagesOf(pipeline.emulator.sqs.queue(NAMES.quarantineQueue), isNamed),
    lost: report.lost,
    publishedTwice: isSimulated ? report.publishedTwice + report.unexpected + recovery.doubled : 0,
    publishedTwiceWeak: report.publishedTwiceWeak + recovery.doubledWeak,
    publishedTwiceUnknown: report.publishedTwiceUnknown + recovery.doubledUnknown,
    wrongProtocol: sum(({ wrongProtocol }) => wrongProtocol),
    uncovered: report.uncovered,
    unproven: report.unproven,
    recovered: recovery.recovered,
    unrecoverable: recovery.unrecoverable,
    unexplained: unexplained + recovery.unexplained,
    ...(protocols.some(({ cloud }) => cloud?.integration) ? { repeated: report.repeated } : {}),
    gapRecords: records.length,
    deadLettered: messagesOf(pipeline.emulator.sqs.queue(NAMES.deadLetterQueue), isNamed),
    latencyMs: roundLatency(report.latencyMs),
    latencyStalledMs: { ...roundLatency(report.latencyStalledMs), count: report.latencyStalledMs.count },
    eventsPerSecond: eventsPerSecond(accounts),
    gaps: gaps.length,
    gapSeconds: Math.round(gapMs / 100) / 10,
    sequence,
    faults: cloudFaultCounts(protocols),
  };
}

/** If the topics changed during a gap, it has several records with the same interval. */
function intervalsOf(records: readonly GapRecord[]): readonly GapRecord[] {
  const key = ({ protocol, fromMs, toMs, reason }: GapRecord) =>
    JSON.stringify([protocol, fromMs, toMs, reason]);
  return [...new Map(records.map((record) => [key(record), record])).values()];
}

function cloudFaultCounts(protocols: readonly RunProtocol[]): Record<string, number> {
  return sumOfCounts(protocols.map(({ cloud }) => cloud?.faults?.counts ?? {}));
}

/** Lost events by protocol and type, most first. */
export function lossByTopic(protocols: readonly RunProtocol[]): LossByTopic[] {
  const counts = new Map<string, number>();
  for (const { name, account } of protocols) {
    for (const { topicName } of account.ledger.lost()) {
      const type = templateOf(topicName) ?? topicName;
      const topic = protocols.length > 1 ? `${name} ${type}` : type;
      counts.set(topic, (counts.get(topic) ?? 0) + 1);
    }
  }
  return [...counts]
    .map(([topic, events]) => ({ topic, events }))
    .toSorted((a, b) => b.events - a.events)
    .slice(0, MAX_LOST_TOPICS);
}
