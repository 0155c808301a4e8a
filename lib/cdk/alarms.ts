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
import { INGESTER_REPORT_SECONDS, ingesterMetric } from './cloudwatch-metrics.ts';
import type { Queues } from './message-queues.ts';

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);
/** Age from which on events are late. */
const OLDEST_MESSAGE_SECONDS = 60;
/** Width of the band of usual traffic, in standard deviations. */
const BAND_DEVIATIONS = 3;
/** Periods of five minutes below that band. */
const SILENT_PERIODS = 3;

/** `critical`: events are being lost or held up, somebody must act now. `warning`: today. */
export type Severity = 'critical' | 'warning';

/** What is watched. */
export interface AlarmsProps {
  readonly queues: Queues;
  readonly consumer: IFunction;
  /** Ingester tasks that should be healthy; undefined where no ingester is deployed. */
  readonly tasks?: number | undefined;
  /** Hears of every alarm and of its end. */
  readonly topic?: ITopic | undefined;
}

interface AlarmText {
  readonly severity: Severity;
  /** What it means and what to do. */
  readonly text: string;
}

/** The alarms: each has one severity (a tag, and the first word of its description) and says what to do. */
export class Alarms extends Construct {
  private readonly topic: ITopic | undefined;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.topic = props.topic;
    this.watchQueues(props.queues);
    this.watchConsumer(props.consumer);
    if (props.tasks !== undefined) this.watchIngester(props.tasks);
  }

  private watchQueues({ events, deadLetter, quarantine }: Queues): void {
    this.above('DeadLetterNotEmpty', deadLetter.metricApproximateNumberOfMessagesVisible(last(MINUTE)), 0, {
      severity: 'critical',
      text: 'Messages failed five times and wait in the dead-letter queue. Find the cause in the logs of the consumer, mend it, then redrive the queue; nothing in it is lost for 14 days.',
    });
    this.above('QuarantineGrowing', quarantine.metricNumberOfMessagesSent(total(FIVE_MINUTES)), 0, {
      severity: 'warning',
      text: 'Events came that no retry can mend. Read the attribute `reason` of the messages in the quarantine queue; once it is mended, send their bodies to the events queue again.',
    });
    this.above(
      'OldestMessageTooOld',
      events.metricApproximateAgeOfOldestMessage(last(MINUTE)),
      OLDEST_MESSAGE_SECONDS,
      {
        severity: 'warning',
        text: 'Events wait over 60 s for the consumer. Look for errors and throttles of the consumer; if there are none, raise consumerConcurrency.',
      },
    );
  }

  private watchConsumer(consumer: IFunction): void {
    this.above('ConsumerErrors', consumer.metricErrors(total(FIVE_MINUTES)), 0, {
      severity: 'critical',
      text: 'The consumer fails as a whole; its messages wait and come again. Read its log: usually a permission is missing, or a table or queue was changed by hand.',
    });
    this.above('ConsumerThrottled', consumer.metricThrottles(total(FIVE_MINUTES)), 0, {
      severity: 'warning',
      text: 'AWS Lambda refuses to run more of the consumer; messages wait. Raise the concurrency limit of the account, or lower consumerConcurrency below what is left of it.',
    });
  }

  private watchIngester(tasks: number): void {
    this.below('NoConnection', ingesterMetric('Covered', last(MINUTE)), 1, {
      severity: 'critical',
      text: 'No task has had a connection to Genesys Cloud for 60 s; what happens there now is a gap. Read the log of the ingester: the OAuth client or its secret, a permission, or an outage of Genesys Cloud.',
    });
    const healthy = new MathExpression({
      expression: `covered / ${FIVE_MINUTES.toSeconds() / INGESTER_REPORT_SECONDS}`,
      usingMetrics: { covered: ingesterMetric('Covered', total(FIVE_MINUTES)) },
      period: FIVE_MINUTES,
      label: 'healthy tasks',
    });
    // Half a task of tolerance: a report more or less at the edges of a period is no failure.
    this.below('TooFewHealthyTasks', healthy, tasks - 0.5, {
      severity: 'warning',
      text: `Fewer ingester tasks are healthy than the ${tasks} wanted. See the events of the service and why its last task stopped; until then nothing bridges the loss of another one.`,
    });
    this.silence();
  }

  private silence(): void {
    const text: AlarmText = {
      severity: 'warning',
      text: 'Far fewer events come than usual at this time although the connection lives. Compare with what the contact centre does; see whether topics were rejected (log of the ingester) or the OAuth client lost a division or permission.',
    };
    const alarm = new AnomalyDetectionAlarm(this, 'Silence', {
      ...this.options('Silence', text),
      metric: ingesterMetric('EventsReceived', total(FIVE_MINUTES)),
      stdDevs: BAND_DEVIATIONS,
      comparisonOperator: ComparisonOperator.LESS_THAN_LOWER_THRESHOLD,
      evaluationPeriods: SILENT_PERIODS,
      // Without any report another alarm speaks.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    this.finish(alarm, text);
  }

  private above(id: string, metric: IMetric, threshold: number, text: AlarmText): void {
    this.alarm(id, text, {
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  /** No data is as bad as too little: who reports nothing is down. */
  private below(id: string, metric: IMetric, threshold: number, text: AlarmText): void {
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
    const name = `${this.node.path}/${id}`.replaceAll('/', '-');
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
