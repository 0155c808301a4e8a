import { Metrics } from '@aws-lambda-powertools/metrics';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EMIT_INTERVAL_MS, emitMetrics } from '../../functions/ingester/emf-metrics.ts';
import { noTotals, type ProtocolTotals } from '../../functions/ingester/intake-totals.ts';
import { ingesterMetrics, type MetricSources } from '../../functions/ingester/prometheus-metrics.ts';
import {
  INGESTER_METRICS,
  type IngesterMetricName,
  PROTOCOL_METRICS,
  type ProtocolMetricName,
} from '../../lib/aws/metric-names.ts';

type EmfName = IngesterMetricName | ProtocolMetricName;
/** The metrics that CloudWatch has instead, or the reason why it has none. */
type Counterpart = readonly EmfName[] | string;

/**
 * Operators of a deployment see CloudWatch. `/metrics` is for a process that runs elsewhere, and for details that would
 * cost a metric per label in CloudWatch.
 */
const COUNTERPARTS: Readonly<Record<string, Counterpart>> = {
  switchboard_items_sent_total: ['EventsSent'],
  switchboard_messages_sent_total: 'SQS reports NumberOfMessagesSent of the events queue',
  switchboard_send_calls_total: 'decides the cost only together with messages, which SQS reports',
  switchboard_send_calls_failed_total: ['SendFailures'],
  switchboard_send_entries_failed_total: ['SendFailures'],
  switchboard_uploads_failed_total: ['SendFailures'],
  switchboard_audit_records_lost_total: ['AuditRecordsLost'],
  switchboard_gaps_total: 'GapSeconds is above 0 for every gap, and `switchboard gaps` lists them',
  switchboard_gap_seconds_total: ['GapSeconds'],
  switchboard_bridged_seconds_total: ['BridgedSeconds'],
  switchboard_takeovers_total: ['Takeovers'],
  switchboard_events_received_total: ['EventsReceived'],
  switchboard_events_copies_total: ['CopiesDropped'],
  switchboard_events_filtered_total: ['EventsFiltered'],
  switchboard_frames_rejected_total: ['FramesRejected'],
  switchboard_frames_unpreserved_total: ['FramesUnpreserved'],
  switchboard_sequence_outcomes_total: [
    'SequenceGaps',
    'SequenceLate',
    'SequenceDuplicates',
    'SequenceEpochs',
  ],
  switchboard_notices_total: ['SchemaChanges', 'UnknownMessages'],
  switchboard_connects_total: ['Connects'],
  switchboard_records_pending: ['RecordsPending'],
  switchboard_buffer_bytes: ['BufferBytes'],
  switchboard_paused: ['Paused'],
  switchboard_connections: ['Connections'],
  switchboard_covered: ['Covered'],
  switchboard_subscription_covered:
    'one metric per subscription; Covered is 0 if one is not covered, and the log and gap records name it',
  switchboard_topics_rejected: ['TopicsRejected'],
  switchboard_leading: ['Leading'],
  switchboard_standby_live: ['StandbyLive'],
  switchboard_role_changed_timestamp_seconds: 'Takeovers counts the changes, and the log has their times',
  switchboard_kept_bytes: ['KeptBytes'],
};
/** Metrics of Node.js and its process: ECS reports CPU and memory of the service. */
const RUNTIME = /^(nodejs|process)_/;
/** Has no counterpart in `/metrics`, which has the delays that prom-client measures. */
const ONLY_EMF: ReadonlySet<string> = new Set(['EventLoopLag']);
/** A notice about anything else is only logged. */
const UNCOUNTED_NOTICE = 'other';

// Files that run the handlers in this process disable the metrics.
beforeEach(() => {
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Sources with a different number for every count, after a start at zero. */
class CountingSources {
  private hasStarted = false;
  private counts = 0;
  private readonly values = new Map<string, number>();

  start(): void {
    this.hasStarted = true;
  }

  private n(name: string): number {
    if (!this.hasStarted) return 0;
    const value = this.values.get(name) ?? ++this.counts * 10;
    this.values.set(name, value);
    return value;
  }

  private all<Name extends string>(
    record: Readonly<Record<Name, number>>,
    prefix: string,
  ): Record<Name, number> {
    const names = Object.keys(record) as Name[];
    return Object.fromEntries(names.map((name) => [name, this.n(`${prefix} ${name}`)])) as Record<
      Name,
      number
    >;
  }

  private totals(): ProtocolTotals {
    const zero = noTotals();
    return {
      received: this.n('received'),
      copies: this.n('copies'),
      filtered: this.n('filtered'),
      sequence: this.all(zero.sequence, 'sequence'),
      notices: this.all(zero.notices, 'notice'),
      rejected: this.all(zero.rejected, 'rejected'),
      unpreserved: this.n('unpreserved'),
    };
  }

  readonly sources: MetricSources = {
    intake: () => ({ ...this.totals(), protocols: { fake: this.totals() } }),
    batcher: () => ({
      itemsSent: this.n('items'),
      messagesSent: this.n('messages'),
      calls: this.n('calls'),
      failedCalls: this.n('failed calls'),
      failedEntries: this.n('failed entries'),
    }),
    failedUploads: () => this.n('uploads'),
    bufferedBytes: () => this.n('bytes'),
    isPaused: () => this.n('paused') > 0,
    connections: () => this.n('connections'),
    reconnects: () => [
      { protocol: 'fake', reason: 'start', count: this.n('starts') },
      { protocol: 'fake', reason: '1006', count: this.n('reconnects') },
    ],
    covered: () => [['fake/0', this.n('covered') > 0]],
    coverage: () => ({
      gaps: this.n('gaps'),
      gapSeconds: this.n('gap seconds'),
      complete: this.n('complete') > 0,
      pendingRecords: this.n('pending'),
    }),
    rejectedTopics: () => this.n('topics'),
    auditRecordsLost: () => this.n('audit'),
    role: () => ({
      role: 'leader',
      lastChangeMs: undefined,
      isLiveStandby: this.n('live') > 0,
      keptBytes: this.n('kept'),
      bridgedSeconds: this.n('bridged'),
      takeovers: this.n('takeovers'),
    }),
  };
}

test('Every metric of /metrics is in CloudWatch, or there is a reason why not', async () => {
  const names = ingesterMetrics(new CountingSources().sources)
    .getMetricsAsArray()
    .map(({ name }) => name)
    .filter((name) => !RUNTIME.test(name));
  expect(names.toSorted()).toEqual(Object.keys(COUNTERPARTS).toSorted());
});

test('Every metric of the ingester in CloudWatch is in /metrics', () => {
  const named = new Set(Object.values(COUNTERPARTS).flatMap((one) => (typeof one === 'string' ? [] : one)));
  const names = [...Object.keys(INGESTER_METRICS), ...Object.keys(PROTOCOL_METRICS)];
  expect([...named].toSorted()).toEqual(names.filter((name) => !ONLY_EMF.has(name)).toSorted());
});

test('A metric has the same value in CloudWatch and in /metrics', async () => {
  vi.useFakeTimers();
  const values = new Map<string, number>();
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    for (const [name, value] of Object.entries(JSON.parse(String(chunk)) as Record<string, number>))
      values.set(name, value);
    return true;
  });
  const counting = new CountingSources();
  const stop = emitMetrics(
    new Metrics({ namespace: 'Switchboard', serviceName: 'ingester' }),
    counting.sources,
  );
  counting.start();
  vi.advanceTimersByTime(EMIT_INTERVAL_MS);
  const emitted = new Map(values);
  stop();
  const prometheus = await ingesterMetrics(counting.sources).getMetricsAsJSON();
  const exposed = (name: string) =>
    (prometheus.find((metric) => metric.name === name)?.values ?? [])
      .filter(({ labels }) => labels.about !== UNCOUNTED_NOTICE)
      .reduce((sum, { value }) => sum + value, 0);
  // Several metrics of one side can be one on the other side.
  const groups = Map.groupBy(
    Object.entries(COUNTERPARTS).filter(([, one]) => typeof one !== 'string'),
    ([, one]) => String(one),
  );
  expect(groups.size).toBeGreaterThan(15);
  for (const [emfNames, pairs] of groups) {
    const inCloudWatch = emfNames
      .split(',')
      .reduce((sum, name) => sum + (emitted.get(name) ?? Number.NaN), 0);
    const inPrometheus = pairs.reduce((sum, [name]) => sum + exposed(name), 0);
    expect(inCloudWatch, emfNames).toBe(inPrometheus);
    expect(inCloudWatch, emfNames).toBeGreaterThan(0);
  }
});
