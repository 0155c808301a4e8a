import { Duration } from 'aws-cdk-lib';
import { type IMetric, type IWidget, Stats, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { DELIVERY_METRICS, type DeliveryMetricName } from '../aws/metric-names.ts';
import { DASHBOARD_WIDTH, row } from './dashboard-row.ts';
import type { MonitoredDelivery } from './delivery-alarms.ts';

/** The rows of a dashboard for a delivery: what was delivered, how old the rest is, and how long calls take. */
export function deliveryGraphs(destination: string, delivery: MonitoredDelivery): IWidget[] {
  const { queue, deadLetterQueue } = delivery;
  const labeled = (name: DeliveryMetricName): IMetric =>
    delivery.metric(name, { label: DELIVERY_METRICS[name].description });
  const percentiles = (name: DeliveryMetricName, label: string): IMetric[] =>
    [50, 99].map((percentile) =>
      delivery.metric(name, { statistic: Stats.percentile(percentile), label: `${label}, p${percentile}` }),
    );
  const highest = { period: Duration.minutes(1), statistic: Stats.MAXIMUM };
  return [
    new TextWidget({ markdown: `## Delivery to ${destination}`, width: DASHBOARD_WIDTH, height: 1 }),
    row(
      {
        title: 'Delivered, failed and undeliverable',
        metrics: [
          labeled('EventsDelivered'),
          labeled('CallsFailed'),
          labeled('EventsDeadLettered'),
          labeled('EventsQuarantined'),
        ],
        unit: 'per minute',
      },
      {
        title: 'Age of the oldest message',
        metrics: [queue.metricApproximateAgeOfOldestMessage({ ...highest, label: 'Queue of the delivery' })],
        unit: 'seconds',
      },
      {
        title: 'Duration of calls and latency',
        metrics: [
          ...percentiles('CallDuration', 'Call'),
          ...percentiles('ReceivedToDeliveredLatency', 'From receipt to delivery'),
        ],
        unit: 'milliseconds',
      },
      {
        title: 'Circuit breaker, stop and dead-letter queue',
        metrics: [
          labeled('BreakerOpen'),
          labeled('Stopped'),
          deadLetterQueue.metricApproximateNumberOfMessagesVisible({
            ...highest,
            label: 'Dead-letter queue',
          }),
        ],
      },
    ),
  ];
}
