import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, expect, test } from 'vitest';
import { readConfig as readConsumerConfig } from '../../functions/consumer/config.ts';
import { readConfig as readIngesterConfig } from '../../functions/ingester/config.ts';
import { DRAIN_LIMIT_MS, UNHEALTHY_AFTER_MS } from '../../functions/ingester/ingester.ts';
import { plain, REQUIRED, templateOf } from './test-deployment.ts';

/** P5: a dead stream is noticed within this time. */
const NOTICED_WITHIN_SECONDS = 60;

interface Container {
  Environment: { Name: string; Value: unknown }[];
  StopTimeout: number;
  HealthCheck: { Command: string[]; Interval: number; Retries: number; Timeout: number };
}

let template: Template;
beforeAll(() => {
  template = templateOf(() => ({
    tasks: 2,
    dedupWindowDays: 10,
    consumerConcurrency: 20,
    eventSource: 'acme.genesys',
    logLevel: 'DEBUG',
  }));
});

function only<T>(type: string): T {
  const [first, ...others] = Object.values(template.findResources(type));
  expect(others).toEqual([]);
  return first?.Properties as T;
}

function container(): Container {
  const { ContainerDefinitions } = only<{ ContainerDefinitions: [Container] }>('AWS::ECS::TaskDefinition');
  return ContainerDefinitions[0];
}

/** As at run time: references are replaced by what they could stand for. */
function deployed(environment: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      const text = String(plain(value));
      return [name, name.endsWith('_URL') ? text.replace(/^<(\w+)>$/, 'https://sqs.test/1/$1') : text];
    }),
  );
}

test('the consumer accepts the environment that it is given', () => {
  const { Environment } = only<{ Environment: { Variables: Record<string, unknown> } }>(
    'AWS::Lambda::Function',
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

test('the ingester accepts the environment that it is given', () => {
  const environment = deployed(
    Object.fromEntries(container().Environment.map(({ Name, Value }) => [Name, Value])),
  );
  expect(readIngesterConfig(environment)).toMatchObject({
    apiUrl: 'https://api.mypurecloud.de',
    credentials: { secretId: expect.stringContaining('SwitchboardSecret') },
    topics: REQUIRED.topics,
    eventsQueueUrl: expect.stringContaining('QueuesEvents'),
    stateTable: expect.stringContaining('TablesState'),
    healthHost: '127.0.0.1',
    healthPort: 3001,
    logLevel: 'DEBUG',
  });
});

test('a message stays invisible for six times as long as the consumer may take', () => {
  const { Timeout } = only<{ Timeout: number }>('AWS::Lambda::Function');
  const queues = Object.values(template.findResources('AWS::SQS::Queue')).map((one) => one.Properties);
  const events = queues.find(({ RedrivePolicy }) => RedrivePolicy);
  expect(events.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout);
  expect(events.RedrivePolicy.maxReceiveCount).toBe(5);
});

test('the consumer is fed with partial batch responses, without a window, bounded', () => {
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

test('a task is given the time that the ingester needs to drain', () => {
  expect(container().StopTimeout * 1_000).toBeGreaterThan(DRAIN_LIMIT_MS);
});

test('a dead stream is noticed within 60 s', () => {
  const { Interval, Retries, Timeout } = container().HealthCheck;
  expect(UNHEALTHY_AFTER_MS / 1_000 + Interval * Retries).toBeLessThanOrEqual(NOTICED_WITHIN_SECONDS);
  expect(Timeout).toBeLessThan(Interval);
});

test('tasks are replaced by rolling, with a way back', () => {
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

/** Exit code of the container's health check against a server on another port. */
async function probe(port: number): Promise<number> {
  const [kind, program, ...rest] = container().HealthCheck.Command;
  expect([kind, program]).toEqual(['CMD', 'node']);
  const child = spawn(
    process.execPath,
    rest.map((text) => text.replace(':3001/', `:${port}/`)),
  );
  const [code] = await once(child, 'exit');
  return code;
}

test.each([
  ['healthy', 200, '{}', 0],
  ['without a connection', 503, '{"live":false}', 1],
  ['waiting for its secret, so that a first deployment settles', 503, '{"waitingFor":"secret"}', 0],
  ['broken', 503, 'no JSON', 1],
])('an ingester that is %s: the health check reads its %i', async (_, status, body, code) => {
  const server = createServer((request, response) =>
    response.writeHead(request.url === '/healthz' ? status : 404).end(body),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    expect(await probe((server.address() as AddressInfo).port)).toBe(code);
  } finally {
    server.close();
  }
});

test('no answer ends it with 1', async () => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  expect(await probe(port)).toBe(1);
});
