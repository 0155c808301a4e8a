import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { AlarmDefinition, AlarmMetrics } from './alarm-definition.ts';
import { EVENTS_VISIBILITY_SECONDS, type Queues } from './message-queues.ts';

const LAST_MINUTE = { period: Duration.minutes(1), statistic: Stats.MAXIMUM };
const TOTAL = { period: Duration.minutes(5), statistic: Stats.SUM };

/** Alarms of the queues and the consumer. */
export const PIPELINE_ALARMS = {
  DeadLetterNotEmpty: {
    severity: 'critical',
    condition: 'any',
    text: 'Messages were received five times without success and were moved to the dead-letter queue. Find the cause in the consumer log, fix it, and then redrive the queue. Messages are deleted 14 days after they were sent.',
  },
  ConsumerErrors: {
    severity: 'critical',
    threshold: 0,
    unit: 'failed invocations in five minutes',
    text: 'Invocations of the consumer fail. Their messages stay in the events queue and are delivered again. Check the consumer log. Common causes are a missing permission, and a table or queue that was changed manually.',
  },
  ConsumerThrottled: {
    severity: 'warning',
    threshold: 0,
    unit: 'throttled invocations in five minutes',
    text: 'AWS Lambda throttles the consumer, and messages are waiting in the events queue. Increase the concurrency quota of the account, or decrease consumerConcurrency to the concurrency that is available.',
  },
  OldestMessageTooOld: {
    severity: 'warning',
    // One retry is not unusual.
    threshold: EVENTS_VISIBILITY_SECONDS + 60,
    unit: 'seconds',
    text: 'Events have been waiting in the events queue for too long. Check the consumer for errors and throttles. If there are none, increase consumerConcurrency.',
  },
  QuarantineGrowing: {
    severity: 'warning',
    threshold: 0,
    unit: 'items in five minutes',
    text: 'Items that fail on every attempt were moved to the quarantine queue. The message attribute `reason` says why. After you fix the cause, send the bodies of events to the events queue again. Frames that are not events, and messages that EventBridge moved there, cannot be sent again.',
  },
} as const satisfies Record<string, AlarmDefinition>;

/** Returns the metrics of these alarms. */
export function pipelineMetrics(
  { events, deadLetter, quarantine }: Queues,
  consumer: IFunction,
): AlarmMetrics<typeof PIPELINE_ALARMS> {
  return {
    DeadLetterNotEmpty: deadLetter.metricApproximateNumberOfMessagesVisible(LAST_MINUTE),
    ConsumerErrors: consumer.metricErrors(TOTAL),
    ConsumerThrottled: consumer.metricThrottles(TOTAL),
    OldestMessageTooOld: events.metricApproximateAgeOfOldestMessage(LAST_MINUTE),
    QuarantineGrowing: quarantine.metricNumberOfMessagesSent(TOTAL),
  };
}
