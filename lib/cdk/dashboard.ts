import { Duration, Stack } from 'aws-cdk-lib';
import {
  Dashboard as CloudWatchDashboard,
  Column,
  type IWidget,
  MathExpression,
  type Row,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { MonitoringFacade } from 'cdk-monitoring-constructs';
import { Construct } from 'constructs';
import { DASHBOARD_WIDTH, type LabeledMetrics, labeledMetrics, row } from './dashboard-row.ts';
import type { Tables } from './dynamodb-tables.ts';
import { gapGraphs } from './gap-graphs.ts';
import { connectionGraphs, problemGraphs } from './ingester-graphs.ts';
import type { Queues } from './message-queues.ts';
import { partnerEventsMetric } from './partner-metrics.ts';
import type { PartnerSource } from './partner-source.ts';

const MINUTE = Duration.minutes(1);
const HOUR = Duration.hours(1);

/** Properties of {@link Dashboard}. */
export interface DashboardProps {
  /** Queues to show. */
  readonly queues: Queues;
  /** Tables to show. */
  readonly tables: Tables;
  /** Consumer function to show. */
  readonly consumer: IFunction;
  /**
   * Ingester service to show.
   *
   * @default - there is none, and its metrics are not shown
   */
  readonly service?: FargateService | undefined;
  /**
   * Native integration to show.
   *
   * @default - there is none
   */
  readonly partner?: PartnerSource | undefined;
  /** Whether gaps are filled. */
  readonly hasBackfill?: boolean | undefined;
  /** Event bus whose rules are shown. */
  readonly bus: IEventBus;
}

/**
 * CloudWatch dashboard. The first row shows the path of an event from left to right. The rows below show latency, lost
 * and duplicate events, connections, the main cost drivers, and the standard metrics of each resource.
 */
export class Dashboard extends Construct {
  /** The CloudWatch dashboard. */
  readonly dashboard: CloudWatchDashboard;
  /** URL of the dashboard in the AWS console. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const metrics = labeledMetrics(this);
    this.dashboard = new CloudWatchDashboard(this, 'Dashboard', { defaultInterval: Duration.hours(3) });
    this.dashboard.addWidgets(heading('Path of an event'));
    this.dashboard.addWidgets(flow(metrics, props));
    this.dashboard.addWidgets(heading('Latency, deduplication and connections'));
    this.dashboard.addWidgets(latencyAndLoss(metrics));
    if (props.service) this.dashboard.addWidgets(connectionGraphs(metrics), problemGraphs(metrics));
    if (props.hasBackfill) this.dashboard.addWidgets(heading('Gaps'), gapGraphs(this));
    this.dashboard.addWidgets(heading('Cost drivers'));
    this.dashboard.addWidgets(costs(metrics, props));
    for (const widget of this.resources(props)) this.dashboard.addWidgets(widget);
    const { region } = Stack.of(this);
    this.url = `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards/dashboards/${this.dashboard.dashboardName}`;
  }

  /** Standard graphs of each resource. */
  private resources({ queues, tables, consumer, service }: DashboardProps): IWidget[] {
    const widgets: IWidget[] = [];
    const facade = new MonitoringFacade(this, 'Resources', {
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
      .monitorDynamoTable({ table: tables.state, humanReadableName: 'State' });
    if (service)
      facade.monitorSimpleFargateService({ fargateService: service, humanReadableName: 'Ingester' });
    return widgets;
  }
}

function heading(text: string): TextWidget {
  return new TextWidget({ markdown: `## ${text}`, width: DASHBOARD_WIDTH, height: 1 });
}

function flow(
  { consumer, ingester }: LabeledMetrics,
  { queues, bus, service, partner }: DashboardProps,
): Row {
  const received = [
    ...(service ? [ingester('EventsReceived')] : []),
    ...(partner ? [partnerEventsMetric(partner, MINUTE)] : []),
  ];
  return row(
    { title: '1. Received', metrics: received, unit: 'events per minute' },
    {
      title: '2. Age of the oldest message',
      metrics: [queues.events.metricApproximateAgeOfOldestMessage({ period: MINUTE, label: 'Events queue' })],
      unit: 'seconds',
    },
    { title: '3. Published', metrics: [consumer('EventsPublished')], unit: 'events per minute' },
    {
      title: '4. Delivery failures by rule',
      metrics: ['FailedInvocations', 'ThrottledRules', 'InvocationsFailedToBeSentToDlq'].map((name) =>
        ruleMetric(name, bus),
      ),
      unit: 'per minute',
    },
  );
}

/** A metric of every rule of the bus, including rules of other stacks. */
function ruleMetric(name: string, bus: IEventBus): MathExpression {
  return new MathExpression({
    expression: `SEARCH('{AWS/Events,EventBusName,RuleName} MetricName="${name}" EventBusName="${bus.eventBusName}"', 'Sum', 60)`,
    label: name,
    period: MINUTE,
    usingMetrics: {},
  });
}

function latencyAndLoss({ consumer, ingester }: LabeledMetrics): Row {
  return row(
    {
      title: 'Latency from receipt to publication',
      metrics: [50, 90, 99].map((percentile) =>
        consumer('ReceivedToPublishedLatency', {
          statistic: Stats.percentile(percentile),
          label: `p${percentile}`,
        }),
      ),
      unit: 'milliseconds',
    },
    {
      title: 'Duplicates dropped',
      metrics: [ingester('CopiesDropped'), consumer('DuplicatesDropped')],
      unit: 'events per minute',
    },
    {
      title: 'Quarantined, rejected, late and returned',
      metrics: [
        consumer('EventsQuarantined'),
        ingester('FramesRejected'),
        consumer('EventsLate'),
        consumer('MessagesReturned'),
      ],
      unit: 'per minute',
    },
  );
}

function costs(
  { consumer }: LabeledMetrics,
  { queues, tables, consumer: consumerFunction }: DashboardProps,
): Row {
  const sum = { period: HOUR, statistic: Stats.SUM };
  const units = (table: ITable, label: string) => table.metricConsumedWriteCapacityUnits({ ...sum, label });
  return row(
    {
      title: 'EventBridge: events published',
      metrics: [consumer('EventsPublished', { period: HOUR })],
      unit: 'events per hour',
    },
    {
      title: 'DynamoDB: consumed write capacity',
      metrics: [units(tables.claims, 'Claims table'), units(tables.state, 'State table')],
      unit: 'units per hour',
    },
    {
      title: 'Lambda: total duration',
      metrics: [consumerFunction.metricDuration({ ...sum, label: 'Consumer' })],
      unit: 'milliseconds per hour',
    },
    {
      title: 'SQS: messages sent',
      metrics: [queues.events.metricNumberOfMessagesSent({ ...sum, label: 'Events queue' })],
      unit: 'messages per hour',
    },
  );
}
