import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type ConsumerMetricName, type IngesterMetricName, METRIC_NAMESPACE } from '../aws/metric-names.ts';

/** Seconds between two reports of an ingester task. */
export const INGESTER_REPORT_SECONDS = 30;

/** How a metric is read; default: its sum a minute. */
export interface MetricReading {
  readonly statistic?: string;
  readonly period?: Duration;
  readonly label?: string;
}

/** A metric of the consumer. */
export function consumerMetric(name: ConsumerMetricName, reading: MetricReading = {}): Metric {
  return metric('consumer', name, reading);
}

/** A metric of all ingester tasks together. */
export function ingesterMetric(name: IngesterMetricName, reading: MetricReading = {}): Metric {
  return metric('ingester', name, reading);
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
