import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { beforeAll, describe, expect, test } from 'vitest';
import { policyLines } from './policy-lines.ts';
import { PROJECT_ROOT, templateOf } from './test-deployment.ts';

const REPOSITORY =
  'arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/cdk-hnb659fds-container-assets-<AWS::AccountId>-<AWS::Region>';
const NO_TLS = 'if {"Bool":{"aws:SecureTransport":"false"}}';
const OLD_TLS = 'if {"NumericLessThan":{"s3:TlsVersion":1.2}}';

/** All permissions of a deployment. */
const PERMISSIONS = [
  'BackfillRole: Allow sts:AssumeRole on itself to {"Service":"lambda.amazonaws.com"}',
  'BackfillRoleDefaultPolicy: Allow dynamodb:DeleteItem on <SwitchboardTablesState.Arn>',
  'BackfillRoleDefaultPolicy: Allow dynamodb:GetItem on <SwitchboardTablesState.Arn>',
  'BackfillRoleDefaultPolicy: Allow dynamodb:PutItem on <SwitchboardTablesState.Arn>',
  'BackfillRoleDefaultPolicy: Allow dynamodb:Query on <SwitchboardTablesState.Arn>',
  'BackfillRoleDefaultPolicy: Allow dynamodb:UpdateItem on <SwitchboardTablesState.Arn>',
  'BackfillRoleDefaultPolicy: Allow logs:CreateLogStream on <SwitchboardBackfillLogs.Arn>',
  'BackfillRoleDefaultPolicy: Allow logs:PutLogEvents on <SwitchboardBackfillLogs.Arn>',
  'BackfillRoleDefaultPolicy: Allow s3:PutObject on <SwitchboardOversizeBucket.Arn>/*',
  'BackfillRoleDefaultPolicy: Allow secretsmanager:GetSecretValue on <SwitchboardSecret>',
  'BackfillRoleDefaultPolicy: Allow sqs:DeleteMessage on <SwitchboardQueuesGaps.Arn>',
  'BackfillRoleDefaultPolicy: Allow sqs:GetQueueAttributes on <SwitchboardQueuesGaps.Arn>',
  'BackfillRoleDefaultPolicy: Allow sqs:ReceiveMessage on <SwitchboardQueuesGaps.Arn>',
  'BackfillRoleDefaultPolicy: Allow sqs:SendMessage on <SwitchboardQueuesEvents.Arn>',
  'BackfillRoleDefaultPolicy: Allow sqs:SendMessage on <SwitchboardQueuesGaps.Arn>',
  'ConsumerRole: Allow sts:AssumeRole on itself to {"Service":"lambda.amazonaws.com"}',
  'ConsumerRoleDefaultPolicy: Allow dynamodb:BatchGetItem on <SwitchboardTablesClaims.Arn>',
  'ConsumerRoleDefaultPolicy: Allow dynamodb:PartiQLInsert on <SwitchboardTablesClaims.Arn>',
  'ConsumerRoleDefaultPolicy: Allow dynamodb:PutItem on <SwitchboardTablesClaims.Arn>',
  'ConsumerRoleDefaultPolicy: Allow dynamodb:UpdateItem on <SwitchboardTablesClaims.Arn>',
  'ConsumerRoleDefaultPolicy: Allow events:PutEvents on <SwitchboardEventsBus.Arn>',
  'ConsumerRoleDefaultPolicy: Allow logs:CreateLogStream on <SwitchboardConsumerLogs.Arn>',
  'ConsumerRoleDefaultPolicy: Allow logs:PutLogEvents on <SwitchboardConsumerLogs.Arn>',
  'ConsumerRoleDefaultPolicy: Allow s3:PutObject on <SwitchboardOversizeBucket.Arn>/*',
  'ConsumerRoleDefaultPolicy: Allow sqs:DeleteMessage on <SwitchboardQueuesEvents.Arn>',
  'ConsumerRoleDefaultPolicy: Allow sqs:GetQueueAttributes on <SwitchboardQueuesEvents.Arn>',
  'ConsumerRoleDefaultPolicy: Allow sqs:ReceiveMessage on <SwitchboardQueuesEvents.Arn>',
  'ConsumerRoleDefaultPolicy: Allow sqs:SendMessage on <SwitchboardQueuesQuarantine.Arn>',
  'IngesterTaskExecutionRole: Allow sts:AssumeRole on itself to {"Service":"ecs-tasks.amazonaws.com"}',
  `IngesterTaskExecutionRoleDefaultPolicy: Allow ecr:BatchCheckLayerAvailability on ${REPOSITORY}`,
  `IngesterTaskExecutionRoleDefaultPolicy: Allow ecr:BatchGetImage on ${REPOSITORY}`,
  'IngesterTaskExecutionRoleDefaultPolicy: Allow ecr:GetAuthorizationToken on *',
  `IngesterTaskExecutionRoleDefaultPolicy: Allow ecr:GetDownloadUrlForLayer on ${REPOSITORY}`,
  'IngesterTaskExecutionRoleDefaultPolicy: Allow logs:CreateLogStream on <SwitchboardIngesterLogs.Arn>',
  'IngesterTaskExecutionRoleDefaultPolicy: Allow logs:PutLogEvents on <SwitchboardIngesterLogs.Arn>',
  'IngesterTaskTaskRole: Allow sts:AssumeRole on itself to {"Service":"ecs-tasks.amazonaws.com"}',
  'IngesterTaskTaskRoleDefaultPolicy: Allow dynamodb:DeleteItem on <SwitchboardTablesState.Arn>',
  'IngesterTaskTaskRoleDefaultPolicy: Allow dynamodb:GetItem on <SwitchboardTablesState.Arn>',
  'IngesterTaskTaskRoleDefaultPolicy: Allow dynamodb:PutItem on <SwitchboardTablesState.Arn>',
  'IngesterTaskTaskRoleDefaultPolicy: Allow dynamodb:Query on <SwitchboardTablesState.Arn>',
  'IngesterTaskTaskRoleDefaultPolicy: Allow dynamodb:UpdateItem on <SwitchboardTablesState.Arn>',
  'IngesterTaskTaskRoleDefaultPolicy: Allow s3:PutObject on <SwitchboardOversizeBucket.Arn>/*',
  'IngesterTaskTaskRoleDefaultPolicy: Allow secretsmanager:GetSecretValue on <SwitchboardSecret>',
  'IngesterTaskTaskRoleDefaultPolicy: Allow sqs:SendMessage on <SwitchboardQueuesEvents.Arn>',
  'IngesterTaskTaskRoleDefaultPolicy: Allow sqs:SendMessage on <SwitchboardQueuesGaps.Arn>',
  'NetworkVpcFlowLogIAMRole: Allow sts:AssumeRole on itself to {"Service":"vpc-flow-logs.amazonaws.com"}',
  'NetworkVpcFlowLogIAMRoleDefaultPolicy: Allow logs:CreateLogStream on <SwitchboardNetworkFlowLogs.Arn>',
  'NetworkVpcFlowLogIAMRoleDefaultPolicy: Allow logs:DescribeLogStreams on <SwitchboardNetworkFlowLogs.Arn>',
  'NetworkVpcFlowLogIAMRoleDefaultPolicy: Allow logs:PutLogEvents on <SwitchboardNetworkFlowLogs.Arn>',
  `OversizeBucketPolicy: Deny s3:* on <SwitchboardOversizeBucket.Arn> to {"AWS":"*"} ${NO_TLS}`,
  `OversizeBucketPolicy: Deny s3:* on <SwitchboardOversizeBucket.Arn> to {"AWS":"*"} ${OLD_TLS}`,
  `OversizeBucketPolicy: Deny s3:* on <SwitchboardOversizeBucket.Arn>/* to {"AWS":"*"} ${NO_TLS}`,
  `OversizeBucketPolicy: Deny s3:* on <SwitchboardOversizeBucket.Arn>/* to {"AWS":"*"} ${OLD_TLS}`,
  `QueuesDeadLetterPolicy: Deny sqs:* on <SwitchboardQueuesDeadLetter.Arn> to {"AWS":"*"} ${NO_TLS}`,
  `QueuesEventsPolicy: Deny sqs:* on <SwitchboardQueuesEvents.Arn> to {"AWS":"*"} ${NO_TLS}`,
  `QueuesGapsDeadLetterPolicy: Deny sqs:* on <SwitchboardQueuesGapsDeadLetter.Arn> to {"AWS":"*"} ${NO_TLS}`,
  `QueuesGapsPolicy: Deny sqs:* on <SwitchboardQueuesGaps.Arn> to {"AWS":"*"} ${NO_TLS}`,
  `QueuesQuarantinePolicy: Deny sqs:* on <SwitchboardQueuesQuarantine.Arn> to {"AWS":"*"} ${NO_TLS}`,
].map((line) => `Switchboard${line}`);

/** The permitted wildcards and their reasons. */
const WILDCARDS: Readonly<Record<string, string>> = {
  'SwitchboardBackfillRoleDefaultPolicy: Allow s3:PutObject on <SwitchboardOversizeBucket.Arn>/*':
    'The keys of objects contain event ids, and only Switchboard uses the bucket.',
  'SwitchboardConsumerRoleDefaultPolicy: Allow s3:PutObject on <SwitchboardOversizeBucket.Arn>/*':
    'The keys of objects contain event ids, and only Switchboard uses the bucket.',
  'SwitchboardIngesterTaskTaskRoleDefaultPolicy: Allow s3:PutObject on <SwitchboardOversizeBucket.Arn>/*':
    'The keys of objects contain event ids, and only Switchboard uses the bucket.',
  'SwitchboardIngesterTaskExecutionRoleDefaultPolicy: Allow ecr:GetAuthorizationToken on *':
    'The action does not support resource-level permissions.',
};

/** IAM actions required by SDK commands. */
const ACTIONS: Readonly<Record<string, string>> = {
  SendMessageBatchCommand: 'sqs:SendMessage',
  SendMessageCommand: 'sqs:SendMessage',
  BatchExecuteStatementCommand: 'dynamodb:PartiQLInsert',
  BatchGetItemCommand: 'dynamodb:BatchGetItem',
  GetItemCommand: 'dynamodb:GetItem',
  PutItemCommand: 'dynamodb:PutItem',
  UpdateItemCommand: 'dynamodb:UpdateItem',
  DeleteItemCommand: 'dynamodb:DeleteItem',
  QueryCommand: 'dynamodb:Query',
  PutEventsCommand: 'events:PutEvents',
  PutObjectCommand: 's3:PutObject',
  GetSecretValueCommand: 'secretsmanager:GetSecretValue',
};

/** SDK commands that occur in the sources of a deployable. */
function commandsOf(deployable: string): string[] {
  const folder = join(PROJECT_ROOT, 'functions', deployable);
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const found = sources.flatMap(
    (name) => readFileSync(join(folder, name), 'utf8').match(/\bnew \w+Command\b/g) ?? [],
  );
  return [...new Set(found.map((text) => text.slice('new '.length)))].sort();
}

describe('A deployment with the defaults', () => {
  let lines: string[];
  beforeAll(() => {
    lines = policyLines(templateOf());
  });

  test('The deployment grants exactly the expected permissions', () => {
    expect(lines).toEqual(PERMISSIONS);
  });

  test('The deployment grants wildcards only with a reason', () => {
    const wild = lines.filter((line) => line.includes(': Allow ') && line.includes('*'));
    expect(wild).toEqual(Object.keys(WILDCARDS).sort());
    expect(lines.filter((line) => line.includes(': managed '))).toEqual([]);
  });

  test.each([
    ['backfill', 'SwitchboardBackfillRoleDefaultPolicy'],
    ['consumer', 'SwitchboardConsumerRoleDefaultPolicy'],
    ['ingester', 'SwitchboardIngesterTaskTaskRoleDefaultPolicy'],
    ['webhook', 'SwitchboardWebhookRoleDefaultPolicy'],
  ])('The role of the %s allows every call in its sources', (deployable, policy) => {
    const granted = deployable === 'webhook' ? policyLines(templateOf(() => ({ webhook: {} }))) : lines;
    const commands = commandsOf(deployable);
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      const action = ACTIONS[command];
      expect(action, `${command} needs an entry in ACTIONS`).toBeDefined();
      expect(
        granted.some((line) => line.startsWith(`${policy}: Allow ${action} `)),
        command,
      ).toBe(true);
    }
  });
});

describe('A deployment with a customer managed key', () => {
  let template: Template;
  let lines: string[];
  beforeAll(() => {
    template = templateOf((stack) => ({ encryptionKey: new Key(stack, 'Key'), archiveDays: 1 }));
    lines = policyLines(template);
  });

  test('The key can be used by the backfill, the consumer and the ingester only, with individual actions', () => {
    const uses = lines.filter((line) => line.endsWith('on <Key.Arn>'));
    const actions = ['Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKey', 'ReEncryptFrom', 'ReEncryptTo'];
    expect(uses).toEqual([
      ...actions.map((action) => `SwitchboardBackfillRoleDefaultPolicy: Allow kms:${action} on <Key.Arn>`),
      ...actions.map((action) => `SwitchboardConsumerRoleDefaultPolicy: Allow kms:${action} on <Key.Arn>`),
      ...actions.map(
        (action) => `SwitchboardIngesterTaskTaskRoleDefaultPolicy: Allow kms:${action} on <Key.Arn>`,
      ),
    ]);
  });

  test('The key policy allows CloudWatch Logs and EventBridge for this account only', () => {
    const services = lines.filter((line) => line.startsWith('Key: ') && line.includes('"Service"'));
    expect(services.length).toBeGreaterThan(0);
    // EventBridge describes the key of an archive without a context that a condition could name.
    const described = 'Key: Allow kms:DescribeKey on * to {"Service":"events.amazonaws.com"}';
    expect(services).toContain(described);
    for (const line of services) if (line !== described) expect(line).toMatch(/ if .*<AWS::AccountId>/);
  });

  test('The quarantine queue accepts events that the event bus cannot encrypt', () => {
    expect(lines).toContain(
      'SwitchboardQueuesQuarantinePolicy: Allow sqs:SendMessage on <SwitchboardQueuesQuarantine.Arn> to {"Service":"events.amazonaws.com"} if {"ArnEquals":{"aws:SourceArn":"<SwitchboardEventsBus.Arn>"}}',
    );
  });
});

test('The permission for an existing secret contains its name and six wildcard characters', () => {
  const template = templateOf((stack) => ({
    secret: Secret.fromSecretNameV2(stack, 'Theirs', 'team/genesys'),
  }));
  template.resourceCountIs('AWS::SecretsManager::Secret', 0);
  expect(policyLines(template).filter((line) => line.includes('secretsmanager'))).toEqual([
    'SwitchboardBackfillRoleDefaultPolicy: Allow secretsmanager:GetSecretValue on arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:team/genesys-??????',
    'SwitchboardIngesterTaskTaskRoleDefaultPolicy: Allow secretsmanager:GetSecretValue on arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:team/genesys-??????',
  ]);
});

test('The ingester can read exactly the secrets of its OAuth clients', () => {
  const template = templateOf((stack) => ({
    secret: ['switchboard/1', Secret.fromSecretNameV2(stack, 'Theirs', 'team/genesys'), 'switchboard/2'],
  }));
  template.resourceCountIs('AWS::SecretsManager::Secret', 2);
  const line = 'SwitchboardIngesterTaskTaskRoleDefaultPolicy: Allow secretsmanager:GetSecretValue on';
  expect(policyLines(template).filter((one) => one.includes('secretsmanager'))).toEqual([
    // The backfill uses the first OAuth client.
    'SwitchboardBackfillRoleDefaultPolicy: Allow secretsmanager:GetSecretValue on <SwitchboardSecret>',
    `${line} <SwitchboardSecret3Secret>`,
    `${line} <SwitchboardSecret>`,
    `${line} arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:team/genesys-??????`,
  ]);
});
