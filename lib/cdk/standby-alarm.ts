import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Alarms } from './alarms.ts';
import { ingesterMetric } from './cloudwatch-metrics.ts';

/** Adds the alarm of a deployment with two or more tasks, one of which leads. With fewer there is no standby. */
export function addStandbyAlarm(alarms: Alarms, tasks: number | undefined): void {
  if (tasks === undefined || tasks < 2) return;
  const live = ingesterMetric(alarms, 'StandbyLive', {
    statistic: Stats.MAXIMUM,
    period: Duration.minutes(5),
  });
  alarms.below('NoLiveStandby', live, 1, {
    severity: 'warning',
    text: 'In the last five minutes, no standby had everything that the leader may not have sent. If the leader fails now, there is a gap. Check the ingester log, the events of the ECS service and the stop reason of its last task.',
  });
}
