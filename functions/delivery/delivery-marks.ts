import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';

/** A mark is kept for longer than any copy of the message can exist. */
const MARK_LIFETIME_SECONDS = 5 * 86_400;

/** Whether an event may be sent: not while another invocation sends it, or after one has. */
export type Turn =
  | { readonly kind: 'own' | 'delivered' }
  | { readonly kind: 'taken'; readonly untilMs: number };

/**
 * Which events were delivered to a destination, and which invocation sends an event, in the claims table, `pk` =
 * `delivery#<destination>#<event id>`. SQS can deliver a message twice, even at the same time, and an event whose publish
 * had an unknown outcome is twice on the bus. An event is sent again only if the outcome of a call is unknown (P2).
 */
export class DeliveryMarks {
  private readonly client: DynamoDBClient;
  private readonly TableName: string;
  private readonly prefix: string;

  constructor(client: DynamoDBClient, tableName: string, destination: string) {
    this.client = client;
    this.TableName = tableName;
    this.prefix = `delivery#${destination}#`;
  }

  /**
   * Takes the turn to send an event.
   *
   * @param owner - the invocation
   * @param untilMs - epoch milliseconds at which no call of the invocation can still be running
   */
  async take(eventId: string, owner: string, untilMs: number): Promise<Turn> {
    const values = { ':owner': { S: owner }, ':until': number(untilMs), ':now': number(Date.now()) };
    const expiresAt = number(Math.ceil(untilMs / 1000) + MARK_LIFETIME_SECONDS);
    try {
      await this.update(eventId, {
        UpdateExpression: 'SET turnOwner = :owner, untilMs = :until, expiresAt = :expiresAt',
        ConditionExpression:
          'attribute_not_exists(deliveredAtMs) AND (attribute_not_exists(pk) OR turnOwner = :owner OR untilMs < :now)',
        ExpressionAttributeValues: { ...values, ':expiresAt': expiresAt },
      });
      return { kind: 'own' };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return error.Item?.deliveredAtMs
        ? { kind: 'delivered' }
        : { kind: 'taken', untilMs: Number(error.Item?.untilMs?.N ?? Date.now()) };
    }
  }

  /** The destination has accepted the event. */
  async delivered(eventId: string): Promise<void> {
    await this.update(eventId, {
      UpdateExpression: 'SET deliveredAtMs = :now',
      ExpressionAttributeValues: { ':now': number(Date.now()) },
    });
  }

  /** The event was not delivered: another invocation may send it at once. */
  async release(eventId: string, owner: string): Promise<void> {
    try {
      await this.update(eventId, {
        UpdateExpression: 'SET untilMs = :never',
        ConditionExpression: 'turnOwner = :owner',
        ExpressionAttributeValues: { ':never': number(0), ':owner': { S: owner } },
      });
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }

  private async update(
    eventId: string,
    input: {
      UpdateExpression: string;
      ConditionExpression?: string;
      ExpressionAttributeValues: Record<string, AttributeValue>;
    },
  ): Promise<void> {
    await this.client.send(
      new UpdateItemCommand({
        TableName: this.TableName,
        Key: { pk: { S: `${this.prefix}${eventId}` } },
        ...input,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
  }
}

function number(value: number): AttributeValue.NMember {
  return { N: String(value) };
}
