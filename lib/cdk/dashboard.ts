import { Duration, Stack } from 'aws-cdk-lib';
import {
  Dashboard as CloudWatchDashboard,
  Column,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  Row,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { MonitoringFacade } from 'cdk-monitoring-constructs';
import { Construct } from 'constructs';
import { consumerMetric, ingesterMetric } from './cloudwatch-metrics.ts';
import type { Tables } from './dynamodb-tables.ts';
import type { Queues } from './message-queues.ts';

/** Columns of a CloudWatch dashboard. */
const WIDTH = 24;
const GRAPH_HEIGHT = 6;
const MINUTE = Duration.minutes(1);
const HOUR = Duration.hours(1);

/** What is shown. */
export interface DashboardProps {
  readonly queues: Queues;
  readonly tables: Tables;
  readonly consumer: IFunction;
  readonly service: FargateService;
  readonly bus: IEventBus;
}

/**
 * One dashboard. Its first row is the way of an event from left to right; below it what explains a change there, what
 * costs money, and last the usual graphs of every resource.
 */
export class Dashboard extends Construct {
  readonly dashboard: CloudWatchDashboard;
  /** Where it is in the console. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    this.dashboard = new CloudWatchDashboard(this, 'Dashboard', { defaultInterval: Duration.hours(3) });
    this.dashboard.addWidgets(heading('The way of an event'));
    this.dashboard.addWidgets(flow(props));
    this.dashboard.addWidgets(heading('Why'));
    this.dashboard.addWidgets(latencyAndLoss(), connection());
    this.dashboard.addWidgets(heading('What costs money'));
    this.dashboard.addWidgets(costs(props));
    for (const widget of this.resources(props)) this.dashboard.addWidgets(widget);
    const { region } = Stack.of(this);
    this.url = `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards/dashboards/${this.dashboard.dashboardName}`;
  }

  /** The usual graphs of each resource. */
  private resources({ queues, tables, consumer, service }: DashboardProps): IWidget[] {
    const widgets: IWidget[] = [];
    new MonitoringFacade(this, 'Resources', {
      dashboardFactory: {
        addDynamicSegment: (segment) => widgets.push(new Column(...segment.widgetsForDashboard('Detail'))),
        getDashboard: () => undefined,
      },
    })
      .monitorLambdaFunction({ lambdaFunction: consumer, humanReadableName: 'Consumer' })
      .monitorSqsQueueWithDlq({
        queue: queues.events,
        deadLetterQueue: queues.deadLetter,
        humanReadableName: 'Events queue',
      })
      .monitorDynamoTable({ table: tables.claims, humanReadableName: 'Claims' })
      .monitorDynamoTable({ table: tables.state, humanReadableName: 'State' })
      .monitorSimpleFargateService({ fargateService: service, humanReadableName: 'Ingester' });
    return widgets;
  }
}

function heading(text: string): TextWidget {
  return new TextWidget({ markdown: `## ${text}`, width: WIDTH, height: 1 });
}

function row(...graphs: { title: string; metrics: IMetric[]; unit?: string }[]): Row {
  const width = Math.floor(WIDTH / graphs.length);
  return new Row(
    ...graphs.map(
      ({ title, metrics, unit }) =>
        new GraphWidget({
          title,
          left: metrics,
          leftYAxis: { min: 0, ...(unit ? { label: unit, showUnits: false } : {}) },
          width,
          height: GRAPH_HEIGHT,
        }),
    ),
  );
}

function flow({ queues, bus }: DashboardProps): Row {
  return row(
    { title: '1 Received', metrics: [ingesterMetric('EventsReceived')], unit: 'events a minute' },
    {
      title: '2 Age of the oldest message',
      metrics: [queues.events.metricApproximateAgeOfOldestMessage({ period: MINUTE, label: 'age' })],
      unit: 'seconds',
    },
    { title: '3 Published', metrics: [consumerMetric('EventsPublished')], unit: 'events a minute' },
    {
      title: '4 Failures downstream, by rule',
      metrics: ['FailedInvocations', 'ThrottledRules', 'InvocationsFailedToBeSentToDlq'].map((name) =>
        ruleMetric(name, bus),
      ),
      unit: 'a minute',
    },
  );
}

/** A metric of every rule of the bus, those of other stacks too. */
function ruleMetric(name: string, bus: IEventBus): MathExpression {
  return new MathExpression({
    expression: `SEARCH('{AWS/Events,EventBusName,RuleName} MetricName="${name}" EventBusName="${bus.eventBusName}"', 'Sum', 60)`,
    label: name,
    period: MINUTE,
    usingMetrics: {},
  });
}

function latencyAndLoss(): Row {
  return row(
    {
      title: 'Received to published',
      metrics: [50, 90, 99].map((percentile) =>
        consumerMetric('ReceivedToPublishedLatency', {
          statistic: Stats.percentile(percentile),
          label: `p${percentile}`,
        }),
      ),
      unit: 'milliseconds',
    },
    {
      title: 'Copies dropped',
      metrics: [
        ingesterMetric('CopiesDropped', { label: 'by overlapping connections' }),
        consumerMetric('DuplicatesDropped', { label: 'by claims' }),
      ],
      unit: 'events a minute',
    },
    {
      title: 'Quarantined, rejected, late, returned',
      metrics: [
        consumerMetric('EventsQuarantined'),
        ingesterMetric('FramesRejected'),
        consumerMetric('EventsLate'),
        consumerMetric('MessagesReturned'),
      ],
      unit: 'a minute',
    },
  );
}

function connection(): Row {
  return row(
    {
      title: 'Connection: 1 is covered',
      metrics: [
        ingesterMetric('Covered', { statistic: Stats.MAXIMUM, label: 'any task' }),
        ingesterMetric('Covered', { statistic: Stats.MINIMUM, label: 'every task' }),
      ],
    },
    {
      title: 'Connections opened, and seconds of gaps',
      metrics: [ingesterMetric('Connects'), ingesterMetric('GapSeconds')],
      unit: 'a minute',
    },
    {
      title: 'Open connections',
      metrics: [ingesterMetric('Connections', { statistic: Stats.MAXIMUM })],
    },
    {
      title: 'Buffer and event loop',
      metrics: [
        ingesterMetric('BufferBytes', { statistic: Stats.MAXIMUM }),
        ingesterMetric('EventLoopLag', { statistic: Stats.MAXIMUM }),
      ],
    },
  );
}

function costs({ queues, tables, consumer }: DashboardProps): Row {
  const sum = { period: HOUR, statistic: Stats.SUM };
  const units = (table: ITable, label: string) => table.metricConsumedWriteCapacityUnits({ ...sum, label });
  return row(
    {
      title: 'EventBridge: events published',
      metrics: [consumerMetric('EventsPublished', { period: HOUR })],
      unit: 'an hour',
    },
    {
      title: 'DynamoDB: write units',
      metrics: [units(tables.claims, 'claims'), units(tables.state, 'state')],
      unit: 'an hour',
    },
    {
      title: 'Lambda: milliseconds',
      metrics: [consumer.metricDuration({ ...sum, label: 'consumer' })],
      unit: 'an hour',
    },
    {
      title: 'SQS: messages sent',
      metrics: [queues.events.metricNumberOfMessagesSent({ ...sum, label: 'events' })],
      unit: 'an hour',
    },
  );
}
