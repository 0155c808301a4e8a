import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { beforeAll, expect, test } from 'vitest';
import { readConfig as readBackfillConfig } from '../../functions/backfill/backfill-config.ts';
import { readConfig as readConsumerConfig } from '../../functions/consumer/consumer-config.ts';
import { DRAIN_LIMIT_MS } from '../../functions/ingester/ingester.ts';
import { readConfig as readIngesterConfig } from '../../functions/ingester/ingester-config.ts';
import { UNHEALTHY_AFTER_MS } from '../../functions/ingester/ingester-health.ts';
import { policyLines } from './policy-lines.ts';
import { deployment, plain, REQUIRED, templateOf } from './test-deployment.ts';

/** A dead connection must be detected within this time (P5). */
const MAX_DETECTION_SECONDS = 60;

interface Container {
  Environment: { Name: string; Value: unknown }[];
  StopTimeout: number;
  HealthCheck: { Command: string[]; Interval: number; Retries: number; Timeout: number };
}

let template: Template;
beforeAll(() => {
  template = templateOf(() => ({
    secret: ['switchboard/1', 'switchboard/2'],
    tasks: 2,
    dedupWindowDays: 10,
    consumerConcurrency: 20,
    eventSource: 'acme.genesys',
    logLevel: 'DEBUG',
  }));
});

function only<T>(type: string, properties: object = {}): T {
  const [first, ...others] = Object.values(template.findResources(type, { Properties: properties }));
  expect(others).toEqual([]);
  return first?.Properties as T;
}

const CONSUMER = { Handler: 'index.handler' };

function container(): Container {
  const { ContainerDefinitions } = only<{ ContainerDefinitions: [Container] }>('AWS::ECS::TaskDefinition');
  return ContainerDefinitions[0];
}

/** The environment at run time, with references replaced by example values. */
function deployed(environment: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      const text = String(plain(value));
      return [name, name.endsWith('_URL') ? text.replace(/^<(\w+)>$/, 'https://sqs.test/1/$1') : text];
    }),
  );
}

test('The backfill accepts the environment of its function', () => {
  const { Environment } = only<{ Environment: { Variables: Record<string, unknown> } }>(
    'AWS::Lambda::Function',
    { Handler: 'backfill.handler' },
  );
  expect(readBackfillConfig(deployed(Environment.Variables))).toMatchObject({
    apiUrl: 'https://api.mypurecloud.de',
    eventsQueueUrl: expect.stringContaining('QueuesEvents'),
    gapsQueueUrl: expect.stringContaining('QueuesGaps'),
    stateTable: expect.stringContaining('TablesState'),
    requestsPerMinute: 100,
    logLevel: 'DEBUG',
  });
});

test('The consumer accepts the environment of its function', () => {
  const { Environment } = only<{ Environment: { Variables: Record<string, unknown> } }>(
    'AWS::Lambda::Function',
    CONSUMER,
  );
  const environment = deployed(Environment.Variables);
  expect(readConsumerConfig(environment)).toMatchObject({
    claimsTable: expect.stringContaining('TablesClaims'),
    eventBusName: expect.stringContaining('EventsBus'),
    quarantineQueueUrl: expect.stringContaining('QueuesQuarantine'),
    eventSource: 'acme.genesys',
    dedupWindowSeconds: 10 * 86_400,
    logLevel: 'DEBUG',
  });
  expect(environment.OVERSIZE_BUCKET).toContain('OversizeBucket');
});

test('The ingester accepts the environment of its task', () => {
  const environment = deployed(
    Object.fromEntries(container().Environment.map(({ Name, Value }) => [Name, Value])),
  );
  expect(readIngesterConfig(environment)).toMatchObject({
    apiUrl: 'https://api.mypurecloud.de',
    credentials: {
      secretIds: [
        expect.stringMatching(/SwitchboardSecret\w/),
        expect.stringContaining('SwitchboardSecret2'),
      ],
    },
    protocols: [{ configuration: { TOPICS: REQUIRED.topics, CHANNELS: 5 } }],
    eventsQueueUrl: expect.stringContaining('QueuesEvents'),
    stateTable: expect.stringContaining('TablesState'),
    healthHost: '127.0.0.1',
    healthPort: 3001,
    logLevel: 'DEBUG',
  });
});

test('The visibility timeout of the events queue is at least six times the timeout of the consumer', () => {
  const { Timeout } = only<{ Timeout: number }>('AWS::Lambda::Function', CONSUMER);
  const queues = Object.values(template.findResources('AWS::SQS::Queue')).map((one) => one.Properties);
  const [events] = queues.filter(({ VisibilityTimeout }) => VisibilityTimeout === 6 * Timeout);
  expect(events?.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout);
  expect(events?.RedrivePolicy.maxReceiveCount).toBe(5);
});

test('The event source of the consumer uses partial batch responses, no batching window and limited concurrency', () => {
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 10,
    MaximumBatchingWindowInSeconds: Match.absent(),
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 20 },
  });
  template.hasResourceProperties('AWS::Lambda::Function', {
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    Handler: 'index.handler',
  });
});

test('A prebuilt image is used as it is, and nothing is built with Docker', () => {
  using made = deployment(() => ({ image: ContainerImage.fromRegistry('registry.example/ingester:1.2.3') }));
  const [definition] = Object.values(
    Template.fromStack(made.stack).findResources('AWS::ECS::TaskDefinition'),
  );
  expect(definition?.Properties.ContainerDefinitions[0].Image).toBe('registry.example/ingester:1.2.3');
  const { directory } = made.app.synth();
  const assets = JSON.parse(readFileSync(join(directory, `${made.stack.artifactId}.assets.json`), 'utf8'));
  expect(assets.dockerImages).toEqual({});
});

test('The stop timeout of a task is longer than the drain limit of the ingester', () => {
  expect(container().StopTimeout * 1_000).toBeGreaterThan(DRAIN_LIMIT_MS);
});

test('The health check detects a dead connection within 60 s', () => {
  const { Interval, Retries, Timeout } = container().HealthCheck;
  expect(UNHEALTHY_AFTER_MS / 1_000 + Interval * Retries).toBeLessThanOrEqual(MAX_DETECTION_SECONDS);
  expect(Timeout).toBeLessThan(Interval);
});

test('The ingester service uses rolling deployments with automatic rollback', () => {
  template.hasResourceProperties('AWS::ECS::Service', {
    DesiredCount: 2,
    LaunchType: 'FARGATE',
    AvailabilityZoneRebalancing: 'ENABLED',
    DeploymentConfiguration: Match.objectLike({
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    }),
  });
  template.hasResourceProperties('AWS::ECS::TaskDefinition', {
    Cpu: '256',
    Memory: '512',
    RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
  });
});

test('The first task starts after its route to the internet and the permissions to pull its image exist', () => {
  const [service] = Object.values(template.findResources('AWS::ECS::Service'));
  expect(service?.DependsOn).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/VpcPublicSubnet1DefaultRoute/),
      expect.stringMatching(/TaskExecutionRoleDefaultPolicy/),
    ]),
  );
});

test('Topics that do not fit into a task definition are in an object that the ingester may read', () => {
  const topics = Array.from(
    { length: 2_000 },
    (_, index) => `v2.users.00000000-0000-4000-8000-${String(index).padStart(12, '0')}.presence`,
  );
  using one = deployment(() => ({ topics }));
  const stored = Template.fromStack(one.stack);
  const [definition] = Object.values(stored.findResources('AWS::ECS::TaskDefinition'));
  expect(JSON.stringify(definition).length).toBeLessThan(16_384);
  const variables = definition?.Properties.ContainerDefinitions[0].Environment as {
    Name: string;
    Value: unknown;
  }[];
  expect(variables.map(({ Name }) => Name)).not.toContain('TOPICS');
  const { Value } = variables.find(({ Name }) => Name === 'TOPICS_OBJECT') ?? {};
  const [, file] = /([0-9a-f]{64}\.txt)/.exec(JSON.stringify(Value)) ?? [];
  expect(readFileSync(join(one.app.outdir, `asset.${file}`), 'utf8')).toBe(topics.join(','));
  expect(policyLines(stored)).toContainEqual(
    expect.stringMatching(new RegExp(`IngesterTaskTaskRoleDefaultPolicy: Allow s3:GetObject on .*${file}$`)),
  );
});

/** Runs the health check of the container against a server on another port. @returns its exit code */
async function probe(port: number): Promise<number> {
  const [kind, program, ...rest] = container().HealthCheck.Command;
  expect(kind).toBe('CMD');
  const child = spawn(
    program ?? '',
    rest.map((text) => text.replace('/3001', `/${port}`)),
  );
  const [code] = await once(child, 'exit');
  return code;
}

test.each([
  [200, '{}', 0],
  [503, '{"live":false}', 1],
  // The first deployment succeeds although the secret is still empty.
  [503, '{"waitingFor":"secret"}', 0],
  [503, '{"waitingFor":"operator"}', 0],
  [503, 'not JSON', 1],
])(
  'The health check of a response with status %i and the body %s exits with %i',
  async (status, body, code) => {
    const server = createServer((request, response) =>
      response.writeHead(request.url === '/healthz' ? status : 404).end(body),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      expect(await probe((server.address() as AddressInfo).port)).toBe(code);
    } finally {
      server.close();
    }
  },
);

test('The health check exits with 1 if there is no response', async () => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  expect(await probe(port)).toBe(1);
});
