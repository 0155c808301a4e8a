import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { readConfig as readIngesterConfig } from '../../functions/ingester/ingester-config.ts';
import { Switchboard } from '../../lib/cdk/index.ts';
import { plain, REQUIRED, testApp } from './test-deployment.ts';

type Dimension = { Name: string; Value: string };

/** The value of the dimension `deployment` in every metric of the namespace Switchboard. */
function deploymentsIn(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(deploymentsIn);
  if (typeof value !== 'object' || value === null) return [];
  const { Namespace, Dimensions } = value as { Namespace?: string; Dimensions?: Dimension[] };
  if (Namespace !== 'Switchboard') return Object.values(value).flatMap(deploymentsIn);
  return [Dimensions?.find(({ Name }) => Name === 'deployment')?.Value];
}

/** Properties that name a resource in an account and Region. */
const NAMES = ['AlarmName', 'ArchiveName', 'DashboardName', 'FunctionName', 'Name', 'QueueName', 'TableName'];

/** Names in the template of a stack. References such as `<LogicalId>` are names that CloudFormation generates. */
function namesOf(stackName: string): readonly string[] {
  using app = testApp();
  // The same ids, as in two apps.
  const stack = new Stack(app, 'Switchboard', { stackName });
  const switchboard = new Switchboard(stack, 'Switchboard', {
    ...REQUIRED,
    secret: `${stackName}/genesys`,
    archiveDays: 1,
    audit: { records: 'all' },
    webhook: {},
    partnerEventSource: `aws.partner/genesys.com/cloud/${stackName}/main`,
    partnerTopics: ['v2.users.{id}.presence'],
    topics: ['v2.users.{id}.presence'],
    backfill: {},
  });
  for (const name of ['Crm', 'Crm-2'])
    switchboard.deliverTo(name, { url: 'https://crm.example.com', match: {}, ordered: true });
  const { Resources } = plain(Template.fromStack(stack).toJSON()) as {
    Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
  };
  return Object.values(Resources).flatMap(({ Type, Properties = {} }) =>
    NAMES.map((name) => Properties[name])
      .filter((name) => typeof name === 'string' && !name.startsWith('<'))
      .map((name) => `${Type} ${name}`),
  );
}

test('Two deployments with the same construct ids in stacks of two apps share no name', () => {
  const sales = namesOf('Sales');
  expect(sales.length).toBeGreaterThan(20);
  expect(new Set(sales).size).toBe(sales.length);
  expect(namesOf('Support').filter((name) => sales.includes(name))).toEqual([]);
});

describe('Two deployments in one account that publish on one bus', () => {
  let templates: readonly Template[];
  beforeAll(() => {
    using app = testApp();
    const first = new Switchboard(new Stack(app, 'Users'), 'Switchboard', {
      ...REQUIRED,
      topics: ['v2.users.{id}.presence'],
      webhook: {},
    });
    const second = new Switchboard(new Stack(app, 'Queues'), 'Switchboard', {
      ...REQUIRED,
      secret: 'switchboard/queues',
      topics: ['v2.routing.queues.{id}.conversations'],
      tasks: 2,
      audit: { records: 'all' },
      bus: first.bus,
    });
    for (const switchboard of [first, second])
      for (const name of ['Crm', 'Erp'])
        switchboard.deliverTo(name, { url: 'https://crm.example.com', match: {} });
    templates = [first, second].map((one) => Template.fromStack(Stack.of(one)));
  });

  test('There is one event bus, and each deployment has its own queues, tables and ingester', () => {
    const count = (type: string) =>
      templates.map((template) => Object.keys(template.findResources(type)).length);
    expect(count('AWS::Events::EventBus')).toEqual([1, 0]);
    expect(count('AWS::DynamoDB::Table')).toEqual([2, 2]);
    expect(count('AWS::ECS::Service')).toEqual([1, 1]);
  });

  test('Every metric in alarms and on the dashboard is that of the own deployment', () => {
    const names = templates.map((template) => {
      const alarms = template.findResources('AWS::CloudWatch::Alarm');
      const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
      const shown: unknown[][] = JSON.parse(
        String(plain(dashboard?.Properties.DashboardBody)),
      ).widgets.flatMap(
        ({ properties }: { properties: { metrics?: unknown[][] } }) => properties.metrics ?? [],
      );
      const onDashboard = shown
        .filter(([namespace]) => namespace === 'Switchboard')
        .map((metric) => metric[metric.indexOf('deployment') + 1]);
      expect(onDashboard.length).toBeGreaterThan(20);
      return new Set([...deploymentsIn(alarms), ...onDashboard]);
    });
    expect(names.map(({ size }) => size)).toEqual([1, 1]);
    expect(names[0]).not.toEqual(names[1]);
    expect(names[0]).not.toContain(undefined);
  });

  test('Every process reports its metrics under the name that the alarms watch', () => {
    for (const template of templates) {
      const [name] = deploymentsIn(template.findResources('AWS::CloudWatch::Alarm'));
      const functions = Object.values(template.findResources('AWS::Lambda::Function'))
        .map(({ Properties }) => Properties.Environment?.Variables)
        .filter((variables) => variables?.NODE_OPTIONS !== undefined);
      const [task] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
      const [container] = task?.Properties.ContainerDefinitions ?? [];
      expect(functions.length).toBeGreaterThan(1);
      for (const variables of functions) expect(variables.DEPLOYMENT).toBe(name);
      expect(container.Environment).toContainEqual({ Name: 'DEPLOYMENT', Value: name });
      expect(
        readIngesterConfig({
          GENESYS_DOMAIN: 'mypurecloud.de',
          GENESYS_SECRET_ID: 'secret',
          TOPICS: 'v2.users.{id}.presence',
          EVENTS_QUEUE_URL: 'https://sqs.test/1/q',
          DEPLOYMENT: String(name),
        }).deployment,
      ).toBe(name);
    }
  });
});
