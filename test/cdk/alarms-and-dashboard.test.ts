import type { Template } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import { EMIT_INTERVAL_MS } from '../../functions/ingester/emf.ts';
import { CONSUMER_METRICS, INGESTER_METRICS } from '../../lib/aws/metric-names.ts';
import { consumerMetric, INGESTER_REPORT_SECONDS } from '../../lib/cdk/cloudwatch-metrics.ts';
import { plain, templateOf } from './test-deployment.ts';

interface Alarm {
  AlarmName: string;
  AlarmDescription: string;
  Tags: { Key: string; Value: string }[];
  AlarmActions: unknown[];
  OKActions: unknown[];
  ComparisonOperator: string;
  EvaluationPeriods: number;
  Threshold?: number;
  Period?: number;
  Statistic?: string;
  MetricName?: string;
  Namespace?: string;
  Dimensions?: { Name: string; Value: unknown }[];
  Metrics?: { Expression?: string; MetricStat?: { Metric: { MetricName: string } } }[];
  TreatMissingData: string;
}
interface Widget {
  type: string;
  x: number;
  y: number;
  width: number;
  properties: { title?: string; markdown?: string; metrics?: unknown[][] };
}

let template: Template;
beforeAll(() => {
  template = templateOf((stack) => ({ tasks: 3, alarmTopic: new Topic(stack, 'OnCall') }));
});

describe('alarms', () => {
  function alarms(): Alarm[] {
    return Object.values(template.findResources('AWS::CloudWatch::Alarm')).map((one) => one.Properties);
  }
  function alarm(name: string): Alarm {
    const found = alarms().find(({ AlarmName }) => AlarmName.endsWith(`-${name}`));
    if (!found) throw new Error(`There is no alarm ${name}`);
    return found;
  }

  test('each has one severity, says what to do, and tells the topic of its begin and end', () => {
    expect(alarms()).toHaveLength(8);
    for (const { AlarmDescription, Tags, AlarmActions, OKActions } of alarms()) {
      const severity = Tags.find(({ Key }) => Key === 'severity')?.Value;
      expect(['critical', 'warning']).toContain(severity);
      expect(AlarmDescription).toMatch(new RegExp(`^${severity?.toUpperCase()}: .{60,}\\.$`));
      for (const actions of [AlarmActions, OKActions])
        expect(actions).toEqual([{ Ref: expect.stringMatching(/^OnCall/) }]);
    }
  });

  test.each([
    ['DeadLetterNotEmpty', 'ApproximateNumberOfMessagesVisible', 'DeadLetter', 0, 60],
    ['QuarantineGrowing', 'NumberOfMessagesSent', 'Quarantine', 0, 300],
    ['OldestMessageTooOld', 'ApproximateAgeOfOldestMessage', 'Events', 60, 60],
  ])('%s watches %s of %s', (name, MetricName, queue, Threshold, Period) => {
    const found = alarm(name);
    expect(found).toMatchObject({
      MetricName,
      Threshold,
      Period,
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    });
    expect(JSON.stringify(found.Dimensions)).toContain(`SwitchboardQueues${queue}`);
  });

  test('no connection for 60 s, and no report at all, are the same alarm', () => {
    expect(alarm('NoConnection')).toMatchObject({
      MetricName: 'Covered',
      Dimensions: [{ Name: 'service', Value: 'ingester' }],
      Statistic: 'Maximum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
  });

  test('one healthy task fewer than wanted is an alarm, a late report is none', () => {
    const { Threshold, ComparisonOperator, TreatMissingData, Metrics } = alarm('TooFewHealthyTasks');
    expect([ComparisonOperator, TreatMissingData]).toEqual(['LessThanThreshold', 'breaching']);
    const divisor = Number(Metrics?.find(({ Expression }) => Expression)?.Expression?.split(' / ')[1]);
    const healthyTasks = (reports: number) => reports / divisor;
    expect(healthyTasks(3 * 10)).toBeGreaterThan(Threshold ?? 0);
    expect(healthyTasks(3 * 10 - 1)).toBeGreaterThan(Threshold ?? 0);
    expect(healthyTasks(2 * 10)).toBeLessThan(Threshold ?? 0);
  });

  test.each([
    ['ConsumerErrors', 'Errors'],
    ['ConsumerThrottled', 'Throttles'],
  ])('%s is the first of them in five minutes', (name, MetricName) => {
    expect(alarm(name)).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName,
      Statistic: 'Sum',
      Period: 300,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    });
  });

  test('silence is traffic below the usual band', () => {
    expect(alarm('Silence')).toMatchObject({
      ComparisonOperator: 'LessThanLowerThreshold',
      Metrics: expect.arrayContaining([
        expect.objectContaining({ Expression: expect.stringContaining('ANOMALY_DETECTION_BAND') }),
      ]),
    });
  });
});

describe('the dashboard', () => {
  let widgets: Widget[];
  beforeAll(() => {
    const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
    widgets = JSON.parse(String(plain(dashboard?.Properties.DashboardBody))).widgets;
  });
  function titled(title: string): Widget {
    const found = widgets.find(({ properties }) => properties.title === title);
    if (!found) throw new Error(`There is no widget ${title}`);
    return found;
  }

  test('shows the way of an event from left to right', () => {
    const flow = [
      '1 Received',
      '2 Age of the oldest message',
      '3 Published',
      '4 Failures downstream, by rule',
    ];
    const found = flow.map(titled);
    expect(new Set(found.map(({ y }) => y)).size).toBe(1);
    const columns = found.map(({ x }) => x);
    expect(columns).toEqual(columns.toSorted((left, right) => left - right));
    expect(new Set(columns).size).toBe(flow.length);
    expect(found[0]?.y).toBeLessThan(titled('Received to published').y);
  });

  test('shows failures of every rule of the bus', () => {
    expect(JSON.stringify(titled('4 Failures downstream, by rule').properties.metrics)).toMatch(
      /SEARCH\(.*FailedInvocations.*EventBusName=.*SwitchboardEventsBus/,
    );
  });

  /** Metrics of a service that are on the dashboard. */
  function shown(service: string): Set<string> {
    const { namespace } = consumerMetric('EventsReceived');
    const ours = widgets
      .flatMap(({ properties }) => properties.metrics ?? [])
      .filter(
        ([space, , dimension, value]) => space === namespace && dimension === 'service' && value === service,
      );
    return new Set(ours.map(([, name]) => String(name)));
  }
  test('shows every metric that the consumer reports, under its name', () => {
    // What is received there is what the ingester received, copies dropped.
    const names = Object.keys(CONSUMER_METRICS).filter((name) => name !== 'EventsReceived');
    expect(names.length).toBeGreaterThan(5);
    expect(shown('consumer')).toEqual(new Set(names));
  });

  test('shows every metric that the ingester reports, under its name', () => {
    // What is sent is what the consumer publishes, drops or quarantines.
    const names = Object.keys(INGESTER_METRICS).filter((name) => name !== 'EventsSent');
    expect(names.length).toBeGreaterThan(5);
    expect(shown('ingester')).toEqual(new Set(names));
  });

  test('counts healthy tasks by the interval at which the ingester reports', () => {
    expect(INGESTER_REPORT_SECONDS * 1_000).toBe(EMIT_INTERVAL_MS);
  });

  test('has latency percentiles, copies, connections, and what costs money', () => {
    expect(titled('Received to published').properties.metrics).toHaveLength(3);
    for (const title of [
      'Copies dropped',
      'Quarantined, rejected, late, returned',
      'Connection: 1 is covered',
      'Connections opened, and seconds of gaps',
      'EventBridge: events published',
      'DynamoDB: write units',
      'Lambda: milliseconds',
      'SQS: messages sent',
    ]) {
      expect(titled(title).properties.metrics?.length).toBeGreaterThan(0);
    }
  });

  test('fits the grid and ends with the graphs of each resource', () => {
    for (const { x, width } of widgets) expect(x + width).toBeLessThanOrEqual(24);
    const texts = widgets.map(({ properties }) => properties.markdown ?? '').join('\n');
    for (const name of ['Consumer', 'Events queue', 'Claims', 'State', 'Ingester'])
      expect(texts).toContain(name);
  });
});
