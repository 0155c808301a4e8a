import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import { DELIVERY_METRICS } from '../../lib/aws/metric-names.ts';
import { DELIVERY_ALARMS, ORDER_ALARMS } from '../../lib/cdk/delivery-alarms.ts';
import type { Delivery, DeliveryOptions, SwitchboardProps } from '../../lib/cdk/index.ts';
import { parseFieldMapping } from '../../lib/events/field-mapping.ts';
import { policyLines } from './policy-lines.ts';
import { deployment, plain, templateOf, unhashed } from './test-deployment.ts';

const DAY_SECONDS = 86_400;
const ASSUME = 'Allow sts:AssumeRole on itself to {"Service":"lambda.amazonaws.com"}';
const KEYS = 'if {"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["deliveries","delivery#Crm"]}}';
const MARKS = 'if {"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["delivery#Crm#*"]}}';
const NO_KEYS = 'if {"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["deliveries"]}}';

type Options = Partial<DeliveryOptions>;

/** The template of a deployment with a delivery to Crm. */
function templateWith(
  options: (stack: Stack) => Options = () => ({}),
  props: (stack: Stack) => Partial<SwitchboardProps> = () => ({}),
  use: (delivery: Delivery, stack: Stack) => void = () => undefined,
): Template {
  using made = deployment(props);
  const { switchboard, stack } = made;
  const common = { url: 'https://crm.example.com/events', match: { backfilled: false } };
  use(switchboard.deliverTo('Crm', { ...common, ...options(stack) }), stack);
  return Template.fromStack(stack);
}

function linesOf(template: Template): string[] {
  return policyLines(template).filter((line) => line.startsWith('SwitchboardDeliveryCrm'));
}

/** The properties of the resources of the delivery, by logical id without its hash. */
function own(template: Template, type: string): Record<string, Record<string, unknown>> {
  const found = Object.entries(template.findResources(type)).filter(([id]) =>
    id.startsWith('SwitchboardDeliveryCrm'),
  );
  return Object.fromEntries(
    found.map(([id, { Properties }]) => [
      unhashed(id).replace('SwitchboardDeliveryCrm', ''),
      plain(Properties) as Record<string, unknown>,
    ]),
  );
}

function environmentOf(template: Template, id = 'CallerFunction'): Record<string, string> {
  const { Environment } = own(template, 'AWS::Lambda::Function')[id] as {
    Environment: { Variables: Record<string, string> };
  };
  return Environment.Variables;
}

function alarmsOf(template: Template): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    Object.values(own(template, 'AWS::CloudWatch::Alarm')).map((alarm) => [
      String(alarm.AlarmName).replace('Test-Switchboard-Delivery-Crm-', ''),
      alarm,
    ]),
  );
}

describe('A delivery with the defaults', () => {
  let before: Template;
  let template: Template;
  beforeAll(() => {
    before = templateOf();
    template = templateWith();
  });

  test('It adds these resources and changes no existing ones except the dashboard', () => {
    const { Resources: without } = before.toJSON();
    const { Resources: all } = template.toJSON();
    const added = Object.keys(all).filter((id) => !(id in without));
    expect(added.map((id) => `${all[id].Type} ${unhashed(id)}`).sort()).toMatchSnapshot();
    const changed = Object.keys(without).filter(
      (id) => JSON.stringify(all[id]) !== JSON.stringify(without[id]),
    );
    expect(changed.map((id) => all[id].Type)).toEqual(['AWS::CloudWatch::Dashboard']);
  });

  test('Its rule sends the selected events to its queue, and what cannot be sent to its dead-letter queue', () => {
    const { Rule } = own(template, 'AWS::Events::Rule');
    expect(Rule).toMatchObject({
      EventPattern: { detail: { metadata: { backfilled: [false] } } },
      Targets: [
        {
          Arn: expect.stringContaining('DeliveryCrmQueue'),
          DeadLetterConfig: { Arn: expect.stringContaining('DeliveryCrmDeadLetter') },
          RetryPolicy: { MaximumEventAgeInSeconds: DAY_SECONDS },
        },
      ],
    });
    const policies = linesOf(template).filter((line) =>
      line.includes('to {"Service":"events.amazonaws.com"}'),
    );
    expect(policies.map((line) => line.replace(/^SwitchboardDeliveryCrm/, ''))).toEqual(
      ['DeadLetter', 'Queue'].map(
        (queue) =>
          `${queue}Policy: Allow sqs:SendMessage on <SwitchboardDeliveryCrm${queue}.Arn> to {"Service":"events.amazonaws.com"} if {"ArnEquals":{"aws:SourceArn":["<SwitchboardDeliveryCrmRule.Arn>"]}}`,
      ),
    );
  });

  test('Its queues are encrypted, retain messages for 14 days and outlast six invocations', () => {
    const stored = { SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * DAY_SECONDS };
    expect(own(template, 'AWS::SQS::Queue')).toEqual({
      DeadLetter: stored,
      Queue: {
        ...stored,
        VisibilityTimeout: 720,
        RedrivePolicy: {
          deadLetterTargetArn: expect.stringContaining('DeliveryCrmDeadLetter'),
          maxReceiveCount: 1_000,
        },
      },
    });
  });

  test('Two invocations at most read batches of ten, and report the messages that failed', () => {
    expect(own(template, 'AWS::Lambda::EventSourceMapping')).toEqual({
      CallerEventSource: {
        BatchSize: 10,
        EventSourceArn: expect.stringContaining('DeliveryCrmQueue'),
        FunctionName: expect.stringContaining('DeliveryCrmCaller'),
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ScalingConfig: { MaximumConcurrency: 2 },
      },
    });
    expect(own(template, 'AWS::Lambda::Function').CallerFunction).toMatchObject({
      Handler: 'delivery.handler',
      Timeout: 120,
    });
    expect(own(template, 'AWS::Lambda::Function').CallerFunction).not.toHaveProperty('VpcConfig');
  });

  test('The function gets what it needs, and no variable without its own value', () => {
    expect(environmentOf(template)).toEqual({
      NODE_OPTIONS: '--enable-source-maps',
      DEPLOYMENT: 'Test-Switchboard',
      DESTINATION: 'Crm',
      DESTINATION_URL: 'https://crm.example.com/events',
      DELIVERY_QUEUE_URL: expect.stringContaining('DeliveryCrmQueue'),
      DEAD_LETTER_QUEUE_URL: expect.stringContaining('DeliveryCrmDeadLetter'),
      QUARANTINE_QUEUE_URL: expect.stringContaining('QueuesQuarantine'),
      STATE_TABLE: expect.stringContaining('TablesState'),
      CLAIMS_TABLE: expect.stringContaining('TablesClaims'),
      SIGNING_SECRET_ID: expect.stringContaining('DeliveryCrmSecret'),
    });
  });

  test('The function has only these permissions', () => {
    const role = 'SwitchboardDeliveryCrmCallerRoleDefaultPolicy';
    expect(linesOf(template).filter((line) => line.includes('CallerRole'))).toEqual([
      `SwitchboardDeliveryCrmCallerRole: ${ASSUME}`,
      `${role}: Allow dynamodb:GetItem on <SwitchboardTablesState.Arn> ${KEYS}`,
      `${role}: Allow dynamodb:PutItem on <SwitchboardTablesState.Arn> ${KEYS}`,
      `${role}: Allow dynamodb:UpdateItem on <SwitchboardTablesClaims.Arn> ${MARKS}`,
      `${role}: Allow dynamodb:UpdateItem on <SwitchboardTablesState.Arn> ${KEYS}`,
      `${role}: Allow logs:CreateLogStream on <SwitchboardDeliveryCrmCallerLogs.Arn>`,
      `${role}: Allow logs:PutLogEvents on <SwitchboardDeliveryCrmCallerLogs.Arn>`,
      `${role}: Allow secretsmanager:GetSecretValue on <SwitchboardDeliveryCrmSecret>`,
      `${role}: Allow sqs:ChangeMessageVisibility on <SwitchboardDeliveryCrmQueue.Arn>`,
      `${role}: Allow sqs:DeleteMessage on <SwitchboardDeliveryCrmQueue.Arn>`,
      `${role}: Allow sqs:GetQueueAttributes on <SwitchboardDeliveryCrmQueue.Arn>`,
      `${role}: Allow sqs:ReceiveMessage on <SwitchboardDeliveryCrmQueue.Arn>`,
      `${role}: Allow sqs:SendMessage on <SwitchboardDeliveryCrmDeadLetter.Arn>`,
      `${role}: Allow sqs:SendMessage on <SwitchboardQueuesQuarantine.Arn>`,
    ]);
  });

  test('Its signing key is generated: 44 alphanumeric characters, which are 33 bytes in Base64', () => {
    const { Secret: created } = own(template, 'AWS::SecretsManager::Secret');
    expect(created).toMatchObject({
      GenerateSecretString: { PasswordLength: 44, ExcludePunctuation: true, IncludeSpace: false },
    });
    expect(created).not.toHaveProperty('Name');
    expect(Buffer.from('A'.repeat(44), 'base64')).toHaveLength(33);
    const outputs = Object.keys(template.findOutputs('*')).filter((id) => !(id in before.findOutputs('*')));
    expect(outputs).toEqual(['SwitchboardDeliveryCrmSecretArn']);
  });

  test('It has every alarm except those of an order, with its own names', () => {
    const alarms = alarmsOf(template);
    expect(Object.keys(alarms).sort()).toEqual(Object.keys(DELIVERY_ALARMS).sort());
    for (const { AlarmDescription, AlarmActions } of Object.values(alarms)) {
      expect(AlarmDescription).toMatch(/^(CRITICAL|WARNING): .{60,}\.$/);
      expect(AlarmActions).toBeUndefined();
    }
  });

  test.each([
    ['DeadLetterNotEmpty', 'AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'Maximum', 60, 0, 'notBreaching'],
    ['Stopped', 'Switchboard', 'Stopped', 'Maximum', 300, 0, 'ignore'],
    ['BreakerOpen', 'Switchboard', 'BreakerOpen', 'Minimum', 300, 0, 'ignore'],
    ['OldestMessageTooOld', 'AWS/SQS', 'ApproximateAgeOfOldestMessage', 'Maximum', 60, 3_600, 'notBreaching'],
    ['Errors', 'AWS/Lambda', 'Errors', 'Sum', 300, 0, 'notBreaching'],
    ['Throttled', 'AWS/Lambda', 'Throttles', 'Sum', 300, 0, 'notBreaching'],
  ])('The alarm %s monitors %s %s', (name, Namespace, MetricName, Statistic, Period, Threshold, missing) => {
    const alarm = alarmsOf(template)[name];
    expect(alarm).toMatchObject({ Namespace, MetricName, Statistic, Period, Threshold });
    expect(alarm).toMatchObject({ EvaluationPeriods: 1, TreatMissingData: missing });
    if (Namespace !== 'Switchboard') return;
    expect(Object.keys(DELIVERY_METRICS)).toContain(MetricName);
    expect(alarm?.Dimensions).toEqual(
      expect.arrayContaining([
        { Name: 'deployment', Value: 'Test-Switchboard' },
        { Name: 'destination', Value: 'Crm' },
        { Name: 'service', Value: 'delivery' },
      ]),
    );
  });

  test('The dashboard has a row for it', () => {
    const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
    const body = String(plain(dashboard?.Properties.DashboardBody));
    expect(body).toContain('## Delivery to Crm');
    for (const name of ['EventsDelivered', 'CallDuration', 'BreakerOpen'])
      expect(body).toContain(`"Switchboard","${name}"`);
  });
});

test('Every option reaches the function in the form that it reads', () => {
  const fields = {
    contactId: 'detail.eventBody.id',
    state: { path: 'detail.eventBody.state', optional: true },
  };
  const template = templateWith(
    (stack) => ({
      secret: 'crm/signing',
      auth: {
        kind: 'oauth',
        tokenUrl: 'https://login.example.com/token',
        scope: 'events',
        secret: new Secret(stack, 'Client'),
      },
      fields,
      redaction: { hash: ['**.ani'] },
      ratePerSecond: 0.5,
      concurrency: 20,
      timeout: Duration.seconds(7),
    }),
    () => ({ logLevel: 'DEBUG' }),
  );
  const environment = environmentOf(template);
  expect(environment).toMatchObject({
    TIMEOUT_MS: '7000',
    RATE_PER_SECOND: '0.5',
    LOG_LEVEL: 'DEBUG',
    REDACTION: '{"hash":["**.ani"]}',
    REDACTION_SECRET_ID: expect.stringContaining('RedactionKey'),
    FIELDS: JSON.stringify(fields),
  });
  expect(() => parseFieldMapping(environment.FIELDS ?? '')).not.toThrow();
  expect(JSON.parse(environment.AUTH ?? '')).toEqual({
    kind: 'oauth',
    tokenUrl: 'https://login.example.com/token',
    secretId: expect.stringContaining('Client'),
    scope: 'events',
  });
  expect(own(template, 'AWS::Lambda::EventSourceMapping').CallerEventSource).toMatchObject({
    ScalingConfig: { MaximumConcurrency: 20 },
  });
  expect(own(template, 'AWS::SecretsManager::Secret').Secret).toMatchObject({ Name: 'crm/signing' });
  const secrets = linesOf(template).filter((line) => line.includes('GetSecretValue'));
  expect(secrets.map((line) => line.replace(/^.* on /, ''))).toEqual([
    '<Client>',
    '<SwitchboardDeliveryCrmCallerRedactionKey>',
    '<SwitchboardDeliveryCrmSecret>',
  ]);
});

test.each<[string, (secret: Secret) => DeliveryOptions['auth'], object]>([
  ['bearer', (secret) => ({ kind: 'bearer', secret }), { kind: 'bearer' }],
  ['apiKey', (secret) => ({ kind: 'apiKey', secret }), { kind: 'api_key', header: 'X-Api-Key' }],
  [
    'apiKey with a header',
    (secret) => ({ kind: 'apiKey', header: 'X-Crm', secret }),
    { kind: 'api_key', header: 'X-Crm' },
  ],
])('The authentication %s has the settings that the function reads', (_, auth, expected) => {
  const template = templateWith((stack) => {
    const given = auth(new Secret(stack, 'Theirs'));
    return { content: 'detail', ...(given ? { auth: given } : {}) };
  });
  const { AUTH, CONTENT } = environmentOf(template);
  expect(JSON.parse(AUTH ?? '')).toEqual({ ...expected, secretId: expect.stringContaining('Theirs') });
  expect(CONTENT).toBe('detail');
});

test('An existing signing secret is read, and has no output', () => {
  const template = templateWith((stack) => ({
    secret: Secret.fromSecretNameV2(stack, 'Theirs', 'team/signing'),
  }));
  expect(own(template, 'AWS::SecretsManager::Secret')).toEqual({});
  expect(template.findOutputs('SwitchboardDeliveryCrmSecretArn')).toEqual({});
  expect(linesOf(template).filter((line) => line.includes('secretsmanager'))).toEqual([
    'SwitchboardDeliveryCrmCallerRoleDefaultPolicy: Allow secretsmanager:GetSecretValue on arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:team/signing-??????',
  ]);
});

test('In a VPC, the function connects to port 443 only, and may create network interfaces', () => {
  const template = templateWith((stack) => ({ vpc: new Vpc(stack, 'Theirs'), allowPrivateAddresses: true }));
  const { CallerSecurityGroup: group } = own(template, 'AWS::EC2::SecurityGroup');
  expect(group).toMatchObject({
    SecurityGroupEgress: [{ CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 443, ToPort: 443 }],
  });
  expect(group).not.toHaveProperty('SecurityGroupIngress');
  expect(own(template, 'AWS::Lambda::Function').CallerFunction).toMatchObject({
    VpcConfig: {
      SubnetIds: [
        expect.stringContaining('TheirsPrivateSubnet1'),
        expect.stringContaining('TheirsPrivateSubnet2'),
      ],
    },
  });
  expect(environmentOf(template).ADDRESSES).toBe('private');
  const network = linesOf(template).filter((line) => line.includes(' ec2:'));
  expect(network.map((line) => line.replace(/^.*: Allow ec2:/, ''))).toEqual([
    'AssignPrivateIpAddresses on *',
    'CreateNetworkInterface on *',
    'DeleteNetworkInterface on *',
    'DescribeNetworkInterfaces on *',
    'DescribeSubnets on *',
    'UnassignPrivateIpAddresses on *',
  ]);
  expect(linesOf(template).filter((line) => line.includes(': managed '))).toEqual([]);
});

test('The subnets of the function can be chosen', () => {
  const template = templateWith((stack) => {
    const vpc = new Vpc(stack, 'Theirs');
    return { vpc, vpcSubnets: { subnets: vpc.privateSubnets.slice(1) } };
  });
  const { VpcConfig } = own(template, 'AWS::Lambda::Function').CallerFunction as {
    VpcConfig: { SubnetIds: string[] };
  };
  expect(VpcConfig.SubnetIds).toEqual([expect.stringContaining('TheirsPrivateSubnet2')]);
});

describe('An ordered delivery', () => {
  let template: Template;
  beforeAll(() => {
    template = templateWith(() => ({ ordered: true, concurrency: 5 }));
  });

  test('Its rule sends to a standard queue, from which a function moves events to the FIFO queue', () => {
    const { Rule } = own(template, 'AWS::Events::Rule');
    expect(Rule).toMatchObject({
      Targets: [
        {
          Arn: expect.stringContaining('DeliveryCrmOrderQueue'),
          DeadLetterConfig: { Arn: expect.stringContaining('DeliveryCrmOrderDeadLetter') },
        },
      ],
    });
    const fifo = {
      FifoQueue: true,
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
    };
    const queues = own(template, 'AWS::SQS::Queue');
    expect(queues).toMatchObject({
      Queue: { ...fifo, VisibilityTimeout: 720 },
      DeadLetter: fifo,
      OrderQueue: { VisibilityTimeout: 180, RedrivePolicy: { maxReceiveCount: 1_000 } },
    });
    for (const id of ['OrderQueue', 'OrderDeadLetter']) expect(queues[id]).not.toHaveProperty('FifoQueue');
    expect(environmentOf(template, 'OrderFunction')).toEqual({
      NODE_OPTIONS: '--enable-source-maps',
      DEPLOYMENT: 'Test-Switchboard',
      FIFO_QUEUE_URL: expect.stringContaining('DeliveryCrmQueue'),
    });
    expect(own(template, 'AWS::Lambda::EventSourceMapping')).toMatchObject({
      CallerEventSource: { ScalingConfig: { MaximumConcurrency: 5 } },
      OrderEventSource: {
        EventSourceArn: expect.stringContaining('OrderQueue'),
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      },
    });
  });

  test('The order function may read its queue and send to the FIFO queue, and nothing else', () => {
    const role = 'SwitchboardDeliveryCrmOrderRoleDefaultPolicy';
    expect(linesOf(template).filter((line) => line.includes('OrderRole'))).toEqual([
      `SwitchboardDeliveryCrmOrderRole: ${ASSUME}`,
      `${role}: Allow logs:CreateLogStream on <SwitchboardDeliveryCrmOrderLogs.Arn>`,
      `${role}: Allow logs:PutLogEvents on <SwitchboardDeliveryCrmOrderLogs.Arn>`,
      `${role}: Allow sqs:DeleteMessage on <SwitchboardDeliveryCrmOrderQueue.Arn>`,
      `${role}: Allow sqs:GetQueueAttributes on <SwitchboardDeliveryCrmOrderQueue.Arn>`,
      `${role}: Allow sqs:ReceiveMessage on <SwitchboardDeliveryCrmOrderQueue.Arn>`,
      `${role}: Allow sqs:SendMessage on <SwitchboardDeliveryCrmQueue.Arn>`,
    ]);
  });

  test('It has the alarms of the order too', () => {
    expect(Object.keys(alarmsOf(template)).sort()).toEqual(
      Object.keys({ ...DELIVERY_ALARMS, ...ORDER_ALARMS }).sort(),
    );
  });
});

describe('Alarms of a delivery', () => {
  const actions = (template: Template) =>
    Object.fromEntries(
      Object.entries(alarmsOf(template)).map(([id, { AlarmActions }]) => [id, AlarmActions as string[]]),
    );

  test('They notify the topics of the deployment by their severity', () => {
    const template = templateWith(undefined, (stack) => ({
      alarmTopic: new Topic(stack, 'OnCall'),
      warningTopic: new Topic(stack, 'Office'),
    }));
    expect(actions(template)).toMatchObject({
      Stopped: [expect.stringContaining('OnCall')],
      BreakerOpen: [expect.stringContaining('Office')],
    });
  });

  test('They all notify the topic of the delivery instead, if it has one', () => {
    const template = templateWith(
      (stack) => ({ alarmTopic: new Topic(stack, 'CrmTeam') }),
      (stack) => ({ alarmTopic: new Topic(stack, 'OnCall'), warningTopic: new Topic(stack, 'Office') }),
    );
    for (const topics of Object.values(actions(template)))
      expect(topics).toEqual([expect.stringContaining('CrmTeam')]);
  });

  test('They can be changed and omitted', () => {
    const template = templateWith(() => ({
      alarms: { OldestMessageTooOld: { threshold: 600, evaluationPeriods: 2 }, Throttled: false },
    }));
    expect(alarmsOf(template).OldestMessageTooOld).toMatchObject({ Threshold: 600, EvaluationPeriods: 2 });
    expect(alarmsOf(template)).not.toHaveProperty('Throttled');
  });
});

test.each([false, true])('grantRedrive grants redriving and resuming; ordered: %s', (ordered) => {
  const template = templateWith(
    () => ({ ordered }),
    undefined,
    (delivery, stack) =>
      delivery.grantRedrive(
        new Role(stack, 'Operator', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }),
      ),
  );
  const pairs = ordered
    ? [
        ['', ''],
        ['Order', 'Order'],
      ]
    : [['', '']];
  const granted = pairs.flatMap(([prefix]) => [
    ...[
      'CancelMessageMoveTask',
      'DeleteMessage',
      'GetQueueAttributes',
      'ListMessageMoveTasks',
      'ReceiveMessage',
      'StartMessageMoveTask',
    ].map((action) => `Allow sqs:${action} on <SwitchboardDeliveryCrm${prefix}DeadLetter.Arn>`),
    ...['GetQueueAttributes', 'SendMessage'].map(
      (action) => `Allow sqs:${action} on <SwitchboardDeliveryCrm${prefix}Queue.Arn>`,
    ),
  ]);
  expect(
    policyLines(template)
      .filter((line) => line.startsWith('OperatorDefaultPolicy'))
      .map((line) => line.replace('OperatorDefaultPolicy: ', '')),
  ).toEqual(
    [
      ...granted,
      ...['GetItem', 'Query', 'UpdateItem'].map(
        (action) => `Allow dynamodb:${action} on <SwitchboardTablesState.Arn> ${NO_KEYS}`,
      ),
    ].sort(),
  );
});

test('What a delivery stores has the removal policy of the deployment', () => {
  const template = templateWith(
    () => ({ ordered: true, redaction: { hash: ['**.ani'] } }),
    () => ({ removalPolicy: RemovalPolicy.DESTROY, logRetention: RetentionDays.ONE_WEEK }),
  );
  for (const type of ['AWS::SQS::Queue', 'AWS::Logs::LogGroup', 'AWS::SecretsManager::Secret'])
    template.allResources(type, { DeletionPolicy: 'Delete' });
  for (const logs of Object.values(own(template, 'AWS::Logs::LogGroup')))
    expect(logs.RetentionInDays).toBe(7);
});

test('With a customer managed key, everything of a delivery is encrypted with it, and its functions may use it', () => {
  const template = templateWith(
    () => ({ ordered: true }),
    (stack) => ({ encryptionKey: new Key(stack, 'Key') }),
  );
  for (const queue of Object.values(own(template, 'AWS::SQS::Queue')))
    expect(queue.KmsMasterKeyId).toBe('<Key961B73FD.Arn>');
  expect(own(template, 'AWS::SecretsManager::Secret').Secret).toMatchObject({
    KmsKeyId: '<Key961B73FD.Arn>',
  });
  for (const role of ['CallerRole', 'OrderRole'])
    expect(linesOf(template)).toContain(
      `SwitchboardDeliveryCrm${role}DefaultPolicy: Allow kms:GenerateDataKey on <Key.Arn>`,
    );
});

test('A deployment for an emulator can have deliveries', () => {
  const template = templateWith(
    () => ({ ordered: true }),
    () => ({ forEmulator: true }),
  );
  template.hasResourceProperties('AWS::Lambda::Function', { Handler: 'delivery.handler' });
  template.hasResourceProperties('AWS::Lambda::Function', { Handler: 'delivery-order.handler' });
  template.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
});

test('The metrics of a delivery have its deployment and destination, and a statistic that suits them', () => {
  templateWith(undefined, undefined, (delivery) => {
    const stats = {
      EventsDelivered: [delivery.metricDelivered(), 'Sum'],
      CallsFailed: [delivery.metricCallsFailed(), 'Sum'],
      EventsDeadLettered: [delivery.metricDeadLettered(), 'Sum'],
      BreakerOpen: [delivery.metricBreakerOpen(), 'Maximum'],
      ReceivedToDeliveredLatency: [delivery.metricLatency(), 'p99'],
      CallDuration: [delivery.metric('CallDuration', { statistic: 'Average' }), 'Average'],
    } as const;
    for (const [name, [metric, statistic]] of Object.entries(stats)) {
      expect(metric).toMatchObject({ namespace: 'Switchboard', metricName: name, statistic });
      expect(metric.dimensions).toEqual({
        deployment: 'Test-Switchboard',
        service: 'delivery',
        destination: 'Crm',
      });
    }
  });
});

test('The alarms of a delivery are available for actions', () => {
  templateWith(undefined, undefined, (delivery) => {
    expect(Object.keys(delivery.alarms).sort()).toEqual(Object.keys(DELIVERY_ALARMS).sort());
    expect(Stack.of(delivery).resolve(delivery.alarms.Stopped?.alarmName)).toMatchObject({
      Ref: expect.stringContaining('Stopped'),
    });
  });
});
