import * as perfHooks from 'node:perf_hooks';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { afterEach, expect, test, vi } from 'vitest';
import { EMIT_INTERVAL_MS, emitMetrics } from '../../functions/ingester/emf-metrics.ts';
import {
  type IntakeTotals,
  noTotals,
  type ProtocolTotals,
  sumOfTotals,
} from '../../functions/ingester/intake-totals.ts';
import type { MetricSources } from '../../functions/ingester/prometheus-metrics.ts';
import { INGESTER_METRICS, PROTOCOL_METRICS } from '../../lib/aws/metric-names.ts';

vi.mock('node:perf_hooks', { spy: true });

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The documents that are written to standard output from now on. */
function keepDocuments(): Record<string, unknown>[] {
  const documents: Record<string, unknown>[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    documents.push(JSON.parse(String(chunk)) as Record<string, unknown>);
    return true;
  });
  return documents;
}

const totals = (counted: Partial<ProtocolTotals>): ProtocolTotals => ({ ...noTotals(), ...counted });
const together = (protocols: Record<string, ProtocolTotals>): IntakeTotals => ({
  ...sumOfTotals(Object.values(protocols)),
  protocols,
});
/** Sources whose counts are all `n`. */
const sourcesOf = (n: () => number): MetricSources => ({
  intake: () => together({ fake: totals({ received: n(), copies: n(), unpreserved: n() }) }),
  batcher: () => ({ itemsSent: n(), messagesSent: 0, calls: 0, failedCalls: n(), failedEntries: 2 * n() }),
  failedUploads: n,
  bufferedBytes: n,
  isPaused: () => n() > 0,
  connections: n,
  reconnects: () => [
    { protocol: 'fake', reason: 'start', count: n() },
    { protocol: 'fake', reason: '1006', count: n() },
  ],
  covered: () => [],
  coverage: () => ({ gaps: 0, gapSeconds: n(), complete: n() > 0, pendingRecords: n() }),
  rejectedTopics: n,
  auditRecordsLost: n,
  role: () => ({
    role: n() > 0 ? 'leader' : 'standby',
    lastChangeMs: undefined,
    isLiveStandby: n() > 0,
    keptBytes: n(),
    bridgedSeconds: n(),
    takeovers: n(),
  }),
});

test('A document has every metric of the ingester with its unit', () => {
  vi.useFakeTimers();
  const documents = keepDocuments();
  emitMetrics(
    new Metrics({ namespace: 'Switchboard', serviceName: 'ingester' }),
    sourcesOf(() => 0),
  )();
  expect(documents).toHaveLength(1);
  const { _aws, ...values } = documents[0] as {
    _aws: { CloudWatchMetrics: { Metrics: { Name: string; Unit: string }[] }[] };
  };
  const units = Object.fromEntries(_aws.CloudWatchMetrics[0]!.Metrics.map(({ Name, Unit }) => [Name, Unit]));
  expect(units).toEqual(
    Object.fromEntries(Object.entries(INGESTER_METRICS).map(([name, { unit }]) => [name, unit])),
  );
  for (const name of Object.keys(INGESTER_METRICS)) expect(values).toHaveProperty(name);
});

test('Without audit records, there is no metric of lost ones', () => {
  vi.useFakeTimers();
  const documents = keepDocuments();
  const sources = { ...sourcesOf(() => 0), auditRecordsLost: () => undefined };
  emitMetrics(new Metrics({ namespace: 'Switchboard', serviceName: 'ingester' }), sources)();
  expect(documents[0]).toHaveProperty('EventsReceived');
  expect(documents[0]).not.toHaveProperty('AuditRecordsLost');
});

test('Counts are differences from the last document, and present states are not', () => {
  vi.useFakeTimers();
  const documents = keepDocuments();
  let n = 0;
  const stop = emitMetrics(
    new Metrics({ namespace: 'Switchboard', serviceName: 'ingester' }),
    sourcesOf(() => n),
  );
  n = 3;
  vi.advanceTimersByTime(EMIT_INTERVAL_MS);
  n = 5;
  stop();
  const counters = (by: number) => ({
    CopiesDropped: by,
    FramesUnpreserved: by,
    SendFailures: 4 * by,
    Connects: 2 * by,
    GapSeconds: by,
  });
  const gauges = (value: number) => ({
    TopicsRejected: value,
    RecordsPending: value,
    Connections: value,
    BufferBytes: value,
    Paused: 1,
    Covered: 1,
  });
  expect(documents[0]).toMatchObject({ ...counters(3), ...gauges(3) });
  expect(documents[1]).toMatchObject({ ...counters(2), ...gauges(5) });
});

test.each([
  [20_000_000, 0],
  [19_000_000, 0],
  [20_500_000, 0.5],
  [120_000_000, 100],
])('An event loop delay of %i ns is a lag of %d ms, without the interval of the samples', (ns, lagMs) => {
  vi.useFakeTimers();
  const documents = keepDocuments();
  vi.spyOn(perfHooks, 'monitorEventLoopDelay').mockReturnValue({
    enable: () => true,
    disable: () => true,
    reset: () => {},
    percentile: () => ns,
  } as unknown as ReturnType<typeof perfHooks.monitorEventLoopDelay>);
  emitMetrics(
    new Metrics({ namespace: 'Switchboard', serviceName: 'ingester' }),
    sourcesOf(() => 0),
  )();
  expect(documents[0]?.EventLoopLag).toBeCloseTo(lagMs, 6);
});

test('Every interval emits a document with the counts since the last one and the present states', () => {
  vi.useFakeTimers();
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    written.push(String(chunk));
    return true;
  });
  let received = 5;
  const sources: MetricSources = {
    intake: () =>
      together({
        fake: totals({ received, copies: 1 }),
        other: totals({ rejected: { ...noTotals().rejected, not_json: 2, invalid_frame: 1 } }),
      }),
    batcher: () => ({ itemsSent: received, messagesSent: 1, calls: 1, failedCalls: 0, failedEntries: 0 }),
    failedUploads: () => 0,
    bufferedBytes: () => 77,
    isPaused: () => false,
    connections: () => 2,
    reconnects: () => [{ protocol: 'fake', reason: 'start', count: 1 }],
    covered: () => [],
    coverage: () => ({ gaps: 0, gapSeconds: 0, complete: false, pendingRecords: 3 }),
    rejectedTopics: () => 0,
    role: () => ({
      role: 'leader',
      lastChangeMs: undefined,
      isLiveStandby: false,
      keptBytes: 0,
      bridgedSeconds: 0,
      takeovers: 0,
    }),
  };
  const stop = emitMetrics(new Metrics({ namespace: 'Switchboard', serviceName: 'ingester' }), sources);
  received = 12;
  vi.advanceTimersByTime(EMIT_INTERVAL_MS);
  vi.advanceTimersByTime(EMIT_INTERVAL_MS);
  stop();
  const documents = written.map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(documents).toHaveLength(3);
  expect(documents[0]).toMatchObject({
    service: 'ingester',
    EventsReceived: 7,
    EventsSent: 7,
    FramesRejected: 0,
    Connections: 2,
    Covered: 0,
    BufferBytes: 77,
  });
  expect(documents[1]).toMatchObject({ EventsReceived: 0, Connections: 2 });
  expect(documents[0]).toMatchObject({ _aws: { CloudWatchMetrics: [{ Namespace: 'Switchboard' }] } });
});

test('What a protocol reveals is a document of its own, with the protocol as a dimension', () => {
  vi.useFakeTimers();
  const documents = keepDocuments();
  const counts = { quiet: noTotals(), numbered: noTotals() };
  const stop = emitMetrics(new Metrics({ namespace: 'Switchboard', serviceName: 'ingester' }), {
    ...sourcesOf(() => 0),
    intake: () => together(counts),
  });
  const reveal = (n: number) =>
    totals({
      filtered: 5 * n,
      sequence: { gap: n, late: 2 * n, duplicate: 3 * n, epoch: 4 * n },
      notices: { unknown_message: 6 * n, new_field: 7 * n, other: 8 * n },
    });
  counts.numbered = reveal(1);
  vi.advanceTimersByTime(EMIT_INTERVAL_MS);
  counts.numbered = reveal(3);
  vi.advanceTimersByTime(EMIT_INTERVAL_MS);
  stop();
  const ofProtocols = documents.filter((document) => 'protocol' in document);
  const expected = (n: number) => ({
    protocol: 'numbered',
    service: 'ingester',
    SequenceGaps: n,
    SequenceLate: 2 * n,
    SequenceDuplicates: 3 * n,
    SequenceEpochs: 4 * n,
    EventsFiltered: 5 * n,
    UnknownMessages: 6 * n,
    SchemaChanges: 7 * n,
  });
  expect(ofProtocols).toMatchObject([expected(1), expected(2)]);
  const { _aws } = ofProtocols[0] as {
    _aws: { CloudWatchMetrics: { Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }[] };
  };
  const [directive] = _aws.CloudWatchMetrics;
  expect(directive?.Dimensions).toEqual([expect.arrayContaining(['service', 'protocol'])]);
  expect(directive?.Metrics.map(({ Name, Unit }) => [Name, Unit])).toEqual(
    expect.arrayContaining(Object.entries(PROTOCOL_METRICS).map(([name, { unit }]) => [name, unit])),
  );
  expect(documents.at(-1)).not.toHaveProperty('protocol');
});
