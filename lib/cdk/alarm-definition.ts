import type { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';

/** `critical`: events are being lost, or are no longer processed; act immediately. `warning`: act within one business day. */
export type Severity = 'critical' | 'warning';

/** An alarm that is raised above a threshold, which users can change. */
export interface ThresholdAlarm {
  readonly severity: Severity;
  readonly threshold: number;
  /** What the threshold counts, for the description. */
  readonly unit: string;
  /** Meaning of the alarm and the recommended action, without the threshold. */
  readonly text: string;
}

/**
 * An alarm for a condition that is true or false. It is raised for any value above 0, for a last reported value above 0
 * also while nothing is reported, for a value below 1 or a limit that its metric has, or for values far below those of
 * the same time on other days.
 */
export interface ConditionAlarm {
  readonly severity: Severity;
  readonly condition: 'any' | 'lastReported' | 'below' | 'belowUsual';
  /** Meaning of the alarm and the recommended action. */
  readonly text: string;
}

/** What is known about an alarm before there is a deployment. */
export type AlarmDefinition = ThresholdAlarm | ConditionAlarm;

/** What an alarm monitors. Its period is that of the alarm. */
export type AlarmMetric = Metric | MathExpression;

/** The metric of each alarm of a table. */
export type AlarmMetrics<Table> = { readonly [Id in keyof Table]: AlarmMetric };

/** Consecutive periods below the usual before an alarm is raised, because traffic varies. */
const UNUSUAL_PERIODS = 3;

/** Consecutive periods before the alarm is raised, unless the user chooses another number. */
export function defaultPeriods(definition: AlarmDefinition): number {
  return 'condition' in definition && definition.condition === 'belowUsual' ? UNUSUAL_PERIODS : 1;
}
