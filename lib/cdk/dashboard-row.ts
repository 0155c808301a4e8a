import { GraphWidget, type IMetric, Row } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import {
  CONSUMER_METRICS,
  type ConsumerMetricName,
  INGESTER_METRICS,
  type IngesterMetricName,
} from '../aws/metric-names.ts';
import { consumerMetric, ingesterMetric, type MetricReading } from './cloudwatch-metrics.ts';

/** Width of a CloudWatch dashboard, in grid units. */
export const DASHBOARD_WIDTH = 24;
const GRAPH_HEIGHT = 6;

/** Metrics of a deployment, labeled with their descriptions. */
export function labeledMetrics(scope: Construct) {
  return {
    consumer: (name: ConsumerMetricName, reading: MetricReading = {}) =>
      consumerMetric(scope, name, { label: CONSUMER_METRICS[name].description, ...reading }),
    ingester: (name: IngesterMetricName, reading: MetricReading = {}) =>
      ingesterMetric(scope, name, { label: INGESTER_METRICS[name].description, ...reading }),
  };
}
/** See {@link labeledMetrics}. */
export type LabeledMetrics = ReturnType<typeof labeledMetrics>;

/** A row of graphs of the same width. */
export function row(...graphs: { title: string; metrics: IMetric[]; unit?: string }[]): Row {
  const width = Math.floor(DASHBOARD_WIDTH / graphs.length);
  return new Row(
    ...graphs.map(
      ({ title, metrics, unit }) =>
        new GraphWidget({
          title,
          left: metrics,
          leftYAxis: { min: 0, ...(unit ? { label: unit, showUnits: false } : {}) },
          width,
          height: GRAPH_HEIGHT,
        }),
    ),
  );
}
