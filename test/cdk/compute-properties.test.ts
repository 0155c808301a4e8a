import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CfnParameter, type Stack, Tags, Token } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { type IVpc, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster } from 'aws-cdk-lib/aws-ecs';
import { SystemLogLevel } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, test } from 'vitest';
import { BATCHER_LIMITS } from '../../functions/ingester/batcher.ts';
import { MAX_BYTES } from '../../functions/ingester/standby/recent-items.ts';
import type { FunctionOptions, IngesterOptions } from '../../lib/cdk/index.ts';
import { deployment, PROJECT_ROOT, problemsOf, templateOf, unhashed } from './test-deployment.ts';

const MIB = 1_048_576;

/** A number that is known only at deployment. */
function later(stack: Stack, id: string): number {
  return new CfnParameter(stack, id, { type: 'Number' }).valueAsNumber;
}

function resource(template: Template, type: string) {
  const [[, found] = []] = Object.entries(template.findResources(type));
  return found;
}

describe('The size of an ingester task', () => {
  const size = (ingester: IngesterOptions) => {
    const task = resource(
      templateOf(() => ({ ingester })),
      'AWS::ECS::TaskDefinition',
    );
    return [task?.Properties.Cpu, task?.Properties.Memory];
  };

  test.each<[IngesterOptions, [string, string]]>([
    [{}, ['256', '512']],
    [{ memoryLimitMiB: 2_048 }, ['256', '2048']],
    [{ cpu: 1_024 }, ['1024', '2048']],
    [{ cpu: 4_096, memoryLimitMiB: 30_720 }, ['4096', '30720']],
    [{ cpu: 16_384, memoryLimitMiB: 122_880 }, ['16384', '122880']],
  ])('With the options %j it is %j', (options, expected) => {
    expect(size(options)).toEqual(expected);
  });

  test.each<[IngesterOptions, string]>([
    [
      { cpu: 300 },
      'ingester.cpu is 300, but must be one of 256, 512, 1024, 2048, 4096, 8192, 16384 (the sizes of AWS Fargate)',
    ],
    [
      { memoryLimitMiB: 256 },
      'ingester.memoryLimitMiB is 256, but with ingester.cpu 256 it must be one of 512, 1024, 2048 (the sizes of AWS Fargate)',
    ],
    [
      { cpu: 1_024, memoryLimitMiB: 1_024 },
      'ingester.memoryLimitMiB is 1024, but with ingester.cpu 1024 it must be one of 2048, 3072, 4096, 5120, 6144, 7168, 8192 (the sizes of AWS Fargate)',
    ],
    [
      { cpu: 8_192, memoryLimitMiB: 17_408 },
      'ingester.memoryLimitMiB is 17408, but with ingester.cpu 8192 it must be one of 16384, 20480, 24576, 28672, 32768, 36864, 40960, 45056, 49152, 53248, 57344, 61440 (the sizes of AWS Fargate)',
    ],
  ])('The options %j are refused with the valid values', (options, problem) => {
    expect(problemsOf({ ingester: options })).toEqual([problem]);
  });

  test('A size that is known only at deployment is accepted, and what depends on it must be specified', () => {
    const task = resource(
      templateOf((stack) => ({
        ingester: { cpu: later(stack, 'Cpu'), memoryLimitMiB: later(stack, 'Memory') },
      })),
      'AWS::ECS::TaskDefinition',
    );
    expect(task?.Properties).toMatchObject({ Cpu: { Ref: 'Cpu' }, Memory: { Ref: 'Memory' } });
    const cpu = Token.asNumber({ Ref: 'Cpu' });
    expect(problemsOf({ ingester: { cpu, memoryLimitMiB: 1_024 } })).toEqual([]);
    expect(problemsOf({ ingester: { cpu } })).toEqual([
      'ingester.memoryLimitMiB is missing; specify it, because ingester.cpu is known only at deployment',
    ]);
    expect(problemsOf({ ingester: { cpu, memoryLimitMiB: 500 } })).toEqual([
      expect.stringMatching(/^ingester\.memoryLimitMiB is 500, but must be one of 512, 1024, 2048, 3072,/),
    ]);
  });
});

test('The documented limits of the buffer and of a standby are the real ones', () => {
  const documented = readFileSync(join(PROJECT_ROOT, 'lib/cdk/ingester-options.ts'), 'utf8');
  expect(documented).toContain(`the buffer (${BATCHER_LIMITS.highWaterBytes / MIB} MiB)`);
  expect(documented).toContain(`a standby's memory (${MAX_BYTES / MIB} MiB)`);
});

describe('The security groups of the ingester', () => {
  test('The security groups of the user replace the new one', () => {
    const template = templateOf((stack) => {
      const vpc = new Vpc(stack, 'Theirs') as IVpc;
      return { vpc, ingester: { securityGroups: [new SecurityGroup(stack, 'Group', { vpc })] } };
    });
    template.resourceCountIs('AWS::EC2::SecurityGroup', 1);
    const [group] = Object.keys(template.findResources('AWS::EC2::SecurityGroup'));
    template.hasResourceProperties('AWS::ECS::Service', {
      NetworkConfiguration: {
        AwsvpcConfiguration: { SecurityGroups: [{ 'Fn::GetAtt': [group, 'GroupId'] }] },
      },
    });
  });

  test.each([0, 6])('%d security groups are refused', (count) => {
    using made = deployment();
    const group = SecurityGroup.fromSecurityGroupId(made.stack, 'Group', 'sg-1');
    expect(problemsOf({ ingester: { securityGroups: Array(count).fill(group) } })).toEqual([
      `ingester.securityGroups has ${count} members, but must have 1-5; omit it to create one`,
    ]);
  });
});

describe('The capacity providers of the ingester', () => {
  const MIXED = [
    { capacityProvider: 'FARGATE', base: 1 },
    { capacityProvider: 'FARGATE_SPOT', weight: 1 },
  ];

  test('By default the service has the launch type Fargate', () => {
    const template = templateOf();
    template.hasResourceProperties('AWS::ECS::Service', {
      LaunchType: 'FARGATE',
      CapacityProviderStrategy: Match.absent(),
    });
    template.resourceCountIs('AWS::ECS::ClusterCapacityProviderAssociations', 0);
  });

  test('The service has the strategy, and exists only while its cluster has the capacity providers', () => {
    const template = templateOf(() => ({ ingester: { capacityProviderStrategies: MIXED } }));
    template.hasResourceProperties('AWS::ECS::ClusterCapacityProviderAssociations', {
      CapacityProviders: ['FARGATE', 'FARGATE_SPOT'],
    });
    const one = resource(template, 'AWS::ECS::Service');
    expect(one?.Properties).toMatchObject({
      CapacityProviderStrategy: [
        { CapacityProvider: 'FARGATE', Base: 1 },
        { CapacityProvider: 'FARGATE_SPOT', Weight: 1 },
      ],
    });
    expect(one?.Properties.LaunchType).toBeUndefined();
    const [association] = Object.keys(
      template.findResources('AWS::ECS::ClusterCapacityProviderAssociations'),
    );
    expect(one?.DependsOn).toContain(association);
  });

  const warnings = (options: IngesterOptions) => {
    using made = deployment(() => ({ ingester: options }));
    return Annotations.fromStack(made.stack)
      .findWarning('*', Match.stringLikeRegexp('FARGATE_SPOT'))
      .map(({ entry }) => String(entry.data));
  };

  test('A strategy that can place all tasks on FARGATE_SPOT is accepted with a warning', () => {
    const warned = [
      expect.stringMatching(
        /^ingester\.capacityProviderStrategies can place all tasks on FARGATE_SPOT\. .*base: 1/,
      ),
    ];
    expect(
      warnings({ capacityProviderStrategies: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }] }),
    ).toEqual(warned);
    const withoutBase = MIXED.map(({ capacityProvider }) => ({ capacityProvider, weight: 1 }));
    expect(warnings({ capacityProviderStrategies: withoutBase })).toEqual(warned);
  });

  test('A strategy that keeps a task on FARGATE has no warning', () => {
    expect(warnings({ capacityProviderStrategies: MIXED })).toEqual([]);
    expect(warnings({ capacityProviderStrategies: [{ capacityProvider: 'FARGATE', weight: 1 }] })).toEqual(
      [],
    );
    expect(warnings({})).toEqual([]);
  });

  test.each<[IngesterOptions['capacityProviderStrategies'] & object, string]>([
    [[], ' is an empty list; omit it to use AWS Fargate without Spot'],
    [
      [{ capacityProvider: 'my-instances', weight: 1 }],
      '[0].capacityProvider is my-instances, but must be one of FARGATE, FARGATE_SPOT, because the ingester runs on AWS Fargate',
    ],
    [
      [{ capacityProvider: 'FARGATE', weight: 1_001 }],
      '[0].weight is 1001, but must be an integer from 0 to 1000 (the range of Amazon ECS)',
    ],
    [
      [{ capacityProvider: 'FARGATE', weight: 1, base: -1 }],
      '[0].base is -1, but must be an integer from 0 to 100000 (the range of Amazon ECS)',
    ],
    [
      [{ capacityProvider: 'FARGATE', weight: 1 }, { capacityProvider: 'FARGATE' }],
      ' contains a capacity provider more than once; use one entry for each',
    ],
    [MIXED.map((one) => ({ ...one, weight: 1, base: 1 })), ' has more than one base; Amazon ECS allows one'],
    [
      MIXED.map(({ capacityProvider }) => ({ capacityProvider })),
      ' has no weight above 0; specify the weight of one of them',
    ],
  ])('The strategy %j is refused', (capacityProviderStrategies, problem) => {
    expect(problemsOf({ ingester: { capacityProviderStrategies } })).toEqual([
      `ingester.capacityProviderStrategies${problem}`,
    ]);
  });

  test('Values that are known only at deployment are accepted', () => {
    const capacityProviderStrategies = [
      { capacityProvider: Token.asString({ Ref: 'Provider' }), weight: Token.asNumber({ Ref: 'Weight' }) },
    ];
    expect(problemsOf({ ingester: { capacityProviderStrategies } })).toEqual([]);
  });
});

describe('An existing cluster', () => {
  test('The service runs in it and in its VPC, and neither is created', () => {
    const template = templateOf((stack) => {
      const cluster = new Cluster(stack, 'Theirs', { vpc: new Vpc(stack, 'Network') as IVpc });
      return { ingester: { cluster } };
    });
    template.resourceCountIs('AWS::ECS::Cluster', 1);
    template.resourceCountIs('AWS::EC2::VPC', 1);
    template.hasResourceProperties('AWS::ECS::Service', {
      Cluster: { Ref: Match.stringLikeRegexp('^Theirs') },
      NetworkConfiguration: {
        AwsvpcConfiguration: {
          Subnets: [
            { Ref: Match.stringLikeRegexp('^NetworkPrivateSubnet1') },
            { Ref: Match.stringLikeRegexp('^NetworkPrivateSubnet2') },
          ],
        },
      },
    });
  });

  test('The service exists only while its capacity providers are associated with it', () => {
    const template = templateOf((stack) => {
      const vpc = new Vpc(stack, 'Network') as IVpc;
      const cluster = new Cluster(stack, 'Theirs', { vpc, enableFargateCapacityProviders: true });
      const capacityProviderStrategies = [{ capacityProvider: 'FARGATE', weight: 1 }];
      return { ingester: { cluster, capacityProviderStrategies } };
    });
    const [association] = Object.keys(
      template.findResources('AWS::ECS::ClusterCapacityProviderAssociations'),
    );
    expect(resource(template, 'AWS::ECS::Service')?.DependsOn).toContain(association);
  });

  test('A VPC other than that of the cluster is refused, and the same one is accepted', () => {
    using made = deployment();
    const vpc = new Vpc(made.stack, 'Theirs') as IVpc;
    const cluster = new Cluster(made.stack, 'Cluster', { vpc });
    expect(problemsOf({ vpc: new Vpc(made.stack, 'Other'), ingester: { cluster } })).toEqual([
      'vpc is not the VPC of ingester.cluster, in which the tasks run; omit vpc, or specify a cluster in that VPC',
    ]);
    expect(problemsOf({ vpc, ingester: { cluster } })).toEqual([]);
  });

  test('A cluster that was imported without its VPC is refused with the remedy', () => {
    using made = deployment();
    const arn = 'arn:aws:ecs:eu-central-1:111122223333:cluster/shared';
    const cluster = Cluster.fromClusterArn(made.stack, 'Cluster', arn);
    expect(problemsOf({ ingester: { cluster } })).toEqual([
      expect.stringMatching(/^ingester\.cluster has no VPC: .*fromClusterAttributes/),
    ]);
  });
});

test('The tasks have the tags of the service, for cost allocation', () => {
  using made = deployment();
  Tags.of(made.stack).add('team', 'contact-center');
  expect(resource(Template.fromStack(made.stack), 'AWS::ECS::Service')?.Properties).toMatchObject({
    PropagateTags: 'SERVICE',
    EnableECSManagedTags: true,
    Tags: [{ Key: 'team', Value: 'contact-center' }],
  });
});

describe('The options of the functions', () => {
  type Name = 'consumer' | 'backfill' | 'webhook';
  const NAMES: Name[] = ['consumer', 'backfill', 'webhook'];
  const functionIn = (template: Template, name: Name) =>
    Object.entries(template.findResources('AWS::Lambda::Function')).find(
      ([id]) => unhashed(id).toLowerCase() === `switchboard${name}function`,
    )?.[1].Properties;
  const functionOf = (name: Name, options: FunctionOptions, more = {}) => {
    const template = templateOf(() => ({ ...more, [name]: options }));
    return functionIn(template, name);
  };

  test.each(NAMES)('The %s has its memory and its reserved concurrency', (name) => {
    const options = { memorySize: 1_024, reservedConcurrentExecutions: 20 };
    expect(functionOf(name, options)).toMatchObject({
      MemorySize: 1_024,
      ReservedConcurrentExecutions: 20,
    });
  });

  test.each([
    ['consumer', undefined],
    ['backfill', undefined],
    ['webhook', 50],
  ] as const)(
    'By default the %s has 512 MB, the reserved concurrency %s and a text log',
    (name, reserved) => {
      const found = functionOf(name, {});
      expect(found?.MemorySize).toBe(512);
      expect(found?.ReservedConcurrentExecutions).toBe(reserved);
      expect(found?.LoggingConfig.LogFormat).toBeUndefined();
    },
  );

  test.each(NAMES)('The level of the system log of the %s makes its log JSON', (name) => {
    const found = functionOf(name, { systemLogLevel: SystemLogLevel.WARN });
    expect(found?.LoggingConfig).toMatchObject({
      LogFormat: 'JSON',
      SystemLogLevel: 'WARN',
      ApplicationLogLevel: 'INFO',
    });
    const debug = functionOf(name, { systemLogLevel: SystemLogLevel.INFO }, { logLevel: 'DEBUG' });
    expect(debug?.LoggingConfig).toMatchObject({ SystemLogLevel: 'INFO', ApplicationLogLevel: 'DEBUG' });
  });

  test.each(['WARN', 'ERROR', 'SILENT'] as const)(
    'With the log level %s a level of the system log is refused, because metrics would be dropped',
    (logLevel) => {
      expect(problemsOf({ logLevel, consumer: { systemLogLevel: SystemLogLevel.WARN } })).toEqual([
        `consumer.systemLogLevel is specified and logLevel is ${logLevel}, with which AWS Lambda would drop the metrics; use the logLevel INFO or DEBUG, or omit consumer.systemLogLevel`,
      ]);
    },
  );

  test.each(NAMES)('Invalid options of the %s are refused', (name) => {
    const invalid = { memorySize: 256, reservedConcurrentExecutions: 0, systemLogLevel: 'LOUD' };
    expect(problemsOf({ [name]: invalid })).toEqual([
      `${name}.memorySize is 256, but must be an integer from 512 to 10240 (the functions are designed for at least 512 MB, and AWS Lambda offers up to 10240)`,
      expect.stringMatching(
        new RegExp(
          `^${name}\\.reservedConcurrentExecutions is 0, but must be an integer from \\d+ to 1000 \\(`,
        ),
      ),
      `${name}.systemLogLevel is LOUD, but must be one of INFO, DEBUG, WARN`,
    ]);
  });

  test('Less reserved concurrency than consumerConcurrency is refused', () => {
    const consumer = { reservedConcurrentExecutions: 19 };
    expect(problemsOf({ consumerConcurrency: 20, consumer })).toEqual([
      'consumer.reservedConcurrentExecutions is 19, but must be an integer from 20 to 1000 (consumerConcurrency is 20; with less, AWS Lambda throttles messages until they are moved to the dead-letter queue)',
    ]);
    expect(problemsOf({ consumerConcurrency: 19, consumer })).toEqual([]);
  });

  test('Less reserved concurrency than the backfill can use is refused', () => {
    expect(problemsOf({ backfill: { reservedConcurrentExecutions: 2 } })).toEqual([
      'backfill.reservedConcurrentExecutions is 2, but must be an integer from 3 to 1000 (its queue invokes it up to twice at the same time, and its schedule once)',
    ]);
  });

  test('Numbers that are known only at deployment are accepted', () => {
    const template = templateOf((stack) => ({
      consumerConcurrency: later(stack, 'Concurrency'),
      consumer: { memorySize: later(stack, 'Memory'), reservedConcurrentExecutions: 5 },
    }));
    expect(functionIn(template, 'consumer')?.MemorySize).toEqual({ Ref: 'Memory' });
  });
});
