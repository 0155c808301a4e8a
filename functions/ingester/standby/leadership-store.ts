import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { GapRequest, LeadershipRecord, LeadershipStore } from './leadership-record.ts';

/** A call that takes longer has failed; its outcome is unknown. */
const MAX_CALL_MS = 2_000;
/** The record outlives the proofs of coverage. */
const LIFETIME_SECONDS = 180 * 86_400;

/**
 * The record in the state table: `pk` = `subscription#<subscription set>`, `sk` = `leader`, and the fields of a
 * {@link LeadershipRecord}.
 */
export class DynamoDbLeadershipStore implements LeadershipStore {
  private readonly client: DynamoDBClient;
  private readonly tableName: string;
  private readonly key: Record<string, AttributeValue>;

  constructor(client: DynamoDBClient, tableName: string, subscriptionSet: string) {
    this.client = client;
    this.tableName = tableName;
    this.key = { pk: { S: `subscription#${subscriptionSet}` }, sk: { S: 'leader' } };
  }

  async read(): Promise<LeadershipRecord | undefined> {
    const { Item } = await this.client.send(
      new GetItemCommand({ TableName: this.tableName, Key: this.key, ConsistentRead: true }),
      { abortSignal: AbortSignal.timeout(MAX_CALL_MS) },
    );
    return Item && toRecord(Item);
  }

  take(record: LeadershipRecord, replaced: LeadershipRecord | undefined): Promise<boolean> {
    if (!replaced) return this.put(record, { ConditionExpression: 'attribute_not_exists(pk)' });
    return this.put(record, {
      ConditionExpression: 'leader = :leader AND #counter = :counter',
      ExpressionAttributeNames: { '#counter': 'counter' },
      ExpressionAttributeValues: {
        ':leader': { S: replaced.leader },
        ':counter': { N: String(replaced.counter) },
      },
    });
  }

  move(record: LeadershipRecord): Promise<boolean> {
    return this.put(record, {
      ConditionExpression: 'leader = :leader',
      ExpressionAttributeValues: { ':leader': { S: record.leader } },
    });
  }

  private async put(record: LeadershipRecord, condition: Partial<PutItemCommandInput>): Promise<boolean> {
    const expiresAt = { N: String(Math.floor(Date.now() / 1000) + LIFETIME_SECONDS) };
    const Item = { ...this.key, ...toItem(record), expiresAt };
    try {
      await this.client.send(new PutItemCommand({ TableName: this.tableName, Item, ...condition }), {
        abortSignal: AbortSignal.timeout(MAX_CALL_MS),
      });
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}

function toItem(record: LeadershipRecord): Record<string, AttributeValue> {
  const { leader, predecessor, counter, movedAtMs, acceptedUntilMs, isReleased, requests } = record;
  return {
    leader: { S: leader },
    counter: { N: String(counter) },
    movedAtMs: { N: String(movedAtMs) },
    isReleased: { BOOL: isReleased },
    requests: { L: requests.map((request) => ({ M: requestItem(request) })) },
    ...(predecessor === undefined ? {} : { predecessor: { S: predecessor } }),
    ...(acceptedUntilMs === undefined ? {} : { acceptedUntilMs: { N: String(acceptedUntilMs) } }),
  };
}

function requestItem({ subscription, topicsId, fromMs, toMs, isOpen }: GapRequest) {
  return {
    subscription: { S: subscription },
    topicsId: { S: topicsId },
    fromMs: { N: String(fromMs) },
    toMs: { N: String(toMs) },
    isOpen: { BOOL: isOpen },
  };
}

function toRecord(item: Record<string, AttributeValue>): LeadershipRecord {
  return {
    leader: item.leader?.S ?? '',
    predecessor: item.predecessor?.S,
    counter: Number(item.counter?.N),
    movedAtMs: Number(item.movedAtMs?.N),
    acceptedUntilMs: item.acceptedUntilMs?.N === undefined ? undefined : Number(item.acceptedUntilMs.N),
    isReleased: item.isReleased?.BOOL ?? false,
    requests: (item.requests?.L ?? []).flatMap(({ M }) => (M ? [toRequest(M)] : [])),
  };
}

function toRequest(item: Record<string, AttributeValue>): GapRequest {
  return {
    subscription: item.subscription?.S ?? '',
    topicsId: item.topicsId?.S ?? '',
    fromMs: Number(item.fromMs?.N),
    toMs: Number(item.toMs?.N),
    isOpen: item.isOpen?.BOOL ?? false,
  };
}
