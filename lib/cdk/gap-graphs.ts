import { Duration } from 'aws-cdk-lib';
import { GraphWidget, type IMetric, Row, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { BACKFILL_METRICS, type BackfillMetricName } from '../aws/metric-names.ts';
import { backfillMetric, ingesterMetric } from './cloudwatch-metrics.ts';

/** A quarter of the width of a dashboard, in grid units. */
const WIDTH = 6;
const HEIGHT = 6;
const FIVE_MINUTES = Duration.minutes(5);

/** A row of a dashboard: how much of the time was covered, and what was recovered of the rest. */
export function gapGraphs(scope: Construct): Row {
  const backfill = (name: BackfillMetricName, statistic: string = Stats.SUM): IMetric =>
    backfillMetric(scope, name, {
      statistic,
      period: FIVE_MINUTES,
      label: BACKFILL_METRICS[name].description,
    });
  return new Row(
    graph('Coverage ratio (1: every subscription was connected)', [
      ingesterMetric(scope, 'Covered', {
        statistic: Stats.AVERAGE,
        period: FIVE_MINUTES,
        label: 'Average of all tasks',
      }),
    ]),
    graph('Duration of gaps', [
      ingesterMetric(scope, 'GapSeconds', { period: FIVE_MINUTES, label: 'Seconds per five minutes' }),
    ]),
    graph('Recovered events', [backfill('EventsRecovered'), backfill('GapsFilled')]),
    graph('Age of the oldest open gap, in seconds', [
      backfill('OldestOpenGapAge', Stats.MAXIMUM),
      backfill('RoundsFailed'),
    ]),
  );
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, leftYAxis: { min: 0 }, width: WIDTH, height: HEIGHT });
}
