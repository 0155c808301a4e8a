import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
} from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { type CoveredSpan, toProof } from '../ingester/coverage-store.ts';
import { currentSpans, type StoredCoverage, type TaskGap } from './deployment-gaps.ts';

/** Lists of topics that are read at the same time. A list can have 100 KB. */
const MAX_CONCURRENT_READS = 8;

type Item = Record<string, AttributeValue>;

/** Where the coverage of a deployment is stored. */
export interface CoverageLocation {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Name of the subscription set. */
  readonly subscriptionSet: string;
}

/**
 * Reads the coverage of a subscription set from the state table, with strong consistency. It queries one partition
 * and reads no channels.
 *
 * @param sinceMs - gaps that ended before this time are omitted, unless they touch a later one
 */
export async function readCoverage(location: CoverageLocation, sinceMs: number): Promise<StoredCoverage> {
  // In this order: when a task's proof is read, the gaps before it are stored, and a span outlives its proof.
  const proofs = (await query(location, 'proof#')).map(toProof);
  const spans = (await query(location, 'span#')).map(toSpan);
  const all = (await query(location, 'gap#')).map(toGap);
  const current = currentSpans(proofs);
  let firstMs = current.reduce((minMs, { toMs }) => Math.min(minMs, toMs), sinceMs);
  const gaps = all
    .toSorted((a, b) => b.toMs - a.toMs)
    .filter(({ fromMs, toMs }) => {
      if (toMs < firstMs) return false;
      firstMs = Math.min(firstMs, fromMs);
      return true;
    });
  const ids = [...gaps, ...spans.filter(({ toMs }) => toMs > firstMs), ...current].map(
    ({ topicsId }) => topicsId,
  );
  return { gaps, spans, proofs, topics: await readTopics(location, [...new Set(ids)]) };
}

/** The items of the partition whose sort key starts with `prefix`. */
async function query(
  { client, tableName, subscriptionSet }: CoverageLocation,
  prefix: string,
): Promise<Item[]> {
  const items: Item[] = [];
  const pages = paginateQuery(
    { client },
    {
      TableName: tableName,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: {
        ':pk': { S: partitionOf(subscriptionSet) },
        ':prefix': { S: prefix },
      },
      ConsistentRead: true,
    },
  );
  for await (const page of pages) items.push(...(page.Items ?? []));
  return items;
}

/** The lists of topics that are still stored, by id. */
async function readTopics(
  { client, tableName, subscriptionSet }: CoverageLocation,
  ids: readonly string[],
): Promise<Map<string, readonly string[]>> {
  const limit = pLimit(MAX_CONCURRENT_READS);
  const found = await limit.map(ids, async (id) => {
    const Key = { pk: { S: partitionOf(subscriptionSet) }, sk: { S: `topics#${id}` } };
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }),
    );
    return [id, Item?.topics?.L?.flatMap(({ S }) => S ?? [])] as const;
  });
  return new Map(found.flatMap(([id, topics]) => (topics ? [[id, topics]] : [])));
}

function partitionOf(subscriptionSet: string): string {
  return `subscription#${subscriptionSet}`;
}

function toSpan(item: Item): CoveredSpan {
  return {
    task: item.task?.S ?? '',
    subscription: item.subscription?.S ?? '',
    topicsId: item.topicsId?.S ?? '',
    fromMs: Number(item.fromMs?.N),
    toMs: Number(item.toMs?.N),
    ...(item.isBridge?.BOOL ? { isBridge: true } : {}),
  };
}

function toGap(item: Item): TaskGap {
  return { ...toSpan(item), reason: item.reason?.S ?? '' };
}
