import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import type { Deadline } from './deadline.ts';

/** Statements a BatchExecuteStatement; a DynamoDB limit. */
const STATEMENTS = 25;
/** Keys a BatchGetItem; a DynamoDB limit. */
const KEYS = 100;
/** Calls to DynamoDB at once. */
const CONCURRENCY = 8;
const FIRST_SERVER_ERROR = 500;
/** Outcomes of a statement that pass by themselves. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
  'TransactionConflict',
  'InternalServerError',
]);

/** Who will publish an event. */
export interface Claim {
  /** Owner of the message that claimed it first. */
  owner: string;
  /**
   * When it was made: by this invocation, before it, or one of the two, for an answer was lost. A claim of unknown
   * age may be that of an earlier try.
   */
  made: 'now' | 'earlier' | 'unknown';
}

/** An event that a message wants to claim. */
export interface ClaimRequest {
  eventId: string;
  owner: string;
}

interface StoredClaim {
  owner: string;
  expiresAtSeconds: number;
}

/**
 * Claims in DynamoDB: `pk` = `event#<id>`, `owner`, `expiresAt` (seconds). The first message that claims an event
 * owns it for good, whoever works on that message (P3).
 */
export class Claims {
  private readonly client: DynamoDBClient;
  private readonly tableName: string;
  private readonly windowSeconds: number;
  private readonly limit = pLimit(CONCURRENCY);

  /** @param client - one that does not repeat requests by itself: a repeated INSERT would find its own claim */
  constructor(client: DynamoDBClient, tableName: string, windowSeconds: number) {
    this.client = client;
    this.tableName = tableName;
    this.windowSeconds = windowSeconds;
  }

  /**
   * Claim events, each wanted once.
   *
   * @returns the claim of each event; one without a claim could not be decided in time
   */
  async claim(requests: readonly ClaimRequest[], deadline: Deadline): Promise<Map<string, Claim>> {
    const claims = new Map<string, Claim>();
    /** Events whose INSERT may have been carried out although its answer was lost. */
    const unsure = new Set<string>();
    let left = requests;
    for (let attempt = 1; left.length > 0; attempt++) {
      const taken = await this.insertAll(left, claims, unsure);
      await this.readAll(taken, claims, unsure);
      left = left.filter(({ eventId }) => !claims.has(eventId));
      if (left.length > 0 && !(await deadline.allowsRetry(attempt))) break;
    }
    return claims;
  }

  /** @returns the requests whose event has a claim already */
  private async insertAll(
    requests: readonly ClaimRequest[],
    claims: Map<string, Claim>,
    unsure: Set<string>,
  ) {
    const calls = chunks(requests, STATEMENTS).map((chunk) =>
      this.limit(() => this.insert(chunk, claims, unsure)),
    );
    return (await Promise.all(calls)).flat();
  }

  private async insert(chunk: readonly ClaimRequest[], claims: Map<string, Claim>, unsure: Set<string>) {
    const taken: ClaimRequest[] = [];
    const expiresAt = { N: String(this.nowSeconds() + this.windowSeconds) };
    const Statement = `INSERT INTO "${this.tableName}" VALUE {'pk': ?, 'owner': ?, 'expiresAt': ?}`;
    try {
      const { Responses } = await this.client.send(
        new BatchExecuteStatementCommand({
          Statements: chunk.map(({ eventId, owner }) => ({
            Statement,
            Parameters: [{ S: claimKey(eventId) }, { S: owner }, expiresAt],
          })),
        }),
      );
      for (const [index, request] of chunk.entries()) {
        const error = Responses?.[index]?.Error;
        if (!error) claims.set(request.eventId, { owner: request.owner, made: 'now' });
        else if (error.Code === 'DuplicateItem') taken.push(request);
        else if (error.Code === 'InternalServerError') unsure.add(request.eventId);
        else if (!TRANSIENT_CODES.has(error.Code ?? ''))
          throw new Error(`A claim was refused: ${error.Code} ${error.Message}`);
      }
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (mayHaveTakenEffect(error)) for (const { eventId } of chunk) unsure.add(eventId);
    }
    return taken;
  }

  /** Look whose the claims are that were there already; one that has expired is taken over. */
  private async readAll(requests: readonly ClaimRequest[], claims: Map<string, Claim>, unsure: Set<string>) {
    await Promise.all(
      chunks(requests, KEYS).map((chunk) => this.limit(() => this.read(chunk, claims, unsure))),
    );
  }

  private async read(chunk: readonly ClaimRequest[], claims: Map<string, Claim>, unsure: Set<string>) {
    const stored = await this.get(chunk);
    for (const request of chunk) {
      const found = stored.get(claimKey(request.eventId));
      // Not there any more, or not answered: the next round inserts again.
      if (!found) continue;
      if (found.expiresAtSeconds > this.nowSeconds()) {
        const made = unsure.has(request.eventId) ? 'unknown' : 'earlier';
        claims.set(request.eventId, { owner: found.owner, made });
      } else if (await this.takeOver(request, found, unsure)) {
        claims.set(request.eventId, { owner: request.owner, made: 'now' });
      }
    }
  }

  private async get(chunk: readonly ClaimRequest[]): Promise<Map<string | undefined, StoredClaim>> {
    const Keys = chunk.map(({ eventId }) => ({ pk: { S: claimKey(eventId) } }));
    try {
      const { Responses } = await this.client.send(
        new BatchGetItemCommand({ RequestItems: { [this.tableName]: { Keys, ConsistentRead: true } } }),
      );
      return new Map(Responses?.[this.tableName]?.map((item) => [item.pk?.S, storedClaim(item)]));
    } catch (error) {
      if (isTransient(error)) return new Map();
      throw error;
    }
  }

  /** TTL deletes late, so a claim past its end may still be there; it counts for nothing. */
  private async takeOver(
    { eventId, owner }: ClaimRequest,
    expired: StoredClaim,
    unsure: Set<string>,
  ): Promise<boolean> {
    try {
      await this.client.send(
        new PutItemCommand({
          TableName: this.tableName,
          Item: {
            pk: { S: claimKey(eventId) },
            owner: { S: owner },
            expiresAt: { N: String(this.nowSeconds() + this.windowSeconds) },
          },
          ConditionExpression: 'attribute_not_exists(pk) OR (expiresAt = :seen AND #owner = :owner)',
          ExpressionAttributeNames: { '#owner': 'owner' },
          ExpressionAttributeValues: {
            ':seen': { N: String(expired.expiresAtSeconds) },
            ':owner': { S: expired.owner },
          },
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      if (!isTransient(error)) throw error;
      if (mayHaveTakenEffect(error)) unsure.add(eventId);
      return false;
    }
  }

  private nowSeconds(): number {
    return Math.floor(Date.now() / 1000);
  }
}

/** An answer below 500, such as throttling, is a refusal; after a timeout or a server's error nobody knows. */
function mayHaveTakenEffect(error: unknown): boolean {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return ($metadata?.httpStatusCode ?? FIRST_SERVER_ERROR) >= FIRST_SERVER_ERROR;
}

function claimKey(eventId: string): string {
  return `event#${eventId}`;
}

function storedClaim(item: Record<string, AttributeValue>): StoredClaim {
  return { owner: item.owner?.S ?? '', expiresAtSeconds: Number(item.expiresAt?.N ?? 0) };
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
