import { Tags, Tokenization } from 'aws-cdk-lib';
import {
  Alarm,
  AnomalyDetectionAlarm,
  ComparisonOperator,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type AlarmDefinition, type AlarmMetric, defaultPeriods } from './alarm-definition.ts';
import type { ThresholdAlarmOptions } from './alarm-options.ts';
import type { AlarmId } from './alarm-table.ts';
import { deploymentName } from './cloudwatch-metrics.ts';

/** Width of the anomaly detection band, in standard deviations. */
const BAND_DEVIATIONS = 3;

/** Properties of {@link Alarms}. */
export interface AlarmsProps<Known extends string> {
  /** Topic for critical alarms. @default - no notifications */
  readonly alarmTopic?: ITopic | Topic | undefined;
  /** Topic for warnings. @default - `alarmTopic` */
  readonly warningTopic?: ITopic | Topic | undefined;
  /** Options by id. @default - every alarm with its defaults */
  readonly alarms?: Readonly<Partial<Record<Known, ThresholdAlarmOptions | false>>> | undefined;
  /** What the names of the alarms start with, before a hyphen. @default - the name of the deployment */
  readonly namePrefix?: string;
}

/**
 * CloudWatch alarms. Each alarm has a severity, which is a tag and the first word of the description, and describes the
 * recommended action.
 */
export class Alarms<Known extends string = AlarmId> extends Construct {
  private readonly props: AlarmsProps<Known>;
  private readonly added: { -readonly [Id in Known]?: Alarm } = {};

  constructor(scope: Construct, id: string, props: AlarmsProps<Known>) {
    super(scope, id);
    this.props = props;
  }

  /** The alarms that were added, by id. */
  get byId(): { readonly [Id in Known]?: Alarm } {
    return this.added;
  }

  /**
   * Adds the alarms of a table, except those that the user omits.
   *
   * @param limits - limits of alarms with the condition `below` that depend on the deployment, instead of 1
   */
  add<Id extends Known>(
    table: Readonly<Record<Id, AlarmDefinition>>,
    metrics: Readonly<Record<Id, AlarmMetric>>,
    limits?: Readonly<Partial<Record<Id, number>>>,
  ): void {
    for (const id of Object.keys(table) as Id[]) {
      const options: ThresholdAlarmOptions | false = this.props.alarms?.[id] ?? {};
      if (options === false) continue;
      const alarm = this.create(id, table[id], metrics[id], options, limits?.[id]);
      this.notify(alarm, table[id]);
      this.added[id] = alarm;
    }
  }

  private create(
    id: Known,
    definition: AlarmDefinition,
    metric: AlarmMetric,
    { threshold, evaluationPeriods = defaultPeriods(definition) }: ThresholdAlarmOptions,
    limit = 1,
  ): Alarm {
    const common = {
      metric,
      evaluationPeriods,
      alarmName: `${this.props.namePrefix ?? deploymentName(this)}-${id}`,
      alarmDescription: descriptionOf(definition, metric, evaluationPeriods, threshold),
      // Other alarms report that there are no reports.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    };
    const above = { ...common, comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD };
    if (!('condition' in definition))
      return new Alarm(this, id, { ...above, threshold: threshold ?? definition.threshold });
    switch (definition.condition) {
      case 'any':
        return new Alarm(this, id, { ...above, threshold: 0 });
      case 'lastReported':
        // Without messages there are no invocations that report.
        return new Alarm(this, id, { ...above, threshold: 0, treatMissingData: TreatMissingData.IGNORE });
      case 'below':
        return new Alarm(this, id, {
          ...common,
          threshold: limit,
          comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
          // A task that does not report is down.
          treatMissingData: TreatMissingData.BREACHING,
        });
      case 'belowUsual':
        return new AnomalyDetectionAlarm(this, id, {
          ...common,
          stdDevs: BAND_DEVIATIONS,
          comparisonOperator: ComparisonOperator.LESS_THAN_LOWER_THRESHOLD,
        });
    }
  }

  private notify(alarm: Alarm, { severity }: AlarmDefinition): void {
    Tags.of(alarm).add('severity', severity);
    const { alarmTopic, warningTopic = alarmTopic } = this.props;
    const topic = severity === 'critical' ? alarmTopic : warningTopic;
    if (!topic) return;
    const action = new SnsAction(topic);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
  }
}

/** The severity, the text, and what the user can change: the threshold, and the time if it is more than one period. */
function descriptionOf(
  definition: AlarmDefinition,
  { period }: AlarmMetric,
  periods: number,
  threshold?: number,
): string {
  const { severity, text } = definition;
  const parts = [`${severity.toUpperCase()}: ${text}`];
  if ('threshold' in definition)
    parts.push(`Threshold: more than ${number(threshold ?? definition.threshold)} ${definition.unit}.`);
  if (periods !== 1)
    parts.push(`Evaluation: ${number(periods)} consecutive periods of ${period.toSeconds()} seconds.`);
  return parts.join(' ');
}

/** Numbers that are known only at deployment are references. */
function number(value: number): string {
  return Tokenization.stringifyNumber(value);
}
