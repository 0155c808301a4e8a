import { Duration } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROTOCOLS } from '../../functions/ingester/protocols/registry.ts';
import * as metricNames from '../../lib/aws/metric-names.ts';
import {
  BACKFILL_METRICS,
  type BackfillMetricName,
  CONSUMER_METRICS,
  type ConsumerMetricName,
  DELIVERY_METRICS,
  DELIVERY_ORDER_METRICS,
  type DeliveryMetricName,
  type DeliveryOrderMetricName,
  INGESTER_METRICS,
  type IngesterMetricName,
  type MetricDefinition,
  PROTOCOL_METRICS,
  type ProtocolMetricName,
  WEBHOOK_METRICS,
  type WebhookMetricName,
} from '../../lib/aws/metric-names.ts';
import type { Delivery, ISwitchboard } from '../../lib/cdk/index.ts';
import { PROTOCOL_VARIABLES, type ProtocolProperty } from '../../lib/cdk/protocol-variables.ts';
import { type Deployment, deployment } from './test-deployment.ts';

let made: Deployment;
let delivery: Delivery;
beforeAll(() => {
  made = deployment();
  delivery = made.switchboard.deliverTo('Crm', { url: 'https://crm.example.com', match: {} });
});
afterAll(() => made[Symbol.dispose]());

interface Table {
  readonly service: string;
  readonly definitions: Readonly<Record<string, MetricDefinition>>;
  read(switchboard: ISwitchboard, name: string): Metric;
}
/** Every table of metric names, with the method that reads its metrics. */
const TABLES: Readonly<Record<string, Table>> = {
  CONSUMER_METRICS: {
    service: 'consumer',
    definitions: CONSUMER_METRICS,
    read: (switchboard, name) => switchboard.metricConsumer(name as ConsumerMetricName),
  },
  INGESTER_METRICS: {
    service: 'ingester',
    definitions: INGESTER_METRICS,
    read: (switchboard, name) => switchboard.metricIngester(name as IngesterMetricName),
  },
  WEBHOOK_METRICS: {
    service: 'webhook',
    definitions: WEBHOOK_METRICS,
    read: (switchboard, name) => switchboard.metricWebhook(name as WebhookMetricName),
  },
  BACKFILL_METRICS: {
    service: 'backfill',
    definitions: BACKFILL_METRICS,
    read: (switchboard, name) => switchboard.metricBackfill(name as BackfillMetricName),
  },
  DELIVERY_METRICS: {
    service: 'delivery',
    definitions: DELIVERY_METRICS,
    read: (_, name) => delivery.metric(name as DeliveryMetricName),
  },
  DELIVERY_ORDER_METRICS: {
    service: 'delivery-order',
    definitions: DELIVERY_ORDER_METRICS,
    read: (switchboard, name) => switchboard.metricDeliveryOrder(name as DeliveryOrderMetricName),
  },
  PROTOCOL_METRICS: {
    service: 'ingester',
    definitions: PROTOCOL_METRICS,
    read: (switchboard, name) => switchboard.metricProtocol('topics', name as ProtocolMetricName),
  },
};

test('Every table of metric names has a method that reads its metrics', () => {
  const tables = Object.keys(metricNames).filter((name) => name.endsWith('_METRICS'));
  expect(tables.toSorted()).toEqual([...Object.keys(TABLES), 'SERVICE_METRICS'].toSorted());
});

describe.each(Object.entries(TABLES))('%s', (_, { service, definitions, read }) => {
  test.each(Object.entries(definitions))(
    '%s is read with the statistic that suits it',
    (name, definition) => {
      const { namespace, metricName, statistic, period, dimensions } = read(made.switchboard, name);
      expect({ namespace, metricName, statistic }).toEqual({
        namespace: 'Switchboard',
        metricName: name,
        statistic: definition.statistic ?? 'Sum',
      });
      expect(period.toSeconds()).toBe(60);
      expect(dimensions).toMatchObject({ deployment: made.switchboard.deploymentName, service });
    },
  );
});

test('Options replace the statistic, period and label', () => {
  const reading = { statistic: 'Average', period: Duration.minutes(5), label: 'Coverage' };
  for (const metric of [
    made.switchboard.metricCovered(reading),
    made.switchboard.metricProtocol('topics', 'UnknownMessages', reading),
  ])
    expect(metric).toMatchObject(reading);
});

test('A metric of each protocol has the dimension that its ingester writes', () => {
  const properties = ['topics', ...Object.keys(PROTOCOL_VARIABLES)] as ProtocolProperty[];
  const dimensions = properties.map(
    (property) => made.switchboard.metricProtocol(property, 'SequenceGaps').dimensions ?? {},
  );
  expect(dimensions.map(({ protocol }) => protocol).toSorted()).toEqual(
    PROTOCOLS.map(({ name }) => name).toSorted(),
  );
  const { deploymentName } = made.switchboard;
  for (const { protocol, ...others } of dimensions)
    expect(others).toEqual({ deployment: deploymentName, service: 'ingester' });
});

test('The most common metrics have their own methods', () => {
  const { switchboard } = made;
  const metrics = [
    switchboard.metricReceived(),
    switchboard.metricPublished(),
    switchboard.metricDuplicatesDropped(),
    switchboard.metricQuarantined(),
    switchboard.metricLag(),
    switchboard.metricCovered(),
    switchboard.metricStandbyLive(),
    switchboard.metricGapSeconds(),
    switchboard.metricRecovered(),
    switchboard.metricOpenGapAge(),
  ];
  expect(
    metrics.map(({ dimensions, metricName, statistic }) => [dimensions?.service, metricName, statistic]),
  ).toEqual([
    ['ingester', 'EventsReceived', 'Sum'],
    ['consumer', 'EventsPublished', 'Sum'],
    ['consumer', 'DuplicatesDropped', 'Sum'],
    ['consumer', 'EventsQuarantined', 'Sum'],
    ['consumer', 'ReceivedToPublishedLatency', 'p99'],
    ['ingester', 'Covered', 'Maximum'],
    ['ingester', 'StandbyLive', 'Maximum'],
    ['ingester', 'GapSeconds', 'Sum'],
    ['backfill', 'EventsRecovered', 'Sum'],
    ['backfill', 'OldestOpenGapAge', 'Maximum'],
  ]);
});
