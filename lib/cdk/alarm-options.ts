import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { AlarmId, ThresholdAlarmId } from './alarm-table.ts';

/** Properties of {@link SwitchboardProps} about alarms. */
export interface SwitchboardAlarmProps {
  /**
   * SNS topic that is notified when a critical alarm enters the ALARM state and when it returns to OK, and also for warnings unless there is a `warningTopic`.
   *
   * @default - alarms are shown in CloudWatch without notifications
   */
  readonly alarmTopic?: ITopic | Topic;

  /**
   * SNS topic that is notified of warnings instead of `alarmTopic`. Requires `alarmTopic`.
   *
   * @default - `alarmTopic`
   */
  readonly warningTopic?: ITopic | Topic;

  /**
   * Options of alarms by id. `false` omits an alarm. An alarm that this deployment does not have causes synthesis to fail.
   *
   * @example { OldestMessageTooOld: { threshold: 600 }, Silence: false }
   * @default - every alarm with its defaults
   */
  readonly alarms?: AlarmOptions;
}

/** Options of an alarm without a threshold. */
export interface ConditionAlarmOptions {
  /**
   * Number of consecutive periods in which the condition must be met before the alarm is raised, 1-288.
   *
   * @default - 1, and 3 for Silence and PartnerSilence
   */
  readonly evaluationPeriods?: number;
}

/** Options of an alarm with a threshold. */
export interface ThresholdAlarmOptions extends ConditionAlarmOptions {
  /**
   * Number above which the alarm is raised. The description of the alarm contains it.
   *
   * @default - see the table of alarms
   */
  readonly threshold?: number;
}

/** Options of alarms by id. `false` omits an alarm. */
export type AlarmOptions = {
  readonly [Id in AlarmId]?:
    | (Id extends ThresholdAlarmId ? ThresholdAlarmOptions : ConditionAlarmOptions)
    | false;
};

/** The alarms of a deployment by id, to add actions or for composite alarms. Undefined if the deployment has no such alarm. */
export type SwitchboardAlarms = { readonly [Id in AlarmId]?: Alarm };
