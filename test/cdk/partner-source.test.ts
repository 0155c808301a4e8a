import { Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import { compileEventPattern } from 'switchboard-local/emulator/eventbridge/event-pattern.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { Switchboard, SwitchboardConfigurationError, type SwitchboardProps } from '../../lib/cdk/index.ts';
import { policyLines } from './policy-lines.ts';
import { plain, REQUIRED, templateOf, testApp, unhashed } from './test-deployment.ts';

const SOURCE = 'aws.partner/genesys.com/cloud/32aa07aa-db1b-4987-abd0-9483601ec29d/main';
const PRESENCE = 'v2.users.{id}.presence';
const PARTNER = { partnerEventSource: SOURCE, partnerTopics: [PRESENCE] } as const;

function problemsOf(props: Partial<SwitchboardProps>): readonly string[] {
  using app = testApp();
  try {
    new Switchboard(new Stack(app, 'Test'), 'Switchboard', { ...REQUIRED, ...props });
  } catch (error) {
    if (error instanceof SwitchboardConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

/** The rules on the partner bus. */
function rulesOf(template: Template) {
  const rules = Object.values(template.findResources('AWS::Events::Rule')).map((one) => one.Properties);
  return rules as { EventPattern: object; Targets: object[]; EventBusName: unknown }[];
}

function partnerLines(template: Template): string[] {
  return policyLines(template).filter((line) => line.includes('events.amazonaws.com'));
}

describe('A deployment with the native integration', () => {
  let template: Template;
  beforeAll(() => {
    template = templateOf(() => PARTNER, { checks: true });
  });

  test('The integration adds its bus, a rule and alarms, and changes only the policies of the two queues', () => {
    // The native integration delivers during gaps, so that there is no backfill.
    const { Resources: before } = templateOf(() => ({ backfill: false })).toJSON();
    const { Resources: after } = template.toJSON();
    const added = Object.keys(after).filter((id) => !(id in before));
    expect(added.map((id) => `${after[id].Type} ${unhashed(id)}`).sort()).toEqual([
      'AWS::CloudWatch::Alarm SwitchboardAlarmsPartnerDeliveryFailures',
      'AWS::CloudWatch::Alarm SwitchboardAlarmsPartnerEventsLost',
      'AWS::CloudWatch::Alarm SwitchboardAlarmsPartnerSilence',
      'AWS::Events::EventBus SwitchboardPartnerBus',
      'AWS::Events::Rule SwitchboardPartnerRule',
    ]);
    const changed = Object.keys(before).filter(
      (id) => JSON.stringify(before[id]) !== JSON.stringify(after[id]),
    );
    expect(changed.map(unhashed).sort()).toEqual([
      'SwitchboardDashboard',
      'SwitchboardQueuesDeadLetterPolicy',
      'SwitchboardQueuesEventsPolicy',
    ]);
  });

  test('The bus is that of the event source, whose name it has', () => {
    const bus = { Name: SOURCE, EventSourceName: SOURCE, KmsKeyIdentifier: Match.absent() };
    template.hasResourceProperties('AWS::Events::EventBus', bus);
  });

  test('The rule selects events by source and type', () => {
    const [rule] = rulesOf(template);
    expect(plain(rule?.EventBusName)).toMatch(/^<SwitchboardPartnerBus/);
    const matches = compileEventPattern(JSON.stringify(rule?.EventPattern));
    const event = { source: SOURCE, 'detail-type': PRESENCE, detail: {} };
    expect(matches(event)).toBe(true);
    expect(matches({ ...event, source: 'aws.partner/other.com/x' })).toBe(false);
    expect(matches({ ...event, 'detail-type': 'v2.users.{id}.routingStatus' })).toBe(false);
  });

  test('Events that EventBridge cannot deliver within a day are sent to the dead-letter queue', () => {
    expect(rulesOf(template).map(({ Targets }) => plain(Targets))).toEqual([
      [
        expect.objectContaining({
          Arn: expect.stringContaining('QueuesEvents'),
          DeadLetterConfig: { Arn: expect.stringContaining('QueuesDeadLetter') },
          RetryPolicy: { MaximumEventAgeInSeconds: 86_400 },
        }),
      ],
    ]);
  });

  test('Only the rule may send to the queues, and nothing else', () => {
    const condition = 'if {"ArnEquals":{"aws:SourceArn":["<SwitchboardPartnerRule.Arn>"]}}';
    expect(partnerLines(template)).toEqual(
      ['DeadLetter', 'Events'].map(
        (name) =>
          `SwitchboardQueues${name}Policy: Allow sqs:SendMessage on <SwitchboardQueues${name}.Arn> to {"Service":"events.amazonaws.com"} ${condition}`,
      ),
    );
  });

  test.each([
    ['PartnerDeliveryFailures', 'FailedInvocations'],
    ['PartnerEventsLost', 'InvocationsFailedToBeSentToDlq'],
  ])('The alarm %s monitors %s of the rule', (name, MetricName) => {
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm'));
    const alarm = alarms.map((one) => one.Properties).find((one) => one.AlarmName.endsWith(`-${name}`));
    expect(alarm).toMatchObject({ Namespace: 'AWS/Events', MetricName, Threshold: 0, Statistic: 'Sum' });
    expect(alarm.AlarmDescription).toMatch(/^CRITICAL: .{60,}\.$/);
    expect(plain(alarm.Dimensions)).toEqual([
      { Name: 'EventBusName', Value: expect.stringMatching(/^<SwitchboardPartnerBus/) },
      { Name: 'RuleName', Value: expect.stringMatching(/^<SwitchboardPartnerRule/) },
    ]);
  });

  test('An alarm reports unusually few events of the event source', () => {
    const detectors = Object.values(template.findResources('AWS::CloudWatch::Alarm'));
    const silence = detectors.find(({ Properties }) => Properties.AlarmName.endsWith('-PartnerSilence'));
    const text = JSON.stringify(plain(silence?.Properties.Metrics));
    expect(text).toContain('"MetricName":"Events"');
    expect(text).toContain('"Name":"EventSourceName","Value":"<SwitchboardPartnerBus');
  });
});

test('With a customer managed key, the bus is encrypted, and EventBridge may use the key for the queues', () => {
  const template = templateOf((stack) => ({ ...PARTNER, encryptionKey: new Key(stack, 'Key') }));
  const buses = Object.values(template.findResources('AWS::Events::EventBus'));
  expect(buses.map(({ Properties }) => unhashed(String(plain(Properties.KmsKeyIdentifier))))).toEqual([
    '<Key.Arn>',
    '<Key.Arn>',
  ]);
  const lines = partnerLines(template);
  expect(lines).toContain(
    'SwitchboardQueuesQuarantinePolicy: Allow sqs:SendMessage on <SwitchboardQueuesQuarantine.Arn> to {"Service":"events.amazonaws.com"} if {"ArnEquals":{"aws:SourceArn":"<SwitchboardPartnerBus.Arn>"}}',
  );
  expect(lines.filter((line) => line.includes('kms:GenerateDataKey')).join()).toContain(
    '{"StringEquals":{"aws:SourceAccount":"<AWS::AccountId>"}}',
  );
});

test('Topics that do not fit into the pattern of one rule have several rules and one alarm', () => {
  const partnerTopics = Array.from({ length: 120 }, (_, n) => `v2.detail.events.conversation.{id}.kind${n}`);
  const template = templateOf(() => ({ ...PARTNER, partnerTopics }));
  const rules = rulesOf(template);
  const texts = rules.map(({ EventPattern }) => JSON.stringify(EventPattern));
  expect(rules.length).toBe(3);
  for (const text of texts) expect(text.length).toBeLessThanOrEqual(2_048);
  const types = texts.flatMap((text) => (JSON.parse(text) as { 'detail-type': string[] })['detail-type']);
  expect(types).toEqual(partnerTopics);
  for (const line of partnerLines(template)) expect(line.match(/<SwitchboardPartnerRule/g)).toHaveLength(3);
  const lost = Object.values(template.findResources('AWS::CloudWatch::Alarm')).find(({ Properties }) =>
    Properties.AlarmName.endsWith('-PartnerEventsLost'),
  );
  expect(lost?.Properties.Metrics).toHaveLength(4);
});

test('Without partnerTopics, the rule selects every event of the source', () => {
  const template = templateOf(() => ({ partnerEventSource: SOURCE, topics: [PRESENCE] }));
  expect(rulesOf(template).map(({ EventPattern }) => EventPattern)).toEqual([
    { source: [{ prefix: 'aws.partner/genesys.com' }] },
  ]);
});

test('An existing bus of the event source is used, and none is created', () => {
  const template = templateOf((stack) => ({
    ...PARTNER,
    partnerEventSource: EventBus.fromEventBusName(stack, 'Theirs', SOURCE),
  }));
  template.resourceCountIs('AWS::Events::EventBus', 1);
  expect(rulesOf(template).map(({ EventBusName }) => EventBusName)).toEqual([SOURCE]);
});

describe('A deployment without WebSockets', () => {
  const without = { genesysDomain: undefined, secret: undefined, topics: [] };

  test('With the native integration only, there is no ingester, network or secret, and no alarm about them', () => {
    const template = templateOf(() => ({ ...without, ...PARTNER }) as never, { checks: true });
    for (const type of ['ECS::Service', 'EC2::VPC', 'SecretsManager::Secret'])
      template.resourceCountIs(`AWS::${type}`, 0);
    const names = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) =>
      Properties.AlarmName.replace('Test-Switchboard-', ''),
    );
    expect(names.sort()).toEqual([
      'ConsumerErrors',
      'ConsumerThrottled',
      'DeadLetterNotEmpty',
      'OldestMessageTooOld',
      'PartnerDeliveryFailures',
      'PartnerEventsLost',
      'PartnerSilence',
      'QuarantineGrowing',
    ]);
    const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
    const text = JSON.stringify(dashboard);
    expect(text).not.toContain('Ingester');
    expect(text).toContain('EventSourceName');
  });

  test('With a webhook only, there is no ingester', () => {
    const template = templateOf(() => ({ ...without, webhook: {} }) as never);
    template.resourceCountIs('AWS::ECS::Service', 0);
  });

  test('Domain and secret are required for topics and protocols', () => {
    const missing = { genesysDomain: undefined, secret: undefined } as never;
    const problems = [
      expect.stringMatching(/^genesysDomain \(empty\) is not the domain/),
      expect.stringMatching(/^secret is missing/),
    ];
    expect(problemsOf(missing)).toEqual(problems);
    const protocols = { analyticsEvents: { eventTypes: ['user'] as const } };
    expect(problemsOf({ ...(missing as object), topics: [], protocols, ...PARTNER })).toEqual(problems);
  });

  test('Without any source, synthesis fails', () => {
    expect(problemsOf({ topics: [] })).toEqual([expect.stringMatching(/^topics is empty/)]);
  });
});

describe('Topics of both sources', () => {
  const [conversations, users] = ['v2.routing.queues.{id}.conversations', 'v2.users.{id}.conversations'];

  test('Topics with key fields may be in both lists, also with ids and combined', () => {
    const id = '278522be-1683-4877-8257-4164a177be89';
    const topics = [`v2.users.${id}?presence&routingStatus`, PRESENCE, conversations];
    const partnerTopics = ['v2.users.{id}?presence&routingStatus', 'v2.audits.entitytype.{id}.entityid.{id}'];
    expect(problemsOf({ partnerEventSource: SOURCE, topics, partnerTopics })).toEqual([]);
  });

  test('Each topic without key fields in both lists is a problem that names it', () => {
    const topics = [
      'v2.users.{id}?presence&conversations',
      'v2.routing.queues.5e0c2a4e-6f0b-4a55-9d3c-0f2c8b1f7a10.conversations',
      conversations,
    ];
    expect(
      problemsOf({ partnerEventSource: SOURCE, topics, partnerTopics: [conversations, users, PRESENCE] }),
    ).toEqual([
      `topics and partnerTopics both contain ${users}, and copies of its events cannot be recognized; remove it from one of them`,
      `topics and partnerTopics both contain ${conversations}, and copies of its events cannot be recognized; remove it from one of them`,
    ]);
  });

  test('Without partnerTopics, the integration may send every topic', () => {
    expect(problemsOf({ partnerEventSource: SOURCE })).toEqual([
      `topics contains ${conversations}, which the integration may send too, and copies of its events cannot be recognized; specify the topics that the integration sends as partnerTopics, without this one, or remove it from topics`,
    ]);
  });

  test.each<[Partial<SwitchboardProps>, RegExp]>([
    [{ partnerTopics: [PRESENCE] }, /^partnerTopics requires partnerEventSource/],
    [{ ...PARTNER, partnerTopics: [] }, /^partnerTopics is empty/],
    [{ ...PARTNER, partnerEventSource: 'my-bus' }, /^partnerEventSource my-bus is not the name/],
    [{ ...PARTNER, partnerEventSource: '' }, /^partnerEventSource \(empty\) is not the name/],
    [{ ...PARTNER, partnerTopics: ['presence'] }, /^partnerTopics: presence: not a topic/],
    [
      { ...PARTNER, partnerTopics: ['v2.users.278522be-1683-4877-8257-4164a177be89.presence'] },
      /^partnerTopics: v2\.users\.278522be.*; use v2\.users\.\{id\}\.presence$/,
    ],
  ])('The properties %j are rejected', (props, problem) => {
    expect(problemsOf(props)).toEqual([expect.stringMatching(problem)]);
  });
});
