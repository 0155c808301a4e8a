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
import { batches } from './batches.ts';
import type { Deadline } from './deadline.ts';

/** Statements per BatchExecuteStatement; a DynamoDB limit. */
const MAX_STATEMENTS_PER_CALL = 25;
/** Keys per BatchGetItem; a DynamoDB limit. */
const MAX_KEYS_PER_CALL = 100;
/** Concurrent calls to DynamoDB. */
const MAX_CONCURRENT_CALLS = 8;
const MIN_SERVER_ERROR_STATUS = 500;
/** Error codes of statements that can be retried. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
  'TransactionConflict',
  'InternalServerError',
]);

/** An event that a message wants to claim. */
export interface ClaimRequest {
  readonly eventId: string;
  readonly owner: string;
}

/** The stored claim of an event: its owner is that of the message that claimed it first. */
export interface Claim extends ClaimRequest {
  /** Whether this invocation made the claim; unknown if a response was lost. */
  readonly made: 'now' | 'earlier' | 'unknown';
}

/** The result of one round of calls. The next round repeats requests without a claim. */
interface ClaimRound {
  readonly claimed: readonly Claim[];
  /** Requests whose INSERT found a claim. */
  readonly taken: readonly ClaimRequest[];
  /** Ids of events that may have been claimed although the response was lost. */
  readonly unsure: readonly string[];
}

interface StoredClaim {
  owner: string;
  expiresAtSeconds: number;
}

/**
 * Claims in DynamoDB: `pk` = `event#<id>`, `owner`, `expiresAt` (seconds). The first message that claims an event
 * owns it, whichever worker processes that message (P3).
 */
export class Claims {
  private readonly client: DynamoDBClient;
  private readonly tableName: string;
  private readonly windowSeconds: number;
  private readonly limit = pLimit(MAX_CONCURRENT_CALLS);

  /** @param client - must not retry by itself: a repeated INSERT would find its own claim */
  constructor(client: DynamoDBClient, tableName: string, windowSeconds: number) {
    this.client = client;
    this.tableName = tableName;
    this.windowSeconds = windowSeconds;
  }

  /**
   * Claims events.
   *
   * @param requests - at most one per event
   * @returns claims by event id; an event without a claim could not be decided in time
   */
  async claim(requests: readonly ClaimRequest[], deadline: Deadline): Promise<Map<string, Claim>> {
    const claims = new Map<string, Claim>();
    const unsure = new Set<string>();
    let left = requests;
    for (let attempt = 1; left.length > 0; attempt++) {
      const round = await this.attempt(left);
      for (const eventId of round.unsure) unsure.add(eventId);
      for (const claim of round.claimed) {
        const isUnknown = claim.made === 'earlier' && unsure.has(claim.eventId);
        claims.set(claim.eventId, isUnknown ? { ...claim, made: 'unknown' } : claim);
      }
      left = left.filter(({ eventId }) => !claims.has(eventId));
      if (left.length > 0 && !(await deadline.allowsRetry(attempt))) break;
    }
    return claims;
  }

  private async attempt(requests: readonly ClaimRequest[]): Promise<ClaimRound> {
    const inserts = batches(requests, MAX_STATEMENTS_PER_CALL);
    const inserted = await this.limit.map(inserts, (batch) => this.insert(batch));
    const taken = inserted.flatMap((result) => result.taken);
    const reads = batches(taken, MAX_KEYS_PER_CALL);
    const results = [...inserted, ...(await this.limit.map(reads, (batch) => this.read(batch)))];
    const claimed = results.flatMap((result) => result.claimed);
    return { claimed, taken, unsure: results.flatMap(({ unsure }) => unsure) };
  }

  private async insert(batch: readonly ClaimRequest[]): Promise<ClaimRound> {
    const claimed: Claim[] = [];
    const taken: ClaimRequest[] = [];
    const unsure: string[] = [];
    const expiresAt = { N: String(this.nowSeconds() + this.windowSeconds) };
    const Statement = `INSERT INTO "${this.tableName}" VALUE {'pk': ?, 'owner': ?, 'expiresAt': ?}`;
    try {
      const { Responses } = await this.client.send(
        new BatchExecuteStatementCommand({
          Statements: batch.map(({ eventId, owner }) => ({
            Statement,
            Parameters: [{ S: claimKey(eventId) }, { S: owner }, expiresAt],
          })),
        }),
      );
      for (const [index, request] of batch.entries()) {
        const error = Responses?.[index]?.Error;
        if (!error) claimed.push({ ...request, made: 'now' });
        else if (error.Code === 'DuplicateItem') taken.push(request);
        else if (error.Code === 'InternalServerError') unsure.push(request.eventId);
        else if (!TRANSIENT_CODES.has(error.Code ?? ''))
          throw new Error(
            `DynamoDB refused a claim: ${error.Code} ${error.Message}. Check the table and the role.`,
          );
      }
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (mayHaveTakenEffect(error)) unsure.push(...batch.map(({ eventId }) => eventId));
    }
    return { claimed, taken, unsure };
  }

  /** Reads existing claims and takes over expired ones. */
  private async read(batch: readonly ClaimRequest[]): Promise<ClaimRound> {
    const claimed: Claim[] = [];
    const unsure: string[] = [];
    const stored = await this.get(batch);
    for (const request of batch) {
      const found = stored.get(claimKey(request.eventId));
      // Deleted or not returned: the next round inserts it again.
      if (!found) continue;
      const isValid = found.expiresAtSeconds > this.nowSeconds();
      const outcome = isValid ? 'valid' : await this.takeOver(request, found);
      if (outcome === 'valid') claimed.push({ ...request, owner: found.owner, made: 'earlier' });
      else if (outcome === 'taken over') claimed.push({ ...request, made: 'now' });
      else if (outcome === 'unsure') unsure.push(request.eventId);
    }
    return { claimed, taken: [], unsure };
  }

  private async get(batch: readonly ClaimRequest[]): Promise<Map<string | undefined, StoredClaim>> {
    const Keys = batch.map(({ eventId }) => ({ pk: { S: claimKey(eventId) } }));
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

  /** Replaces a claim that TTL has not deleted yet. */
  private async takeOver(
    { eventId, owner }: ClaimRequest,
    expired: StoredClaim,
  ): Promise<'taken over' | 'refused' | 'unsure'> {
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
      return 'taken over';
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return 'refused';
      if (!isTransient(error)) throw error;
      return mayHaveTakenEffect(error) ? 'unsure' : 'refused';
    }
  }

  private nowSeconds(): number {
    return Math.floor(Date.now() / 1000);
  }
}

/** A status below 500 is a refusal. After a timeout or a server error the outcome is unknown. */
function mayHaveTakenEffect(error: unknown): boolean {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  return ($metadata?.httpStatusCode ?? MIN_SERVER_ERROR_STATUS) >= MIN_SERVER_ERROR_STATUS;
}

function claimKey(eventId: string): string {
  return `event#${eventId}`;
}

function storedClaim(item: Record<string, AttributeValue>): StoredClaim {
  return { owner: item.owner?.S ?? '', expiresAtSeconds: Number(item.expiresAt?.N ?? 0) };
}
