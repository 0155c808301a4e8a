import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type BackfillMetricName,
  type ConsumerMetricName,
  type IngesterMetricName,
  METRIC_NAMESPACE,
  type WebhookMetricName,
} from '../aws/metric-names.ts';

/** Interval at which an ingester task emits metrics. */
export const INGESTER_REPORT_SECONDS = 30;

/** Options for reading a metric. */
export interface MetricReading {
  /** @default 'Sum' */
  readonly statistic?: string;
  /** @default Duration.minutes(1) */
  readonly period?: Duration;
  /** @default - the name of the metric */
  readonly label?: string;
}

/** Returns a metric of the consumer. */
export function consumerMetric(name: ConsumerMetricName, reading: MetricReading = {}): Metric {
  return metric('consumer', name, reading);
}

/** Returns a metric of the ingester, aggregated over all tasks. */
export function ingesterMetric(name: IngesterMetricName, reading: MetricReading = {}): Metric {
  return metric('ingester', name, reading);
}

/** Returns a metric of the backfill. */
export function backfillMetric(name: BackfillMetricName, reading: MetricReading = {}): Metric {
  return metric('backfill', name, reading);
}

/** Returns a metric of the webhook. */
export function webhookMetric(name: WebhookMetricName, reading: MetricReading = {}): Metric {
  return metric('webhook', name, reading);
}

function metric(service: string, metricName: string, reading: MetricReading): Metric {
  return new Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    dimensionsMap: { service },
    statistic: Stats.SUM,
    period: Duration.minutes(1),
    ...reading,
  });
}
