import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { StoredItem } from './decisions.ts';
import type { Attributes, Reservation } from './reservation.ts';

/** The key of an event's claim. */
export function claimKey(eventId: string): string {
  return `event#${eventId}`;
}

/**
 * The claim of a message on an event: `pk` = `event#<id>`, `owner`, `expiresAt` (seconds). The first message that
 * claims an event owns it, whichever worker processes that message (P3).
 */
export class Claim implements Reservation {
  readonly key: string;
  readonly owner: string;
  private readonly expiresAtSeconds: number;

  /** @param expiresAtSeconds - epoch seconds */
  constructor(key: string, owner: string, expiresAtSeconds: number) {
    this.key = key;
    this.owner = owner;
    this.expiresAtSeconds = expiresAtSeconds;
  }

  statement(tableName: string) {
    return {
      Statement: `INSERT INTO "${tableName}" VALUE {'pk': ?, 'owner': ?, 'expiresAt': ?}`,
      Parameters: [{ S: this.key }, { S: this.owner }, { N: String(this.expiresAtSeconds) }],
    };
  }

  stored({ owner, expiresAt }: Attributes): StoredItem {
    // Stryker disable next-line StringLiteral: an item without an owner is never taken over
    return { owner: owner?.S ?? '', endsAtSeconds: Number(expiresAt?.N ?? 0) };
  }

  /** Replaces an expired claim that TTL has not deleted yet. */
  async takeOver(
    client: DynamoDBClient,
    options: { abortSignal: AbortSignal },
    TableName: string,
    seen: StoredItem,
  ): Promise<undefined> {
    const command = new PutItemCommand({
      TableName,
      Item: {
        pk: { S: this.key },
        owner: { S: this.owner },
        expiresAt: { N: String(this.expiresAtSeconds) },
      },
      ConditionExpression: 'attribute_not_exists(pk) OR (expiresAt = :seen AND #owner = :owner)',
      ExpressionAttributeNames: { '#owner': 'owner' },
      ExpressionAttributeValues: { ':seen': { N: String(seen.endsAtSeconds) }, ':owner': { S: seen.owner } },
    });
    await client.send(command, options);
  }
}
