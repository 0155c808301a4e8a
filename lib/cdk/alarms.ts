import { Duration, Tags } from 'aws-cdk-lib';
import {
  Alarm,
  AnomalyDetectionAlarm,
  ComparisonOperator,
  type CreateAlarmOptions,
  type IMetric,
  MathExpression,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { deploymentName, INGESTER_REPORT_SECONDS, ingesterMetric } from './cloudwatch-metrics.ts';
import { EVENTS_VISIBILITY_SECONDS, type Queues } from './message-queues.ts';

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);
/** Age of the oldest message above which events are delayed. One retry is not unusual. */
const MAX_MESSAGE_AGE_SECONDS = EVENTS_VISIBILITY_SECONDS + 60;
/** Width of the anomaly detection band, in standard deviations. */
const BAND_DEVIATIONS = 3;
/** Consecutive five-minute periods below the band before the alarm enters the ALARM state. */
const SILENT_PERIODS = 3;

/** Failed sends within five minutes that are not unusual. */
const MAX_SEND_FAILURES = 10;
/** Records that can wait for the state table at the time of a report. */
const MAX_PENDING_RECORDS = 20;

/** `critical`: events are being lost, or are no longer processed; act immediately. `warning`: act within one business day. */
export type Severity = 'critical' | 'warning';

/** Properties of {@link Alarms}. */
export interface AlarmsProps {
  /** Queues to monitor. */
  readonly queues: Queues;

  /** Consumer function to monitor. */
  readonly consumer: IFunction;

  /**
   * Desired number of ingester tasks.
   *
   * @default - no ingester is deployed, and no alarms are created for it
   */
  readonly tasks?: number | undefined;

  /**
   * SNS topic that is notified when an alarm enters the ALARM state and when it returns to OK.
   *
   * @default - no notifications
   */
  readonly topic?: ITopic | undefined;
}

interface AlarmText {
  readonly severity: Severity;
  /** Meaning of the alarm and the recommended action. */
  readonly text: string;
}

/**
 * CloudWatch alarms. Each alarm has a severity, which is a tag and the first word of the description, and describes the
 * recommended action.
 */
export class Alarms extends Construct {
  private readonly topic: ITopic | undefined;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.topic = props.topic;
    this.addQueueAlarms(props.queues);
    this.addConsumerAlarms(props.consumer);
    if (props.tasks !== undefined) this.addIngesterAlarms(props.tasks);
  }

  private addQueueAlarms({ events, deadLetter, quarantine }: Queues): void {
    this.above('DeadLetterNotEmpty', deadLetter.metricApproximateNumberOfMessagesVisible(last(MINUTE)), 0, {
      severity: 'critical',
      text: 'Messages were received five times without success and were moved to the dead-letter queue. Find the cause in the consumer log, fix it, and then redrive the queue. Messages are deleted 14 days after they were sent.',
    });
    this.above('QuarantineGrowing', quarantine.metricNumberOfMessagesSent(total(FIVE_MINUTES)), 0, {
      severity: 'warning',
      text: 'Items that fail on every attempt were moved to the quarantine queue. The message attribute `reason` says why. After you fix the cause, send the bodies of events to the events queue again. Frames that are not events, and messages that EventBridge moved there, cannot be sent again.',
    });
    this.above(
      'OldestMessageTooOld',
      events.metricApproximateAgeOfOldestMessage(last(MINUTE)),
      MAX_MESSAGE_AGE_SECONDS,
      {
        severity: 'warning',
        text: `Events have been waiting in the events queue for more than ${MAX_MESSAGE_AGE_SECONDS} seconds. Check the consumer for errors and throttles. If there are none, increase consumerConcurrency.`,
      },
    );
  }

  private addConsumerAlarms(consumer: IFunction): void {
    this.above('ConsumerErrors', consumer.metricErrors(total(FIVE_MINUTES)), 0, {
      severity: 'critical',
      text: 'Invocations of the consumer fail. Their messages stay in the events queue and are delivered again. Check the consumer log. Common causes are a missing permission, and a table or queue that was changed manually.',
    });
    this.above('ConsumerThrottled', consumer.metricThrottles(total(FIVE_MINUTES)), 0, {
      severity: 'warning',
      text: 'AWS Lambda throttles the consumer, and messages are waiting in the events queue. Increase the concurrency quota of the account, or decrease consumerConcurrency to the concurrency that is available.',
    });
  }

  private addIngesterAlarms(tasks: number): void {
    this.below('NoConnection', ingesterMetric(this, 'Covered', last(MINUTE)), 1, {
      severity: 'critical',
      text: 'In the last minute, no ingester task had a live connection for every subscription. Events are not received, and the interval is recorded as a gap. Check the ingester log for a problem with the OAuth client, its secret or its permissions, or for an outage of Genesys Cloud.',
    });
    const healthy = new MathExpression({
      expression: `covered / ${FIVE_MINUTES.toSeconds() / INGESTER_REPORT_SECONDS}`,
      usingMetrics: { covered: ingesterMetric(this, 'Covered', total(FIVE_MINUTES)) },
      period: FIVE_MINUTES,
      label: 'healthy tasks',
    });
    // Half a task of tolerance, because the number of reports in a period can differ by one.
    this.below('TooFewHealthyTasks', healthy, tasks - 0.5, {
      severity: 'warning',
      text: `Fewer than ${tasks} ingester tasks had full coverage in the last five minutes. Check the ingester log, the events of the ECS service and the stop reason of its last task.`,
    });
    this.addLossAlarms();
    this.silence('Silence', ingesterMetric(this, 'EventsReceived', total(FIVE_MINUTES)), {
      severity: 'warning',
      text: 'Far fewer events than usual for this time of day are received. If NoConnection is also in the state ALARM, resolve it first. Otherwise check whether the contact center is less active than usual, whether topics were rejected (ingester log), and whether the OAuth client lost a division or a permission.',
    });
  }

  /** Problems that the ingester reports before or when events are lost. */
  private addLossAlarms(): void {
    const highest = { statistic: Stats.MAXIMUM, period: FIVE_MINUTES };
    this.above('FramesUnpreserved', ingesterMetric(this, 'FramesUnpreserved', total(FIVE_MINUTES)), 0, {
      severity: 'critical',
      text: 'Frames were too large for a message, or S3 did not accept them. They are lost. The ingester log has their size and the error.',
    });
    this.above('ReadingPaused', ingesterMetric(this, 'Paused', highest), 0, {
      severity: 'critical',
      text: 'The buffer of an ingester task is full, and it has stopped reading. If SQS does not accept messages again soon, Genesys Cloud closes the connection and events are missed. Check the ingester log and the events queue.',
    });
    this.above('SendFailures', ingesterMetric(this, 'SendFailures', total(FIVE_MINUTES)), MAX_SEND_FAILURES, {
      severity: 'warning',
      text: 'SQS or S3 repeatedly does not accept what the ingester sends. It is sent again. Check the ingester log for the error.',
    });
    this.above('TopicsRejected', ingesterMetric(this, 'TopicsRejected', highest), 0, {
      severity: 'warning',
      text: 'Genesys Cloud refuses some of the topics, and their events are not received. The ingester log and /healthz name the topics and the reasons. Usually the OAuth client lacks a permission.',
    });
    this.above('RecordsPending', ingesterMetric(this, 'RecordsPending', highest), MAX_PENDING_RECORDS, {
      severity: 'warning',
      text: 'The state table does not accept gap records. They are kept in memory and in the ingester log, and are written again. Check the permissions and the capacity of the table.',
    });
  }

  /** Adds an alarm for a number of events that is far below that of the same time on other days. */
  silence(id: string, metric: IMetric, text: AlarmText): void {
    const alarm = new AnomalyDetectionAlarm(this, id, {
      ...this.options(id, text),
      metric,
      stdDevs: BAND_DEVIATIONS,
      comparisonOperator: ComparisonOperator.LESS_THAN_LOWER_THRESHOLD,
      evaluationPeriods: SILENT_PERIODS,
      // Other alarms report that there are no reports.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    this.finish(alarm, text);
  }

  /** Adds an alarm for values above a threshold. */
  above(id: string, metric: IMetric, threshold: number, text: AlarmText): void {
    this.alarm(id, text, {
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  /** Missing data is breaching, because a task that does not report is down. */
  below(id: string, metric: IMetric, threshold: number, text: AlarmText): void {
    this.alarm(id, text, {
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
    });
  }

  private alarm(id: string, text: AlarmText, settings: CreateAlarmOptions & { metric: IMetric }): void {
    this.finish(new Alarm(this, id, { ...settings, ...this.options(id, text) }), text);
  }

  private options(id: string, { severity, text }: AlarmText) {
    const name = `${deploymentName(this)}-${id}`;
    return { alarmName: name, alarmDescription: `${severity.toUpperCase()}: ${text}` };
  }

  private finish(alarm: Alarm, { severity }: AlarmText): void {
    Tags.of(alarm).add('severity', severity);
    if (!this.topic) return;
    const action = new SnsAction(this.topic);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
  }
}

function last(period: Duration) {
  return { period, statistic: Stats.MAXIMUM };
}

function total(period: Duration) {
  return { period, statistic: Stats.SUM };
}
