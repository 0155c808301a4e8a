import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Alarms } from './alarms.ts';
import { ingesterMetric } from './cloudwatch-metrics.ts';

/** Adds the alarm of a deployment with two or more tasks, one of which leads. With fewer there is no standby. */
export function addStandbyAlarm(alarms: Alarms, tasks: number | undefined): void {
  if (tasks === undefined || tasks < 2) return;
  const live = ingesterMetric('StandbyLive', { statistic: Stats.MAXIMUM, period: Duration.minutes(5) });
  alarms.below('NoLiveStandby', live, 1, {
    severity: 'warning',
    text: 'In the last five minutes, no standby had a live connection for every subscription. If the leader fails now, events are missed until another task is connected. Check the ingester log, the events of the ECS service and the stop reason of its last task.',
  });
}
