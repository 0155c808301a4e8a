import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';

/** Where the deployables' metrics are: `service` is the one dimension. */
const NAMESPACE = 'Switchboard';

/** Seconds between two reports of an ingester task. */
export const INGESTER_REPORT_SECONDS = 30;

/** Metrics of the consumer, one value a batch. */
export type ConsumerMetric =
  | 'EventsReceived'
  | 'EventsPublished'
  | 'DuplicatesDropped'
  | 'EventsQuarantined'
  | 'EventsLate'
  | 'MessagesReturned'
  | 'ReceivedToPublishedLatency';

/** Metrics of an ingester task, one value a report; `Covered` is 1 while every subscription has a live connection. */
export type IngesterMetric =
  | 'EventsReceived'
  | 'CopiesDropped'
  | 'FramesRejected'
  | 'Connections'
  | 'Covered'
  | 'Connects'
  | 'GapSeconds'
  | 'BufferBytes'
  | 'EventLoopLag';

/** How a metric is read; default: its sum a minute. */
export interface MetricReading {
  readonly statistic?: string;
  readonly period?: Duration;
  readonly label?: string;
}

/** A metric of the consumer. */
export function consumerMetric(name: ConsumerMetric, reading: MetricReading = {}): Metric {
  return metric('consumer', name, reading);
}

/** A metric of all ingester tasks together. */
export function ingesterMetric(name: IngesterMetric, reading: MetricReading = {}): Metric {
  return metric('ingester', name, reading);
}

function metric(service: string, metricName: string, reading: MetricReading): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { service },
    statistic: Stats.SUM,
    period: Duration.minutes(1),
    ...reading,
  });
}
