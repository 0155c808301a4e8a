import { Metrics } from '@aws-lambda-powertools/metrics';
import { afterEach, expect, test, vi } from 'vitest';
import { EMIT_INTERVAL_MS, emitMetrics } from '../../functions/ingester/emf-metrics.ts';
import type { MetricSources } from '../../functions/ingester/prometheus-metrics.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
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
    intake: () => ({
      received,
      copies: 1,
      filtered: 3,
      rejected: {
        not_json: 2,
        invalid_utf8: 0,
        invalid_frame: 1,
        too_deep: 0,
        too_large: 0,
        refused_by_queue: 0,
      },
      unpreserved: 0,
    }),
    batcher: () => ({ itemsSent: received, messagesSent: 1, calls: 1, failedCalls: 0, failedEntries: 0 }),
    bufferedBytes: () => 77,
    isPaused: () => false,
    connections: () => 2,
    reconnects: () => new Map([['start', 1]]),
    coverage: () => ({ gaps: 0, gapSeconds: 0, complete: false, pendingRecords: 3 }),
    rejectedTopics: () => 0,
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
