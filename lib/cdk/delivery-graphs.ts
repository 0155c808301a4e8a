import { Duration } from 'aws-cdk-lib';
import { GraphWidget, type IMetric, type IWidget, Row, Stats, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { DELIVERY_METRICS, type DeliveryMetricName } from '../aws/metric-names.ts';
import type { MonitoredDelivery } from './delivery-alarms.ts';

/** Width of a CloudWatch dashboard, in grid units. */
const DASHBOARD_WIDTH = 24;
/** A quarter of the dashboard. */
const WIDTH = 6;
const HEIGHT = 6;
const MINUTE = Duration.minutes(1);

/** The rows of a dashboard for a delivery: what was delivered, how old the rest is, and how long calls take. */
export function deliveryGraphs(destination: string, delivery: MonitoredDelivery): IWidget[] {
  const { queue, deadLetterQueue } = delivery;
  const labeled = (name: DeliveryMetricName): IMetric =>
    delivery.metric(name, { label: DELIVERY_METRICS[name].description });
  const percentiles = (name: DeliveryMetricName, label: string): IMetric[] =>
    [50, 99].map((percentile) =>
      delivery.metric(name, { statistic: Stats.percentile(percentile), label: `${label}, p${percentile}` }),
    );
  const highest = { period: MINUTE, statistic: Stats.MAXIMUM };
  return [
    new TextWidget({ markdown: `## Delivery to ${destination}`, width: DASHBOARD_WIDTH, height: 1 }),
    new Row(
      graph('Delivered, failed and not deliverable', 'per minute', [
        labeled('EventsDelivered'),
        labeled('CallsFailed'),
        labeled('EventsDeadLettered'),
        labeled('EventsQuarantined'),
      ]),
      graph('Age of the oldest message', 'seconds', [
        queue.metricApproximateAgeOfOldestMessage({ ...highest, label: 'Queue of the delivery' }),
      ]),
      graph('Duration of calls and latency', 'milliseconds', [
        ...percentiles('CallDuration', 'Call'),
        ...percentiles('ReceivedToDeliveredLatency', 'From receipt to delivery'),
      ]),
      graph('Circuit breaker, stop and dead-letter queue', '', [
        labeled('BreakerOpen'),
        labeled('Stopped'),
        deadLetterQueue.metricApproximateNumberOfMessagesVisible({ ...highest, label: 'Dead-letter queue' }),
      ]),
    ),
  ];
}

function graph(title: string, unit: string, left: IMetric[]): GraphWidget {
  const axis = unit === '' ? {} : { label: unit, showUnits: false };
  return new GraphWidget({ title, left, leftYAxis: { min: 0, ...axis }, width: WIDTH, height: HEIGHT });
}
