import { type Row, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type LabeledMetrics, row } from './dashboard-row.ts';

/** Connections, leadership and buffers of the ingester. */
export function connectionGraphs({ ingester }: LabeledMetrics): Row {
  return row(
    {
      title: 'Coverage (1 if all subscriptions are connected)',
      metrics: [
        ingester('Covered', { statistic: Stats.MAXIMUM, label: 'At least one task' }),
        ingester('Covered', { statistic: Stats.MINIMUM, label: 'All tasks' }),
      ],
    },
    {
      title: 'Connections opened and duration of gaps',
      metrics: [ingester('Connects'), ingester('GapSeconds'), ingester('BridgedSeconds')],
      unit: 'per minute',
    },
    {
      title: 'Open connections, leaders, takeovers and live standbys',
      metrics: [ingester('Connections'), ingester('Leading'), ingester('Takeovers'), ingester('StandbyLive')],
    },
    {
      title: 'Buffers and event loop',
      metrics: [ingester('BufferBytes'), ingester('KeptBytes'), ingester('EventLoopLag')],
    },
  );
}

/** Problems that the ingester reports. */
export function problemGraphs({ consumer, ingester }: LabeledMetrics): Row {
  return row(
    {
      title: 'Refused topics, pauses and records that are not stored',
      metrics: [ingester('TopicsRejected'), ingester('Paused'), ingester('RecordsPending')],
    },
    {
      title: 'Failed sends, lost frames and lost audit records',
      metrics: [
        ingester('SendFailures'),
        ingester('FramesUnpreserved'),
        ingester('AuditRecordsLost'),
        consumer('AuditRecordsLost'),
      ],
      unit: 'per minute',
    },
  );
}
