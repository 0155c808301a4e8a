import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { BatcherTotals } from './batcher.ts';
import type { IntakeTotals, ProtocolTotals } from './intake-totals.ts';
import type { ConnectCount } from './protocol-streams.ts';

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
}

/** Name without the prefix `switchboard_`, help text, and where the value is read. */
type Definition = readonly [name: string, help: string, read: (sources: MetricSources) => number];

/** Metrics that count up. */
const COUNTERS: readonly Definition[] = [
  ['events_filtered_total', 'Events that the configuration excludes', (sources) => sources.intake().filtered],
  ['notices_total', 'Messages that were only logged', (sources) => sources.intake().notices],
  [
    'frames_unpreserved_total',
    'Frames that could not be kept anywhere',
    (sources) => sources.intake().unpreserved,
  ],
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
  ['gaps_total', 'Intervals without a connection that was proven live', (sources) => sources.coverage().gaps],
  ['gap_seconds_total', 'Length of those intervals', (sources) => sources.coverage().gapSeconds],
];

/** Metrics with a present value. */
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
  labelled(Counter, registry, 'frames_rejected_total', 'Frames that could not become events', () =>
    Object.entries(sources.intake().rejected).map(([reason, count]) => ({
      labels: { reason },
      value: count,
    })),
  );
  const perProtocol = (name: string, help: string, read: (totals: ProtocolTotals) => number) =>
    labelled(Counter, registry, name, help, () =>
      Object.entries(sources.intake().protocols).map(([protocol, totals]) => ({
        labels: { protocol },
        value: read(totals),
      })),
    );
  perProtocol('events_received_total', 'Events read from sockets, copies included', (one) => one.received);
  perProtocol('events_copies_total', 'Copies from overlapping connections, dropped', (one) => one.copies);
  labelled(Counter, registry, 'sequence_outcomes_total', 'Sequence numbers that were not the next', () =>
    Object.entries(sources.intake().protocols).flatMap(([protocol, { sequence }]) =>
      Object.entries(sequence).map(([outcome, value]) => ({ labels: { protocol, outcome }, value })),
    ),
  );
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
    labelNames: ['protocol', 'reason', 'subscription', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, value } of read()) this.inc(labels, value);
    },
  });
}
