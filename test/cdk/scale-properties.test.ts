import { describe, expect, test } from 'vitest';
import type { SwitchboardProps } from '../../lib/cdk/index.ts';
import { MAX_TOPIC_CHARACTERS } from '../../lib/genesys/configured-topics.ts';
import { problemsOf, templateOf } from './test-deployment.ts';

describe('Warm throughput of the claims table', () => {
  const tables = (props: Partial<SwitchboardProps>) =>
    Object.values(templateOf(() => props).findResources('AWS::DynamoDB::Table')).map(
      ({ Properties }) => Properties.WarmThroughput,
    );

  test('Only the claims table gets it, for writes', () => {
    expect(tables({ claimsWarmWriteUnits: 12_000 })).toEqual([{ WriteUnitsPerSecond: 12_000 }, undefined]);
  });

  test('Without the property DynamoDB decides', () => {
    expect(tables({})).toEqual([undefined, undefined]);
  });

  test.each([3_999, 1_000_001, 4_000.5])('%d units are refused', (claimsWarmWriteUnits) => {
    expect(problemsOf({ claimsWarmWriteUnits })).toEqual([
      `claimsWarmWriteUnits is ${claimsWarmWriteUnits}, but must be an integer from 4000 to 1000000 (a new table takes 4000; an account needs a higher quota for more than 40000)`,
    ]);
  });
});

test('A list of topics that no ingester would read is refused', () => {
  const id = '0'.repeat(MAX_TOPIC_CHARACTERS - 'v2.users..presence'.length);
  const topics = Array.from({ length: 200_001 }, () => `v2.users.${id}.presence` as const);
  expect(problemsOf({ topics })).toEqual([
    'topics: 200001 topics have 40200200 characters, but a deployment can have at most 40200000; divide them among several deployments',
  ]);
});

describe('A share of the topics', () => {
  test('The ingester gets it, and without it all topics', () => {
    const shardOf = (props: Partial<SwitchboardProps>) => {
      const [task] = Object.values(templateOf(() => props).findResources('AWS::ECS::TaskDefinition'));
      const environment: { Name: string; Value: string }[] =
        task?.Properties.ContainerDefinitions[0].Environment;
      return environment.find(({ Name }) => Name === 'SHARD')?.Value;
    };
    expect(shardOf({ shard: { index: 1, count: 3 } })).toBe('1/3');
    expect(shardOf({})).toBeUndefined();
  });

  test.each([
    [{ index: 0, count: 0 }, 'shard.count is 0, but must be an integer from 1 to 100'],
    [{ index: 0, count: 101 }, 'shard.count is 101, but must be an integer from 1 to 100'],
    [{ index: 0, count: 1.5 }, 'shard.count is 1.5, but must be an integer from 1 to 100'],
    [{ index: 2, count: 2 }, 'shard.index is 2, but must be an integer from 0 to 1'],
    [{ index: -1, count: 2 }, 'shard.index is -1, but must be an integer from 0 to 1'],
    [{ index: 0.5, count: 2 }, 'shard.index is 0.5, but must be an integer from 0 to 1'],
  ])('The share %j is refused', (shard, problem) => {
    expect(problemsOf({ shard })).toEqual([problem]);
  });

  test.each<[string, Partial<SwitchboardProps>]>([
    ['protocols', { protocols: { analyticsEvents: { eventTypes: ['conversation'] } } }],
    [
      'partnerEventSource',
      {
        partnerEventSource: 'aws.partner/genesys.com/cloud/org/main',
        partnerTopics: ['v2.users.{id}.presence'],
      },
    ],
  ])('%s cannot be divided, so it is refused', (name, props) => {
    expect(problemsOf({ ...props, shard: { index: 0, count: 2 } })).toEqual([
      `${name} is not divided among shards, so that each of them would publish its events; use a deployment without shard for it`,
    ]);
  });
});
