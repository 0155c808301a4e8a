import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import type { Deadline } from './deadline.ts';
import type { StoredItem } from './decisions.ts';
import { fingerprint } from './mark.ts';
import type { Attributes, Reservation } from './reservation.ts';

/** Concurrent calls to DynamoDB. */
const MAX_CONCURRENT_CALLS = 10;
/**
 * How long a turn is kept after it was last written: 14 days in the events queue and 14 days in the dead-letter queue
 * (the SQS maximum for each), plus one day for the redrive.
 */
const TURN_LIFE_SECONDS = 29 * 86_400;

/** The key of an owner's turn. */
export function turnKey(owner: string): string {
  return `turn#${owner}`;
}

/** The fingerprints of the marks in a turn. */
export function marksOf(turn: Attributes | undefined): ReadonlySet<string> {
  // Stryker disable next-line OptionalChaining: the SDK's type; `done` is always a set of binaries
  return new Set(turn?.done?.BS?.map((bytes) => Buffer.from(bytes).toString('base64url')));
}

/**
 * The turn of an attempt to process the messages of one owner: `pk` = `turn#<owner>`, `owner` = the attempt,
 * `leaseEndsAt` and `expiresAt` (seconds), `done` = fingerprints of marks. Only the attempt that has the turn
 * publishes. The marks are in the same item, so an attempt that gets the turn also gets the marks, and an attempt that
 * cannot write marks cannot take over a turn.
 */
export class Turn implements Reservation {
  readonly key: string;
  readonly owner: string;
  private readonly leaseEndsAtSeconds: number;

  /** @param attemptId - unique per invocation */
  constructor(messageOwner: string, attemptId: string, leaseEndsAtSeconds: number) {
    this.key = turnKey(messageOwner);
    this.owner = attemptId;
    this.leaseEndsAtSeconds = leaseEndsAtSeconds;
  }

  statement(tableName: string) {
    const Statement = `INSERT INTO "${tableName}" VALUE {'pk': ?, 'owner': ?, 'leaseEndsAt': ?, 'expiresAt': ?}`;
    const leaseEndsAt = { N: String(this.leaseEndsAtSeconds) };
    return { Statement, Parameters: [{ S: this.key }, { S: this.owner }, leaseEndsAt, expiresAt()] };
  }

  stored({ owner, leaseEndsAt }: Attributes): StoredItem {
    // Stryker disable next-line StringLiteral: an item without an owner is never taken over
    return { owner: owner?.S ?? '', endsAtSeconds: Number(leaseEndsAt?.N ?? 0) };
  }

  /** Makes this attempt the holder of the turn, and keeps the marks. */
  async takeOver(
    client: DynamoDBClient,
    options: { abortSignal: AbortSignal },
    TableName: string,
    seen: StoredItem,
  ): Promise<Attributes | undefined> {
    const command = new UpdateItemCommand({
      TableName,
      Key: { pk: { S: this.key } },
      UpdateExpression: 'SET #owner = :attempt, leaseEndsAt = :leaseEndsAt, expiresAt = :expiresAt',
      ConditionExpression: '#owner = :seen AND leaseEndsAt = :seenEnd',
      ExpressionAttributeNames: { '#owner': 'owner' },
      ExpressionAttributeValues: {
        ':attempt': { S: this.owner },
        ':leaseEndsAt': { N: String(this.leaseEndsAtSeconds) },
        ':expiresAt': expiresAt(),
        ':seen': { S: seen.owner },
        ':seenEnd': { N: String(seen.endsAtSeconds) },
      },
      ReturnValues: 'ALL_NEW',
    });
    return (await client.send(command, options)).Attributes;
  }
}

/** Writes marks to turns and releases them. */
export class Turns {
  private readonly client: DynamoDBClient;
  private readonly tableName: string;
  private readonly limit = pLimit(MAX_CONCURRENT_CALLS);

  constructor(client: DynamoDBClient, tableName: string) {
    this.client = client;
    this.tableName = tableName;
  }

  /**
   * Adds marks to a turn, and optionally releases it.
   *
   * @param release - the attempt that has the turn; if omitted, the turn is not released
   * @throws if the turn could not be written in time
   */
  async record(
    messageOwner: string,
    marks: readonly string[],
    release: { attemptId: string } | undefined,
    deadline: Deadline,
  ): Promise<void> {
    let releasing = release;
    for (let attempt = 1; ; attempt++) {
      const command = this.update(messageOwner, marks, releasing);
      try {
        await this.limit(() => deadline.call((abortSignal) => this.client.send(command, { abortSignal })));
        return;
      } catch (error) {
        // The lease has ended and another attempt has the turn. The marks are still written.
        if (releasing && error instanceof ConditionalCheckFailedException) {
          if (marks.length === 0) return;
          releasing = undefined;
        } else if (!isTransient(error) || !(await deadline.allowsRetry(attempt))) throw error;
      }
    }
  }

  private update(messageOwner: string, marks: readonly string[], release?: { attemptId: string }) {
    const done = [...new Set(marks.map(fingerprint))].map((one) => Buffer.from(one, 'base64url'));
    const values: Record<string, AttributeValue> = {
      ':expiresAt': expiresAt(),
      ...(done.length > 0 ? { ':done': { BS: done } } : {}),
      ...(release ? { ':released': { N: '0' }, ':attempt': { S: release.attemptId } } : {}),
    };
    const set = release
      ? 'SET expiresAt = :expiresAt, leaseEndsAt = :released'
      : 'SET expiresAt = :expiresAt';
    return new UpdateItemCommand({
      TableName: this.tableName,
      Key: { pk: { S: turnKey(messageOwner) } },
      UpdateExpression: done.length > 0 ? `${set} ADD done :done` : set,
      ...(release
        ? { ConditionExpression: '#owner = :attempt', ExpressionAttributeNames: { '#owner': 'owner' } }
        : {}),
      ExpressionAttributeValues: values,
    });
  }
}

function expiresAt(): { N: string } {
  return { N: String(Math.floor(Date.now() / 1000) + TURN_LIFE_SECONDS) };
}
