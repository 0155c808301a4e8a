import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';

/** A missing permission is reported again after this time. */
const PERMISSION_LIFETIME_SECONDS = 86_400;

/**
 * Information that the invocations of the backfill share in the state table, `pk` = `subscription#<subscription set>`:
 *
 * - `backfill#turn`: which of them may fill gaps, and until when
 * - `backfill#permission#<what>`: a missing permission that was reported
 */
export class BackfillMarks {
  private readonly client: DynamoDBClient;
  private readonly TableName: string;
  private readonly pk: AttributeValue;

  constructor(client: DynamoDBClient, tableName: string, subscriptionSet: string) {
    this.client = client;
    this.TableName = tableName;
    this.pk = { S: `subscription#${subscriptionSet}` };
  }

  /**
   * Takes or keeps the turn to fill gaps, so that invocations together do not exceed the request limit. It protects
   * no data: the versions do.
   *
   * @param untilMs - epoch milliseconds
   * @returns whether this invocation has the turn
   */
  async takeTurn(owner: string, untilMs: number): Promise<boolean> {
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.TableName,
          Key: { pk: this.pk, sk: { S: 'backfill#turn' } },
          UpdateExpression: 'SET turnOwner = :owner, untilMs = :until',
          ConditionExpression: 'attribute_not_exists(pk) OR turnOwner = :owner OR untilMs < :now',
          ExpressionAttributeValues: {
            ':owner': { S: owner },
            ':until': { N: String(untilMs) },
            ':now': { N: String(Date.now()) },
          },
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  /** Whether a missing permission has not been reported within a day. */
  async isNewlyMissing(what: string): Promise<boolean> {
    const nowSeconds = Math.floor(Date.now() / 1000);
    try {
      await this.client.send(
        new PutItemCommand({
          TableName: this.TableName,
          Item: {
            pk: this.pk,
            sk: { S: `backfill#permission#${what}` },
            expiresAt: { N: String(nowSeconds + PERMISSION_LIFETIME_SECONDS) },
          },
          // DynamoDB deletes expired items late.
          ConditionExpression: 'attribute_not_exists(pk) OR expiresAt < :now',
          ExpressionAttributeValues: { ':now': { N: String(nowSeconds) } },
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}
