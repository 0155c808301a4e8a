import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { INGESTER_METRICS, type IngesterMetricName } from '../../lib/aws/metric-names.ts';
import type { MetricSources } from './prometheus-metrics.ts';

/** Interval between two documents, so that every minute of an alarm has at least one. */
export const EMIT_INTERVAL_MS = 30_000;
const EVENT_LOOP_RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

/** Counters, reported as the difference to the previous document. */
interface Counts {
  received: number;
  copies: number;
  rejected: number;
  sent: number;
  connects: number;
  gapSeconds: number;
}

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
  let last = counts(sources);
  const add = (name: IngesterMetricName, value: number) =>
    metrics.addMetric(name, INGESTER_METRICS[name].unit, value);
  const emit = () => {
    const now = counts(sources);
    add('EventsReceived', now.received - last.received);
    add('CopiesDropped', now.copies - last.copies);
    add('FramesRejected', now.rejected - last.rejected);
    add('EventsSent', now.sent - last.sent);
    add('Connects', now.connects - last.connects);
    add('GapSeconds', now.gapSeconds - last.gapSeconds);
    add('Connections', sources.connections());
    add('Covered', Number(sources.coverage().complete));
    add('BufferBytes', sources.bufferedBytes());
    add('EventLoopLag', eventLoop.percentile(99) / NS_PER_MS);
    metrics.publishStoredMetrics();
    eventLoop.reset();
    last = now;
  };
  const timer = setInterval(emit, intervalMs);
  return () => {
    clearInterval(timer);
    emit();
    eventLoop.disable();
  };
}

function counts(sources: MetricSources): Counts {
  const { received, copies, rejected } = sources.intake();
  const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, one) => total + one, 0);
  return {
    received,
    copies,
    rejected: sum(Object.values(rejected)),
    sent: sources.batcher().itemsSent,
    connects: sum(sources.reconnects().values()),
    gapSeconds: sources.coverage().gapSeconds,
  };
}
