import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { shardOf, topicsOfShard } from '../../lib/genesys/topic-shards.ts';

const IDS = Array.from({ length: 2_000 }, () => randomUUID());
const TOPICS = IDS.map((id) => `v2.users.${id}.presence`);

test('Every topic is in exactly one shard, and the shards are of similar size', () => {
  const shares = [0, 1, 2, 3].map((index) => topicsOfShard(TOPICS, { index, count: 4 }));
  expect(shares.flat().toSorted()).toEqual(TOPICS.toSorted());
  for (const share of shares) expect(Math.abs(share.length - 500)).toBeLessThan(125);
});

test('Without a shard, and with only one, a deployment has all topics', () => {
  expect(topicsOfShard(TOPICS, undefined)).toEqual(TOPICS);
  expect(topicsOfShard(TOPICS, { index: 0, count: 1 })).toEqual(TOPICS);
});

test('With more shards, a topic stays in its shard or moves to a new one', () => {
  let moved = 0;
  for (const topic of TOPICS) {
    const [before, after] = [shardOf(topic, 3), shardOf(topic, 5)];
    if (before === after) continue;
    moved++;
    expect(after).toBeGreaterThanOrEqual(3);
  }
  // Two fifths of the topics belong to the new shards.
  expect(Math.abs(moved - 800)).toBeLessThan(160);
});

test('All topics of a user or queue are in the same shard, combined or not', () => {
  for (const id of IDS.slice(0, 100)) {
    const shard = shardOf(`v2.users.${id}.presence`, 7);
    expect(shardOf(`v2.users.${id}.routingStatus`, 7)).toBe(shard);
    expect(shardOf(`v2.users.${id}?presence&routingStatus&station`, 7)).toBe(shard);
    expect(shardOf(`v2.users.${id}.conversations.calls`, 7)).toBe(shard);
    const queue = shardOf(`v2.routing.queues.${id}.conversations`, 7);
    expect(shardOf(`v2.routing.queues.${id}.users`, 7)).toBe(queue);
  }
});

test('The shard of a topic never changes with a new version, because deployments are upgraded one after another', () => {
  const topics = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => `v2.users.${id}.presence`);
  expect(topics.map((topic) => shardOf(topic, 2))).toMatchInlineSnapshot(`
    [
      1,
      1,
      1,
      0,
      0,
      0,
    ]
  `);
  expect(topics.map((topic) => shardOf(topic, 100))).toMatchInlineSnapshot(`
    [
      96,
      1,
      98,
      14,
      32,
      70,
    ]
  `);
});
