import { Token } from 'aws-cdk-lib';
import type { AlarmDefinition } from './alarm-definition.ts';
import type { ThresholdAlarmOptions } from './alarm-options.ts';
import { ALARM_GROUPS, ALARM_REQUIREMENTS, ALARMS, type AlarmGroup, type AlarmId } from './alarm-table.ts';
import { fillsGaps, hasIngester } from './event-paths.ts';
import type { SwitchboardProps } from './switchboard-props.ts';

/** CloudWatch evaluates at most one day: 288 periods of five minutes. */
const MAX_EVALUATION_PERIODS = 288;

/**
 * Checks the options of alarms. The alarms that only `forEmulator` omits can be configured, so that the same properties
 * are valid with and without it.
 */
export function alarmProblems(props: SwitchboardProps, tasks: number): string[] {
  const { alarms = {}, alarmTopic, warningTopic } = props;
  const isDeployed: Readonly<Record<AlarmGroup, boolean>> = {
    pipeline: true,
    ingester: hasIngester(props),
    standby: hasIngester(props) && tasks >= 2,
    backfill: fillsGaps(props),
    webhook: props.webhook !== undefined,
    partner: props.partnerEventSource !== undefined,
    audit: props.audit !== undefined,
  };
  const problems = Object.entries(alarms).flatMap(([id, options]) => {
    if (options === undefined) return [];
    const group = groupOf(id);
    if (group === undefined)
      return [`alarms.${id} is not an alarm; use one of ${Object.keys(ALARMS).join(', ')}`];
    if (group !== 'pipeline' && !isDeployed[group])
      return [
        `alarms.${id} is specified, but this deployment has no such alarm; remove it, or specify ${ALARM_REQUIREMENTS[group]}`,
      ];
    return alarmOptionProblems(id, ALARMS[id as AlarmId], options);
  });
  if (warningTopic !== undefined && alarmTopic === undefined)
    problems.push(
      'warningTopic is specified without alarmTopic, so critical alarms would notify no one; specify alarmTopic',
    );
  return problems;
}

function groupOf(id: string): AlarmGroup | undefined {
  return (Object.keys(ALARM_GROUPS) as AlarmGroup[]).find((group) => Object.hasOwn(ALARM_GROUPS[group], id));
}

/** The problems with the options of an alarm. */
export function alarmOptionProblems(
  id: string,
  definition: AlarmDefinition,
  options: ThresholdAlarmOptions | false,
): string[] {
  if (options === false) return [];
  // JavaScript apps have no types.
  if (typeof options !== 'object' || options === null)
    return [`alarms.${id} is ${String(options)}, but must be an object with options, or false`];
  const { threshold, evaluationPeriods } = options;
  const problems = [];
  if (threshold !== undefined && !('threshold' in definition))
    problems.push(`alarms.${id}.threshold is specified, but this alarm has no threshold; remove it`);
  else if (
    threshold !== undefined &&
    !Token.isUnresolved(threshold) &&
    !(threshold >= 0 && threshold < Infinity)
  )
    problems.push(`alarms.${id}.threshold is ${threshold}, but must be a number that is at least 0`);
  const isInRange =
    evaluationPeriods === undefined ||
    Token.isUnresolved(evaluationPeriods) ||
    (Number.isInteger(evaluationPeriods) &&
      evaluationPeriods >= 1 &&
      evaluationPeriods <= MAX_EVALUATION_PERIODS);
  if (!isInRange)
    problems.push(
      `alarms.${id}.evaluationPeriods is ${evaluationPeriods}, but must be an integer from 1 to ${MAX_EVALUATION_PERIODS} (CloudWatch evaluates at most one day)`,
    );
  return problems;
}
