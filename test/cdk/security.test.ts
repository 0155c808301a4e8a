import { RemovalPolicy } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { beforeAll, describe, expect, test } from 'vitest';
import { templateOf } from './test-deployment.ts';

const DAY_SECONDS = 86_400;

function properties(template: Template, type: string): Record<string, unknown>[] {
  const found = Object.values(template.findResources(type)).map((one) => one.Properties);
  expect(found.length, `${type} in the template`).toBeGreaterThan(0);
  return found;
}

describe('Without a customer managed key', () => {
  let template: Template;
  beforeAll(() => {
    template = templateOf();
  });

  test('Every queue is encrypted and retains messages for 14 days', () => {
    for (const queue of properties(template, 'AWS::SQS::Queue')) {
      expect(queue).toMatchObject({
        SqsManagedSseEnabled: true,
        MessageRetentionPeriod: 14 * DAY_SECONDS,
      });
    }
  });

  test('The bucket is private and encrypted, and its objects expire', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 30, Status: 'Enabled' })] },
    });
  });

  test('Every log group has limited retention', () => {
    for (const group of properties(template, 'AWS::Logs::LogGroup')) expect(group.RetentionInDays).toBe(30);
  });

  test('The tables use on-demand capacity and TTL, and the state table has point-in-time recovery', () => {
    for (const table of properties(template, 'AWS::DynamoDB::Table')) {
      expect(table).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      });
    }
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false },
    });
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  test.each([
    { removal: {}, expected: 'Retain' },
    { removal: { removalPolicy: RemovalPolicy.DESTROY }, expected: 'Delete' },
  ])('With the properties $removal, the deletion policy of data is $expected', ({ removal, expected }) => {
    const app = templateOf(() => ({
      archiveDays: 30,
      webhook: {},
      redaction: { hash: ['**.ani'] },
      ...removal,
    }));
    for (const type of [
      'AWS::SQS::Queue',
      'AWS::DynamoDB::Table',
      'AWS::S3::Bucket',
      'AWS::Logs::LogGroup',
      'AWS::Events::Archive',
      'AWS::SecretsManager::Secret',
    ]) {
      const policies = Object.values(app.findResources(type)).map(({ DeletionPolicy }) => DeletionPolicy);
      expect(new Set(policies), type).toEqual(new Set([expected]));
    }
  });

  test('The network allows no inbound connections and only HTTPS outbound connections', () => {
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: Match.absent(),
      SecurityGroupEgress: [Match.objectLike({ IpProtocol: 'tcp', FromPort: 443, ToPort: 443 })],
    });
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::FlowLog', 1);
    const endpoints = properties(template, 'AWS::EC2::VPCEndpoint');
    expect(endpoints.map(({ VpcEndpointType }) => VpcEndpointType)).toEqual(['Gateway', 'Gateway']);
  });

  test('The container has a read-only file system, no capabilities and no secrets in its definition', () => {
    const [task] = properties(template, 'AWS::ECS::TaskDefinition') as [
      { ContainerDefinitions: [Record<string, unknown>] },
    ];
    const [container] = task.ContainerDefinitions;
    expect(container).toMatchObject({
      ReadonlyRootFilesystem: true,
      User: '1000:1000',
      LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
    });
    const names = (container.Environment as { Name: string }[]).map(({ Name }) => Name);
    expect(names).not.toContain('GENESYS_CLIENT_ID');
    expect(names).not.toContain('GENESYS_CLIENT_SECRET');
    expect(container.Secrets).toBeUndefined();
  });

  test('The secret is created with empty values', () => {
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      Name: 'switchboard/genesys',
      SecretString: '{"clientId":"","clientSecret":""}',
    });
  });
});

describe('With a customer managed key', () => {
  let template: Template;
  beforeAll(() => {
    template = templateOf((stack) => ({
      encryptionKey: new Key(stack, 'Key'),
      archiveDays: 365,
      webhook: {},
    }));
  });

  test('The key encrypts all resources with events or logs', () => {
    const key = { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] };
    for (const queue of properties(template, 'AWS::SQS::Queue')) expect(queue.KmsMasterKeyId).toEqual(key);
    for (const table of properties(template, 'AWS::DynamoDB::Table')) {
      expect(table.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: key });
    }
    for (const group of properties(template, 'AWS::Logs::LogGroup')) expect(group.KmsKeyId).toEqual(key);
    // Without the function of the CDK that restricts the default security group of the VPC.
    const functions = properties(template, 'AWS::Lambda::Function').filter(
      ({ Runtime }) => Runtime === 'nodejs24.x',
    );
    expect(functions).toHaveLength(3);
    for (const one of functions) expect(one.KmsKeyArn).toEqual(key);
    for (const type of ['AWS::Events::EventBus', 'AWS::Events::Archive']) {
      for (const one of properties(template, type)) expect(one.KmsKeyIdentifier).toEqual(key);
    }
    for (const secret of properties(template, 'AWS::SecretsManager::Secret'))
      expect(secret.KmsKeyId).toEqual(key);
    for (const bucket of properties(template, 'AWS::S3::Bucket')) {
      expect(bucket.BucketEncryption).toMatchObject({
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { KMSMasterKeyID: key } }],
      });
    }
  });

  test('Oversize events are retained as long as the archive that refers to them', () => {
    template.hasResourceProperties('AWS::Events::Archive', {
      RetentionDays: 365,
      EventPattern: { source: ['genesys.cloud'] },
    });
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 365 })] },
    });
  });
});

test('An existing VPC is used unchanged, with its private subnets and without public IP addresses', () => {
  const template = templateOf((stack) => ({ vpc: new Vpc(stack, 'Theirs'), deletionProtection: true }));
  template.resourceCountIs('AWS::EC2::VPC', 1);
  template.resourceCountIs('AWS::EC2::VPCEndpoint', 0);
  template.hasResourceProperties('AWS::ECS::Service', {
    NetworkConfiguration: {
      AwsvpcConfiguration: {
        AssignPublicIp: 'DISABLED',
        Subnets: [
          { Ref: Match.stringLikeRegexp('^TheirsPrivateSubnet1') },
          { Ref: Match.stringLikeRegexp('^TheirsPrivateSubnet2') },
        ],
      },
    },
  });
  for (const table of properties(template, 'AWS::DynamoDB::Table'))
    expect(table.DeletionProtectionEnabled).toBe(true);
});
