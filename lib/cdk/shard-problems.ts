import { MAX_SHARDS } from '../genesys/topic-shards.ts';
import type { SwitchboardProps } from './switchboard-props.ts';

/** Checks the share, and that everything else in the deployment can be divided. */
export function shardProblems({ shard, protocols, partnerEventSource }: SwitchboardProps): string[] {
  if (shard === undefined) return [];
  const { index, count } = shard;
  const problems = [];
  if (!Number.isInteger(count) || count < 1 || count > MAX_SHARDS)
    problems.push(`shard.count is ${count}, but must be an integer from 1 to ${MAX_SHARDS}`);
  else if (!Number.isInteger(index) || index < 0 || index >= count)
    problems.push(`shard.index is ${index}, but must be an integer from 0 to ${count - 1}`);
  const undivided = { protocols, partnerEventSource };
  for (const [name, value] of Object.entries(undivided))
    if (value !== undefined)
      problems.push(
        `${name} is not divided among shards, so that each of them would publish its events; use a deployment without shard for it`,
      );
  return problems;
}
