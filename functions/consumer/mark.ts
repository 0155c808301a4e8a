import { hash } from 'node:crypto';
import { BatchGetItemCommand, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import type { Deadline } from './deadline.ts';

/** Calls to DynamoDB at once. */
const CONCURRENCY = 10;
/** Keys a BatchGetItem; a DynamoDB limit. */
const KEYS = 100;
/**
 * Bytes of an event's fingerprint in a marker. An envelope has at most 1,000 events: two of them share eight bytes
 * once in 10^13 envelopes. All of an ordinary envelope's fit into one write unit.
 */
const FINGERPRINT_BYTES = 8;

/**
 * Markers in the claims table: `pk` = `marker#<owner>`, `settled` = fingerprints of the owner's events that are
 * published and of the {@link quarantineMark}s of those in quarantine, `expiresAt` (seconds). Read only where a claim of the same owner was there
 * already: without one there was no earlier try.
 */
export class Markers {
  private readonly client: DynamoDBClient;
  private readonly tableName: string;
  private readonly windowSeconds: number;
  private readonly limit = pLimit(CONCURRENCY);

  constructor(client: DynamoDBClient, tableName: string, windowSeconds: number) {
    this.client = client;
    this.tableName = tableName;
    this.windowSeconds = windowSeconds;
  }

  /**
   * What earlier tries of these owners settled.
   *
   * @returns owner → fingerprints; an owner that is missing could not be read in time
   */
  async read(owners: readonly string[], deadline: Deadline): Promise<Map<string, ReadonlySet<string>>> {
    const found = new Map<string, ReadonlySet<string>>();
    let left = [...owners];
    for (let attempt = 1; left.length > 0; attempt++) {
      for (let index = 0; index < left.length; index += KEYS)
        await this.get(left.slice(index, index + KEYS), found);
      left = left.filter((owner) => !found.has(owner));
      if (left.length > 0 && !(await deadline.allowsRetry(attempt))) break;
    }
    return found;
  }

  /**
   * Note that events of an owner are settled. Sets are added to, never replaced: two messages may share an owner.
   *
   * @param marks - ids of published events, {@link quarantineMark}s of others
   * @returns false when that could not be written in time
   */
  async mark(owner: string, marks: readonly string[], deadline: Deadline): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.limit(() => this.add(owner, marks));
        return true;
      } catch (error) {
        if (!isTransient(error)) throw error;
        if (!(await deadline.allowsRetry(attempt))) return false;
      }
    }
  }

  private async get(owners: readonly string[], found: Map<string, ReadonlySet<string>>): Promise<void> {
    const Keys = owners.map((owner) => ({ pk: { S: markerKey(owner) } }));
    try {
      const { Responses, UnprocessedKeys } = await this.client.send(
        new BatchGetItemCommand({ RequestItems: { [this.tableName]: { Keys, ConsistentRead: true } } }),
      );
      const items = new Map(Responses?.[this.tableName]?.map((item) => [item.pk?.S, item.settled?.BS]));
      const unread = new Set(UnprocessedKeys?.[this.tableName]?.Keys?.map((key) => key.pk?.S));
      for (const owner of owners) {
        const key = markerKey(owner);
        if (unread.has(key)) continue;
        found.set(owner, new Set(items.get(key)?.map((bytes) => Buffer.from(bytes).toString('base64url'))));
      }
    } catch (error) {
      if (!isTransient(error)) throw error;
    }
  }

  private async add(owner: string, marks: readonly string[]): Promise<void> {
    const settled = [...new Set(marks.map(fingerprint))].map((one) => Buffer.from(one, 'base64url'));
    await this.client.send(
      new UpdateItemCommand({
        TableName: this.tableName,
        Key: { pk: { S: markerKey(owner) } },
        UpdateExpression: 'SET expiresAt = :end ADD settled :settled',
        ExpressionAttributeValues: {
          ':end': { N: String(Math.floor(Date.now() / 1000) + this.windowSeconds) },
          ':settled': { BS: settled },
        },
      }),
    );
  }
}

/**
 * What a message that put an event in quarantine is marked with, so that it does not do so again. It names the
 * message: the copy in quarantine, sent to the events queue again, is another one and free to publish the event.
 *
 * @param messageId - SQS id of the message
 */
export function quarantineMark(messageId: string, eventId: string): string {
  return `${messageId}#${eventId}`;
}

/** The fingerprint of a mark, as base64url. */
export function fingerprint(mark: string): string {
  return hash('sha256', mark, 'buffer').subarray(0, FINGERPRINT_BYTES).toString('base64url');
}

function markerKey(owner: string): string {
  return `marker#${owner}`;
}
