import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { AlarmDefinition, AlarmMetrics } from './alarm-definition.ts';
import { INGESTER_REPORT_SECONDS, ingesterMetric } from './cloudwatch-metrics.ts';

const FIVE_MINUTES = Duration.minutes(5);
const LAST_MINUTE = { period: Duration.minutes(1), statistic: Stats.MAXIMUM };
const TOTAL = { period: FIVE_MINUTES, statistic: Stats.SUM };
const HIGHEST = { period: FIVE_MINUTES, statistic: Stats.MAXIMUM };

/** Alarms of the ingester. */
export const INGESTER_ALARMS = {
  NoConnection: {
    severity: 'critical',
    condition: 'below',
    text: 'In the last minute, no ingester task had a live connection for every subscription. Events are not received, and the interval is recorded as a gap. Check the ingester log for a problem with the OAuth client, its secret or its permissions, or for an outage of Genesys Cloud.',
  },
  ReadingPaused: {
    severity: 'critical',
    condition: 'any',
    text: 'The buffer of an ingester task is full, and it has stopped reading. If SQS does not accept messages again soon, Genesys Cloud closes the connection and events are missed. Check the ingester log and the events queue.',
  },
  FramesUnpreserved: {
    severity: 'critical',
    threshold: 0,
    unit: 'frames in five minutes',
    text: 'Frames were too large for a message, or S3 did not accept them. They are lost. The ingester log has their size and the error.',
  },
  TopicsRejected: {
    severity: 'warning',
    threshold: 0,
    unit: 'topics',
    text: 'Genesys Cloud refuses some of the topics, or no channel has room for them, and their events are not received. The ingester log and /healthz name the topics and the reasons. Usually the OAuth client lacks a permission. For more room, add an OAuth client to `secret`.',
  },
  SendFailures: {
    severity: 'warning',
    threshold: 10,
    unit: 'failures in five minutes',
    text: 'SQS or S3 repeatedly does not accept what the ingester sends. It is sent again. Check the ingester log for the error.',
  },
  RecordsPending: {
    severity: 'warning',
    // Some records can wait at the time of a report.
    threshold: 20,
    unit: 'records',
    text: 'The state table does not accept gap records. They are kept in memory and in the ingester log, and are written again. Check the permissions and the capacity of the table.',
  },
  TooFewHealthyTasks: {
    severity: 'warning',
    condition: 'below',
    text: 'Fewer ingester tasks than desired (property `tasks`) had full coverage in the last five minutes. Check the ingester log, the events of the ECS service and the stop reason of its last task.',
  },
  Silence: {
    severity: 'warning',
    condition: 'belowUsual',
    text: 'Far fewer events than usual for this time of day are received. If NoConnection is also in the state ALARM, resolve it first. Otherwise check whether the contact center is less active than usual, whether topics were rejected (ingester log), and whether the OAuth client lost a division or a permission.',
  },
} as const satisfies Record<string, AlarmDefinition>;

/** The alarm of a deployment with two or more tasks, one of which leads. With fewer there is no standby. */
export const STANDBY_ALARMS = {
  NoLiveStandby: {
    severity: 'warning',
    condition: 'below',
    text: 'In the last five minutes, no standby had everything that the leader may not have sent. If the leader fails now, there is a gap. Check the ingester log, the events of the ECS service and the stop reason of its last task.',
  },
} as const satisfies Record<string, AlarmDefinition>;

/** Returns the metrics of these alarms. @param scope - a construct of the deployment */
export function ingesterMetrics(scope: Construct): AlarmMetrics<typeof INGESTER_ALARMS> {
  return {
    NoConnection: ingesterMetric(scope, 'Covered', LAST_MINUTE),
    ReadingPaused: ingesterMetric(scope, 'Paused', HIGHEST),
    FramesUnpreserved: ingesterMetric(scope, 'FramesUnpreserved', TOTAL),
    TopicsRejected: ingesterMetric(scope, 'TopicsRejected', HIGHEST),
    SendFailures: ingesterMetric(scope, 'SendFailures', TOTAL),
    RecordsPending: ingesterMetric(scope, 'RecordsPending', HIGHEST),
    TooFewHealthyTasks: new MathExpression({
      expression: `covered / ${FIVE_MINUTES.toSeconds() / INGESTER_REPORT_SECONDS}`,
      usingMetrics: { covered: ingesterMetric(scope, 'Covered', TOTAL) },
      period: FIVE_MINUTES,
      label: 'healthy tasks',
    }),
    Silence: ingesterMetric(scope, 'EventsReceived', TOTAL),
  };
}

/** Returns the metric of the alarm of the standby. @param scope - a construct of the deployment */
export function standbyMetrics(scope: Construct): AlarmMetrics<typeof STANDBY_ALARMS> {
  return { NoLiveStandby: ingesterMetric(scope, 'StandbyLive', HIGHEST) };
}
