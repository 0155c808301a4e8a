import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import {
  INGESTER_METRICS,
  type IngesterMetricName,
  PROTOCOL_METRICS,
  type ProtocolMetricName,
} from '../../lib/aws/metric-names.ts';
import { type IntakeTotals, noTotals, type ProtocolTotals, sumOfTotals } from './intake-totals.ts';
import type { MetricSources } from './prometheus-metrics.ts';

/** Interval between two documents, so that every minute of an alarm has at least one. */
export const EMIT_INTERVAL_MS = 30_000;
/** The sampling timer's own interval, which every sample contains. */
const EVENT_LOOP_RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

/** A metric without a value is not reported. */
type Read = (sources: MetricSources) => number | undefined;

/** Counts of one protocol. The difference from the previous document is reported. */
const PROTOCOL_COUNTERS: Readonly<Record<ProtocolMetricName, (totals: ProtocolTotals) => number>> = {
  SequenceGaps: ({ sequence }) => sequence.gap,
  SequenceLate: ({ sequence }) => sequence.late,
  SequenceDuplicates: ({ sequence }) => sequence.duplicate,
  SequenceEpochs: ({ sequence }) => sequence.epoch,
  EventsFiltered: ({ filtered }) => filtered,
  SchemaChanges: ({ notices }) => notices.new_field,
  UnknownMessages: ({ notices }) => notices.unknown_message,
};
const PROTOCOL_METRIC_NAMES = Object.keys(PROTOCOL_COUNTERS) as ProtocolMetricName[];

/** Metrics that count up. The difference from the previous document is reported. */
const COUNTERS = {
  EventsReceived: ({ intake }) => intake().received,
  CopiesDropped: ({ intake }) => intake().copies,
  FramesRejected: ({ intake }) => sum(Object.values(intake().rejected)),
  FramesUnpreserved: ({ intake }) => intake().unpreserved,
  EventsSent: ({ batcher }) => batcher().itemsSent,
  SendFailures: ({ batcher, failedUploads }) =>
    batcher().failedCalls + batcher().failedEntries + failedUploads(),
  Connects: ({ reconnects }) => sum(reconnects().map(({ count }) => count)),
  GapSeconds: ({ coverage }) => coverage().gapSeconds,
  AuditRecordsLost: ({ auditRecordsLost }) => auditRecordsLost?.(),
  BridgedSeconds: ({ role }) => role().bridgedSeconds,
  Takeovers: ({ role }) => role().takeovers,
} as const satisfies Partial<Record<IngesterMetricName, Read>>;

/** Metrics whose current value is reported. */
const GAUGES = {
  Connections: ({ connections }) => connections(),
  Covered: ({ coverage }) => Number(coverage().complete),
  Leading: ({ role }) => Number(role().role === 'leader'),
  StandbyLive: ({ role }) => Number(role().isLiveStandby),
  TopicsRejected: ({ rejectedTopics }) => rejectedTopics(),
  Paused: ({ isPaused }) => Number(isPaused()),
  BufferBytes: ({ bufferedBytes }) => bufferedBytes(),
  RecordsPending: ({ coverage }) => coverage().pendingRecords,
  KeptBytes: ({ role }) => role().keptBytes,
} as const satisfies Record<Exclude<IngesterMetricName, keyof typeof COUNTERS | 'EventLoopLag'>, Read>;

/**
 * Emit the ingester's metrics to CloudWatch, in Embedded Metric Format on standard output.
 *
 * @returns a function that emits a last document and stops
 */
export function emitMetrics(
  metrics: Metrics,
  sources: MetricSources,
  intervalMs = EMIT_INTERVAL_MS,
): () => void {
  const eventLoop = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS });
  eventLoop.enable();
  const add = (name: IngesterMetricName, value: number) =>
    metrics.addMetric(name, INGESTER_METRICS[name].unit, value);
  let last = readAll(COUNTERS, sources);
  let lastOfProtocols = copyOf(sources.intake());
  const emit = () => {
    const now = readAll(COUNTERS, sources);
    for (const [name, value] of now) add(name, value - (last.get(name) ?? 0));
    for (const [name, value] of readAll(GAUGES, sources)) add(name, value);
    const lagMs = eventLoop.percentile(99) / NS_PER_MS - EVENT_LOOP_RESOLUTION_MS;
    add('EventLoopLag', Math.max(0, lagMs));
    metrics.publishStoredMetrics();
    eventLoop.reset();
    last = now;
    const ofProtocols = copyOf(sources.intake());
    for (const [protocol, totals] of ofProtocols)
      emitProtocol(metrics, protocol, totals, lastOfProtocols.get(protocol) ?? noTotals());
    lastOfProtocols = ofProtocols;
  };
  const timer = setInterval(emit, intervalMs);
  return () => {
    clearInterval(timer);
    emit();
    eventLoop.disable();
  };
}

/** A document with the dimension `protocol`, if there is something to report. CloudWatch bills by metric and dimension. */
function emitProtocol(
  metrics: Metrics,
  protocol: string,
  totals: ProtocolTotals,
  last: ProtocolTotals,
): void {
  const counts = PROTOCOL_METRIC_NAMES.map((name) => {
    const read = PROTOCOL_COUNTERS[name];
    return [name, read(totals) - read(last)] as const;
  });
  if (counts.every(([, count]) => count === 0)) return;
  metrics.addDimension('protocol', protocol);
  for (const [name, count] of counts) metrics.addMetric(name, PROTOCOL_METRICS[name].unit, count);
  metrics.publishStoredMetrics();
}

/** The current counts, which continue. */
function copyOf({ protocols }: IntakeTotals): ReadonlyMap<string, ProtocolTotals> {
  return new Map(Object.entries(protocols).map(([protocol, one]) => [protocol, sumOfTotals([one])]));
}

function readAll<Name extends IngesterMetricName>(
  reads: Readonly<Record<Name, Read>>,
  sources: MetricSources,
): Map<Name, number> {
  const entries = Object.entries(reads) as [Name, Read][];
  const values = entries.map(([name, read]) => [name, read(sources)] as const);
  return new Map(values.filter((entry): entry is [Name, number] => entry[1] !== undefined));
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, one) => total + one, 0);
}
