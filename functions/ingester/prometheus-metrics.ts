import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { BatcherTotals } from './batcher.ts';
import type { IntakeTotals, ProtocolTotals } from './intake-totals.ts';
import type { ConnectCount } from './protocol-streams.ts';
import type { RoleState } from './standby/task-role.ts';

/** Where the metrics are read from. They are read on request, so they cost nothing in the data path. */
export interface MetricSources {
  intake: () => IntakeTotals;
  batcher: () => BatcherTotals;
  failedUploads: () => number;
  bufferedBytes: () => number;
  isPaused: () => boolean;
  connections: () => number;
  reconnects: () => readonly ConnectCount[];
  /** Per subscription, by its key. */
  covered: () => readonly (readonly [subscription: string, isCovered: boolean])[];
  coverage: () => { gaps: number; gapSeconds: number; complete: boolean; pendingRecords: number };
  rejectedTopics: () => number;
  /** Undefined if no audit records are written. */
  auditRecordsLost?: () => number | undefined;
  role: () => RoleState;
}

const MS_PER_SECOND = 1_000;

/** Name without the prefix `switchboard_`, help text, and where the value is read. */
type Definition = readonly [name: string, help: string, read: (sources: MetricSources) => number];

/** Metrics that count up. */
const COUNTERS: readonly Definition[] = [
  [
    'items_sent_total',
    'Events and rejected frames that SQS accepted',
    (sources) => sources.batcher().itemsSent,
  ],
  ['messages_sent_total', 'Messages that SQS accepted', (sources) => sources.batcher().messagesSent],
  ['send_calls_total', 'Calls of SendMessageBatch', (sources) => sources.batcher().calls],
  [
    'send_calls_failed_total',
    'Calls of SendMessageBatch that failed completely',
    (sources) => sources.batcher().failedCalls,
  ],
  [
    'send_entries_failed_total',
    'Messages that SQS did not accept at the first attempt',
    (sources) => sources.batcher().failedEntries,
  ],
  [
    'uploads_failed_total',
    'Attempts to store a large frame that S3 did not accept',
    (sources) => sources.failedUploads(),
  ],
  [
    'audit_records_lost_total',
    'Audit records that CloudWatch Logs did not accept in time',
    (sources) => sources.auditRecordsLost?.() ?? 0,
  ],
  ['gaps_total', 'Intervals without a connection that was proven live', (sources) => sources.coverage().gaps],
  ['gap_seconds_total', 'Length of those intervals', (sources) => sources.coverage().gapSeconds],
  [
    'bridged_seconds_total',
    "Length of other tasks' gaps that this task filled",
    (sources) => sources.role().bridgedSeconds,
  ],
  ['takeovers_total', 'Times that this task became the leader', (sources) => sources.role().takeovers],
];

/** Counts of a protocol: name without the prefix, help text, and the samples without the label `protocol`. */
const PROTOCOL_COUNTERS: readonly (readonly [
  name: string,
  help: string,
  read: (totals: ProtocolTotals) => readonly Sample[],
])[] = [
  ['events_received_total', 'Events read from sockets, copies included', ({ received }) => [only(received)]],
  ['events_copies_total', 'Copies from overlapping connections, dropped', ({ copies }) => [only(copies)]],
  ['events_filtered_total', 'Events that the configuration excludes', ({ filtered }) => [only(filtered)]],
  ['frames_rejected_total', 'Frames that could not become events', ({ rejected }) => by('reason', rejected)],
  [
    'frames_unpreserved_total',
    'Frames that could not be stored anywhere',
    ({ unpreserved }) => [only(unpreserved)],
  ],
  [
    'sequence_outcomes_total',
    'Sequence numbers that were not the next',
    ({ sequence }) => by('outcome', sequence),
  ],
  ['notices_total', 'Messages that were only logged', ({ notices }) => by('about', notices)],
];

/** Metrics with a current value. */
const GAUGES: readonly Definition[] = [
  [
    'records_pending',
    'Gap records that the state table has not accepted',
    (sources) => sources.coverage().pendingRecords,
  ],
  [
    'buffer_bytes',
    'Bytes that were read and that SQS has not accepted yet',
    (sources) => sources.bufferedBytes(),
  ],
  ['paused', '1 while reading is paused because the buffer is full', (sources) => Number(sources.isPaused())],
  ['connections', 'Open WebSockets', (sources) => sources.connections()],
  [
    'covered',
    '1 while every subscription has a live connection',
    (sources) => Number(sources.coverage().complete),
  ],
  ['topics_rejected', 'Topics that Genesys Cloud refuses', (sources) => sources.rejectedTopics()],
  ['leading', '1 while this task sends what it reads', (sources) => Number(sources.role().role === 'leader')],
  [
    'standby_live',
    '1 while this task is a standby that could take over without a gap',
    (sources) => Number(sources.role().isLiveStandby),
  ],
  [
    'role_changed_timestamp_seconds',
    'Time of the last change of the role; 0 before the first one',
    (sources) => (sources.role().lastChangeMs ?? 0) / MS_PER_SECOND,
  ],
  ['kept_bytes', 'Bytes that a standby keeps', (sources) => sources.role().keptBytes],
];

/** The ingester's metrics in a separate registry. Names begin with `switchboard_`, times are in seconds. */
export function ingesterMetrics(sources: MetricSources): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const [name, help, read] of COUNTERS) {
    new Counter({
      name: `switchboard_${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read(sources));
      },
    });
  }
  for (const [name, help, read] of GAUGES) {
    new Gauge({
      name: `switchboard_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read(sources));
      },
    });
  }
  for (const [name, help, read] of PROTOCOL_COUNTERS) {
    labelled(Counter, registry, name, help, () =>
      Object.entries(sources.intake().protocols).flatMap(([protocol, totals]) =>
        read(totals).map(({ labels, value }) => ({ labels: { protocol, ...labels }, value })),
      ),
    );
  }
  labelled(Counter, registry, 'connects_total', 'Connections opened', () =>
    sources
      .reconnects()
      .map(({ protocol, reason, count }) => ({ labels: { protocol, reason }, value: count })),
  );
  labelled(Gauge, registry, 'subscription_covered', '1 while the subscription has a live connection', () =>
    sources.covered().map(([subscription, isCovered]) => ({
      labels: { subscription },
      value: Number(isCovered),
    })),
  );
  return registry;
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function only(value: number): Sample {
  return { labels: {}, value };
}

function by(label: string, counts: Readonly<Record<string, number>>): readonly Sample[] {
  return Object.entries(counts).map(([name, value]) => ({ labels: { [label]: name }, value }));
}

function labelled(
  Metric: typeof Counter | typeof Gauge,
  registry: Registry,
  name: string,
  help: string,
  read: () => readonly Sample[],
): void {
  new Metric({
    name: `switchboard_${name}`,
    help,
    labelNames: ['protocol', 'reason', 'subscription', 'outcome', 'about'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.inc(labels, value);
    },
  });
}
