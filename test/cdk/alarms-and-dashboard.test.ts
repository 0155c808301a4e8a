import type { Template } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import { EMIT_INTERVAL_MS } from '../../functions/ingester/emf-metrics.ts';
import { CONSUMER_METRICS, INGESTER_METRICS, METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';
import { INGESTER_REPORT_SECONDS } from '../../lib/cdk/cloudwatch-metrics.ts';
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

describe('Alarms', () => {
  function alarms(): Alarm[] {
    return Object.values(template.findResources('AWS::CloudWatch::Alarm')).map((one) => one.Properties);
  }
  function alarm(name: string): Alarm {
    const found = alarms().find(({ AlarmName }) => AlarmName.endsWith(`-${name}`));
    if (!found) throw new Error(`The template contains no alarm ${name}`);
    return found;
  }

  test('Every alarm has a severity, a description and actions for the states ALARM and OK', () => {
    expect(alarms()).toHaveLength(20);
    for (const { AlarmDescription, Tags, AlarmActions, OKActions } of alarms()) {
      const severity = Tags.find(({ Key }) => Key === 'severity')?.Value;
      expect(['critical', 'warning']).toContain(severity);
      expect(AlarmDescription).toMatch(new RegExp(`^${severity?.toUpperCase()}: .{60,}\\.$`));
      for (const actions of [AlarmActions, OKActions])
        expect(actions).toEqual([{ Ref: expect.stringMatching(/^OnCall/) }]);
    }
  });

  test.each([
    ['FramesUnpreserved', 'Sum', 0],
    ['ReadingPaused', 'Maximum', 0],
    ['SendFailures', 'Sum', 10],
    ['TopicsRejected', 'Maximum', 0],
    ['RecordsPending', 'Maximum', 20],
  ])('The alarm %s monitors the %s of an ingester metric over five minutes', (name, statistic, threshold) => {
    expect(alarm(name)).toMatchObject({
      Namespace: 'Switchboard',
      Statistic: statistic,
      Period: 300,
      Threshold: threshold,
    });
    expect(alarm(name)).toMatchObject({ ComparisonOperator: 'GreaterThanThreshold' });
  });

  test.each([
    ['DeadLetterNotEmpty', 'ApproximateNumberOfMessagesVisible', 'DeadLetter', 0, 60],
    ['QuarantineGrowing', 'NumberOfMessagesSent', 'Quarantine', 0, 300],
    ['OldestMessageTooOld', 'ApproximateAgeOfOldestMessage', 'Events', 240, 60],
  ])('The alarm %s monitors the metric %s of the queue %s', (name, MetricName, queue, Threshold, Period) => {
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

  test('The alarm NoConnection goes off after 60 s without a connection or without a report', () => {
    expect(alarm('NoConnection')).toMatchObject({
      MetricName: 'Covered',
      Dimensions: [
        { Name: 'deployment', Value: expect.stringMatching(/^Test-Switchboard/) },
        { Name: 'service', Value: 'ingester' },
      ],
      Statistic: 'Maximum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
  });

  test('The alarm TooFewHealthyTasks goes off if one task is missing, but not if one report is missing', () => {
    const { Threshold, ComparisonOperator, TreatMissingData, Metrics } = alarm('TooFewHealthyTasks');
    expect(ComparisonOperator).toBe('LessThanThreshold');
    expect(TreatMissingData).toBe('breaching');
    const divisor = Number(Metrics?.find(({ Expression }) => Expression)?.Expression?.split(' / ')[1]);
    const healthyTasks = (reports: number) => reports / divisor;
    expect(healthyTasks(3 * 10)).toBeGreaterThan(Threshold ?? 0);
    expect(healthyTasks(3 * 10 - 1)).toBeGreaterThan(Threshold ?? 0);
    expect(healthyTasks(2 * 10)).toBeLessThan(Threshold ?? 0);
  });

  test.each([
    ['ConsumerErrors', 'Errors'],
    ['ConsumerThrottled', 'Throttles'],
  ])('The alarm %s goes off at the first %s in five minutes', (name, MetricName) => {
    expect(alarm(name)).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName,
      Statistic: 'Sum',
      Period: 300,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    });
  });

  test('The alarm Silence goes off if the traffic is below the anomaly detection band', () => {
    expect(alarm('Silence')).toMatchObject({
      ComparisonOperator: 'LessThanLowerThreshold',
      Metrics: expect.arrayContaining([
        expect.objectContaining({ Expression: expect.stringContaining('ANOMALY_DETECTION_BAND') }),
      ]),
    });
  });
});

describe('Dashboard', () => {
  let widgets: Widget[];
  beforeAll(() => {
    const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
    widgets = JSON.parse(String(plain(dashboard?.Properties.DashboardBody))).widgets;
  });
  function titled(title: string): Widget {
    const found = widgets.find(({ properties }) => properties.title === title);
    if (!found) throw new Error(`The dashboard contains no widget ${title}`);
    return found;
  }

  test('The dashboard shows the path of an event from left to right in its first row', () => {
    const flow = [
      '1. Received',
      '2. Age of the oldest message',
      '3. Published',
      '4. Delivery failures by rule',
    ];
    const found = flow.map(titled);
    expect(new Set(found.map(({ y }) => y)).size).toBe(1);
    const columns = found.map(({ x }) => x);
    expect(columns).toEqual(columns.toSorted((left, right) => left - right));
    expect(new Set(columns).size).toBe(flow.length);
    expect(found[0]?.y).toBeLessThan(titled('Latency from receipt to publication').y);
  });

  test('The dashboard shows the delivery failures of every rule of the event bus', () => {
    expect(JSON.stringify(titled('4. Delivery failures by rule').properties.metrics)).toMatch(
      /SEARCH\(.*FailedInvocations.*EventBusName=.*SwitchboardEventsBus/,
    );
  });

  /** Metrics of a service on the dashboard: `[namespace, name, 'deployment', name, 'service', service, settings]`. */
  function shownMetrics(service: string): unknown[][] {
    return widgets
      .flatMap(({ properties }) => properties.metrics ?? [])
      .filter(
        (metric) => metric[0] === METRIC_NAMESPACE && metric[metric.indexOf('service') + 1] === service,
      );
  }
  function shown(service: string): Set<string> {
    return new Set(shownMetrics(service).map(([, name]) => String(name)));
  }
  test('The dashboard shows the metrics of the consumer', () => {
    // The consumer receives the events that the ingester received, without the copies that the ingester dropped.
    const names = Object.keys(CONSUMER_METRICS).filter((name) => name !== 'EventsReceived');
    expect(names.length).toBeGreaterThan(5);
    expect(shown('consumer')).toEqual(new Set(names));
  });

  test('The dashboard shows the metrics of the ingester', () => {
    // The ingester sends the events that the consumer publishes, drops or quarantines.
    const names = Object.keys(INGESTER_METRICS).filter((name) => name !== 'EventsSent');
    expect(names.length).toBeGreaterThan(5);
    expect(shown('ingester')).toEqual(new Set(names));
  });

  test('The dashboard labels a metric with its description', () => {
    const [metric] = shownMetrics('ingester').filter(([, name]) => name === 'FramesRejected');
    expect(metric?.at(-1)).toMatchObject({ label: INGESTER_METRICS.FramesRejected.description });
  });

  test('The report interval of the alarms is the interval at which the ingester emits metrics', () => {
    expect(INGESTER_REPORT_SECONDS * 1_000).toBe(EMIT_INTERVAL_MS);
  });

  test('The dashboard shows latency percentiles, duplicates, connections and cost drivers', () => {
    expect(titled('Latency from receipt to publication').properties.metrics).toHaveLength(3);
    for (const title of [
      'Duplicates dropped',
      'Quarantined, rejected, late and returned',
      'Coverage (1 if all subscriptions are connected)',
      'Connections opened and duration of gaps',
      'EventBridge: events published',
      'DynamoDB: consumed write capacity',
      'Lambda: total duration',
      'SQS: messages sent',
    ]) {
      expect(titled(title).properties.metrics?.length).toBeGreaterThan(0);
    }
  });

  test('The dashboard fits the grid and shows standard graphs of each resource', () => {
    for (const { x, width } of widgets) expect(x + width).toBeLessThanOrEqual(24);
    const texts = widgets.map(({ properties }) => properties.markdown ?? '').join('\n');
    for (const name of ['Consumer', 'Events queue', 'Claims', 'State', 'Ingester'])
      expect(texts).toContain(name);
  });
});
