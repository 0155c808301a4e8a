import { createHash } from 'node:crypto';

/** Deployments that can divide topics among themselves. */
export const MAX_SHARDS = 100;

/** The share of a deployment: which one it is, counted from 0, of how many. */
export interface TopicShard {
  readonly index: number;
  readonly count: number;
}

/** Constants of the jump consistent hash: a generator of 64-bit numbers, of which it uses 31 bits. */
const MULTIPLIER = 2_862_933_555_777_941_757n;
const UNUSED_BITS = 33n;
const RANGE = 2 ** 31;

/**
 * The shard of an expanded topic. All topics of a user or queue are in the same shard, whether they are combined or
 * not. With more shards a topic stays where it is or moves to a new shard, and with fewer only the topics of the last
 * shards move. This is the jump consistent hash of Lamping and Veach, https://arxiv.org/abs/1406.2294.
 */
export function shardOf(topic: string, count: number): number {
  let state = createHash('sha256').update(entityOf(topic)).digest().readBigUInt64BE();
  let shard = 0;
  for (let next = 0; next < count; ) {
    shard = next;
    state = BigInt.asUintN(64, state * MULTIPLIER + 1n);
    next = Math.floor((shard + 1) * (RANGE / (Number(state >> UNUSED_BITS) + 1)));
  }
  return shard;
}

/** The topics of a shard; without a shard all of them. */
export function topicsOfShard(topics: readonly string[], shard: TopicShard | undefined): string[] {
  return topics.filter((topic) => shard === undefined || shardOf(topic, shard.count) === shard.index);
}

/** Topics of a user or a queue, up to its id. */
const ENTITY = /^v2\.(?:users|routing\.queues|analytics\.queues)\.[^.?]+/;

/** The user or queue of a topic, `v2.users.4f…9a`; of other topics what precedes the last part. */
function entityOf(topic: string): string {
  return ENTITY.exec(topic)?.[0] ?? topic.slice(0, topic.lastIndexOf('.'));
}
