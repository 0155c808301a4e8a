import { Duration } from 'aws-cdk-lib';
import { type Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { DeliveryMetricName } from '../aws/metric-names.ts';
import type { AlarmDefinition, AlarmMetrics } from './alarm-definition.ts';
import type { MetricReading } from './cloudwatch-metrics.ts';

const FIVE_MINUTES = Duration.minutes(5);
const LAST_MINUTE = { period: Duration.minutes(1), statistic: Stats.MAXIMUM };
const TOTAL = { period: FIVE_MINUTES, statistic: Stats.SUM };
/** By then, a destination that was unavailable for less than an hour has been called again, and nothing was lost. */
const MAX_MESSAGE_AGE_SECONDS = 3_600;
/** The order queue is read within seconds. Its messages are received again after three minutes. */
const MAX_ORDER_AGE_SECONDS = 300;

/** Alarms of every delivery. */
export const DELIVERY_ALARMS = {
  DeadLetterNotEmpty: {
    severity: 'critical',
    condition: 'any',
    text: 'The destination refused events, or did not accept them for four days, and they were moved to the dead-letter queue of the delivery. The message attributes `reason`, `status` and `answer` say why. Fix the cause, and then run `switchboard redrive`. Messages are deleted after 14 days.',
  },
  Stopped: {
    severity: 'critical',
    condition: 'lastReported',
    text: 'The destination responded with 410 (Gone), and no events are sent to it. They wait in the queue for four days, and are then moved to the dead-letter queue. Ask the owner of the destination whether its URL has changed, and then resume the delivery with `switchboard deliveries resume`.',
  },
  Errors: {
    severity: 'critical',
    threshold: 0,
    unit: 'failed invocations in five minutes',
    text: 'Invocations of the delivery function end with an error or a timeout. Their messages stay in the queue. Check the log of the function. Common causes are a missing permission, and a secret that is empty or was deleted.',
  },
  BreakerOpen: {
    severity: 'warning',
    condition: 'lastReported',
    text: 'For five minutes, no events were sent to the destination, because calls to it failed. It is tested regularly, and delivery continues as soon as it responds. Events wait in the queue. Check the log of the delivery function for the reason, and the state of the destination.',
  },
  OldestMessageTooOld: {
    severity: 'warning',
    threshold: MAX_MESSAGE_AGE_SECONDS,
    unit: 'seconds',
    text: 'Events have been waiting for the destination for too long. If BreakerOpen or Stopped is also in the state ALARM, resolve it first. Otherwise the destination is too slow, or `concurrency` or `ratePerSecond` is too low for the number of events.',
  },
  Throttled: {
    severity: 'warning',
    threshold: 0,
    unit: 'throttled invocations in five minutes',
    text: 'AWS Lambda throttles the delivery function, and events are waiting in the queue. Increase the concurrency quota of the account.',
  },
} as const satisfies Record<string, AlarmDefinition>;

/** Alarms of the order queue and its function, which a delivery with `ordered` has. */
export const ORDER_ALARMS = {
  OrderDeadLetterNotEmpty: {
    severity: 'critical',
    condition: 'any',
    text: 'Events could not be moved to the FIFO queue of the delivery and are in the dead-letter queue of the order queue. Find the cause in the log of the order function, fix it, and then redrive the queue. Messages are deleted 14 days after they were sent.',
  },
  OrderErrors: {
    severity: 'critical',
    threshold: 0,
    unit: 'failed invocations in five minutes',
    text: 'Invocations of the order function fail. Their messages stay in the order queue and are delivered again. Check the log of the function.',
  },
  OrderOldestMessageTooOld: {
    severity: 'warning',
    threshold: MAX_ORDER_AGE_SECONDS,
    unit: 'seconds',
    text: 'Events have been waiting in the order queue for too long, and are not in the FIFO queue of the delivery. Check the order function for errors and throttles.',
  },
  OrderThrottled: {
    severity: 'warning',
    threshold: 0,
    unit: 'throttled invocations in five minutes',
    text: 'AWS Lambda throttles the order function, and events are waiting in the order queue. Increase the concurrency quota of the account.',
  },
} as const satisfies Record<string, AlarmDefinition>;

/** Id of an alarm of a delivery. */
export type DeliveryAlarmId = keyof typeof DELIVERY_ALARMS | keyof typeof ORDER_ALARMS;

/** A queue with its dead-letter queue, and the function that reads it. */
export interface MonitoredQueue {
  readonly queue: IQueue;
  readonly deadLetterQueue: IQueue;
  readonly function: IFunction;
}

/** What is monitored of a delivery. */
export interface MonitoredDelivery extends MonitoredQueue {
  metric(name: DeliveryMetricName, reading?: MetricReading): Metric;
}

/** Returns the metrics of the alarms of every delivery. */
export function deliveryMetrics(delivery: MonitoredDelivery): AlarmMetrics<typeof DELIVERY_ALARMS> {
  const { queue, deadLetterQueue } = delivery;
  return {
    DeadLetterNotEmpty: deadLetterQueue.metricApproximateNumberOfMessagesVisible(LAST_MINUTE),
    Stopped: delivery.metric('Stopped', { period: FIVE_MINUTES, statistic: Stats.MAXIMUM }),
    Errors: delivery.function.metricErrors(TOTAL),
    // Not once closed within the period.
    BreakerOpen: delivery.metric('BreakerOpen', { period: FIVE_MINUTES, statistic: Stats.MINIMUM }),
    OldestMessageTooOld: queue.metricApproximateAgeOfOldestMessage(LAST_MINUTE),
    Throttled: delivery.function.metricThrottles(TOTAL),
  };
}

/** Returns the metrics of the alarms of the order queue. */
export function orderMetrics(order: MonitoredQueue): AlarmMetrics<typeof ORDER_ALARMS> {
  return {
    OrderDeadLetterNotEmpty: order.deadLetterQueue.metricApproximateNumberOfMessagesVisible(LAST_MINUTE),
    OrderErrors: order.function.metricErrors(TOTAL),
    OrderOldestMessageTooOld: order.queue.metricApproximateAgeOfOldestMessage(LAST_MINUTE),
    OrderThrottled: order.function.metricThrottles(TOTAL),
  };
}
