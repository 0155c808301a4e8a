import { hash } from 'node:crypto';
import { BatchGetItemCommand, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import { batches } from './batches.ts';
import type { Deadline } from './deadline.ts';

/** Concurrent calls to DynamoDB. */
const MAX_CONCURRENT_CALLS = 10;
/** Keys per BatchGetItem; a DynamoDB limit. */
const MAX_KEYS_PER_CALL = 100;
/**
 * Bytes per fingerprint in a marker. Of an envelope's events, at most 1,000, two share eight bytes once in 10^13
 * envelopes. The fingerprints of an ordinary envelope fit into one write unit.
 */
const FINGERPRINT_BYTES = 8;

/**
 * Markers in the claims table: `pk` = `marker#<owner>`, `done` = fingerprints of the ids of published events and of
 * the {@link quarantineMark}s of quarantined events, `expiresAt` (seconds). A marker is read only if the owner already
 * had a claim: without one there was no earlier delivery.
 */
export class Markers {
  private readonly client: DynamoDBClient;
  private readonly tableName: string;
  private readonly windowSeconds: number;
  private readonly limit = pLimit(MAX_CONCURRENT_CALLS);

  constructor(client: DynamoDBClient, tableName: string, windowSeconds: number) {
    this.client = client;
    this.tableName = tableName;
    this.windowSeconds = windowSeconds;
  }

  /**
   * Reads what earlier deliveries of these owners have done.
   *
   * @returns fingerprints by owner; a missing owner could not be read in time
   */
  async read(owners: readonly string[], deadline: Deadline): Promise<Map<string, ReadonlySet<string>>> {
    const found = new Map<string, ReadonlySet<string>>();
    let left = owners;
    for (let attempt = 1; left.length > 0; attempt++) {
      for (const batch of batches(left, MAX_KEYS_PER_CALL))
        for (const [owner, done] of await this.get(batch)) found.set(owner, done);
      left = left.filter((owner) => !found.has(owner));
      if (left.length > 0 && !(await deadline.allowsRetry(attempt))) break;
    }
    return found;
  }

  /**
   * Adds marks to an owner's marker. Existing marks are kept, because two messages may share an owner.
   *
   * @param marks - ids of published events, {@link quarantineMark}s of quarantined events
   * @returns false if the marks could not be written in time
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

  private async get(owners: readonly string[]): Promise<[string, Set<string>][]> {
    const Keys = owners.map((owner) => ({ pk: { S: markerKey(owner) } }));
    try {
      const { Responses, UnprocessedKeys } = await this.client.send(
        new BatchGetItemCommand({ RequestItems: { [this.tableName]: { Keys, ConsistentRead: true } } }),
      );
      const items = new Map(Responses?.[this.tableName]?.map((item) => [item.pk?.S, item.done?.BS]));
      const unread = new Set(UnprocessedKeys?.[this.tableName]?.Keys?.map((key) => key.pk?.S));
      return owners
        .filter((owner) => !unread.has(markerKey(owner)))
        .map((owner) => [owner, new Set(items.get(markerKey(owner))?.map(toBase64Url))]);
    } catch (error) {
      if (isTransient(error)) return [];
      throw error;
    }
  }

  private async add(owner: string, marks: readonly string[]): Promise<void> {
    const done = [...new Set(marks.map(fingerprint))].map((one) => Buffer.from(one, 'base64url'));
    await this.client.send(
      new UpdateItemCommand({
        TableName: this.tableName,
        Key: { pk: { S: markerKey(owner) } },
        UpdateExpression: 'SET expiresAt = :end ADD done :done',
        ExpressionAttributeValues: {
          ':end': { N: String(Math.floor(Date.now() / 1000) + this.windowSeconds) },
          ':done': { BS: done },
        },
      }),
    );
  }
}

/**
 * The mark of a quarantined event, so that a redelivery does not quarantine it again. It contains the message id: a
 * copy that is sent from the quarantine queue to the events queue is another message, and may publish the event.
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

function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function markerKey(owner: string): string {
  return `marker#${owner}`;
}
