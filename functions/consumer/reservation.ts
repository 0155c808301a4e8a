import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  type BatchStatementError,
  ConditionalCheckFailedException,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { batches } from '../../lib/aws/batches.ts';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import type { Deadline } from './deadline.ts';
import { afterInsert, afterRead, type StoredItem } from './decisions.ts';

/** Statements per BatchExecuteStatement; a DynamoDB limit. */
const MAX_STATEMENTS_PER_CALL = 25;
/** Keys per BatchGetItem; a DynamoDB limit. */
const MAX_KEYS_PER_CALL = 100;
/** Concurrent calls to DynamoDB. */
const MAX_CONCURRENT_CALLS = 8;

/** Attributes of a DynamoDB item. */
export type Attributes = Record<string, AttributeValue>;

/** An item in the claims table that an attempt inserts if it does not exist, or takes over if it has expired. */
export interface Reservation {
  readonly key: string;
  /** The owner that the item will have. */
  readonly owner: string;
  /** The INSERT. */
  statement(tableName: string): { Statement: string; Parameters: AttributeValue[] };
  /** Parses an existing item. */
  stored(item: Attributes): StoredItem;
  /**
   * Takes over an item that has expired.
   *
   * @returns its attributes before the takeover, without those that were replaced
   * @throws ConditionalCheckFailedException if the item changed since it was read
   */
  takeOver(
    client: DynamoDBClient,
    options: { abortSignal: AbortSignal },
    tableName: string,
    seen: StoredItem,
  ): Promise<Attributes | undefined>;
}

/** The owner of a reserved item, and the item's attributes if it already existed. */
export interface Grant {
  readonly owner: string;
  /** Whether this attempt's INSERT was accepted. */
  readonly isNew: boolean;
  readonly attributes?: Attributes | undefined;
}

/** The result of reserving items. */
export interface Reserved {
  /** By key. If an item has no grant, there was no decision in time. */
  readonly grants: ReadonlyMap<string, Grant>;
  /** An error that retrying cannot fix. */
  readonly error?: unknown;
}

/** The result of one call. Items that are not granted and need not be read or taken over are inserted again. */
interface CallResult {
  readonly granted: readonly (readonly [key: string, grant: Grant])[];
  readonly toRead: readonly Reservation[];
  readonly toTakeOver: readonly { one: Reservation; seen: StoredItem }[];
  readonly error?: unknown;
}

const NOTHING: CallResult = { granted: [], toRead: [], toTakeOver: [] };

/** Inserts claims and turns into the claims table. */
export class Reservations {
  private readonly client: DynamoDBClient;
  private readonly tableName: string;
  private readonly limit = pLimit(MAX_CONCURRENT_CALLS);

  constructor(client: DynamoDBClient, tableName: string) {
    this.client = client;
    this.tableName = tableName;
  }

  /**
   * Reserves items until the deadline. Existing items take more calls, so they are awaited separately.
   *
   * @param requests - at most one per key
   * @returns `first`: grants of the first INSERT calls; `all`: all grants, never rejects
   */
  async reserve(
    requests: readonly Reservation[],
    deadline: Deadline,
  ): Promise<{ first: ReadonlyMap<string, Grant>; all: Promise<Reserved> }> {
    const inserted = await this.insertAll(requests, deadline);
    const first = new Map(inserted.flatMap(({ granted }) => granted));
    return { first, all: this.complete(requests, inserted, deadline) };
  }

  private async complete(
    requests: readonly Reservation[],
    firstResults: readonly CallResult[],
    deadline: Deadline,
  ): Promise<Reserved> {
    const grants = new Map<string, Grant>();
    let inserted = firstResults;
    for (let attempt = 1; ; attempt++) {
      const results = [...inserted, ...(await this.readAll(inserted, deadline))];
      for (const [key, grant] of results.flatMap(({ granted }) => granted)) grants.set(key, grant);
      const failed = results.find(({ error }) => error !== undefined);
      if (failed) return { grants, error: failed.error };
      const left = requests.filter(({ key }) => !grants.has(key));
      if (left.length === 0 || !(await deadline.allowsRetry(attempt))) return { grants };
      inserted = await this.insertAll(left, deadline);
    }
  }

  private insertAll(requests: readonly Reservation[], deadline: Deadline): Promise<CallResult[]> {
    return this.limit.map(batches(requests, MAX_STATEMENTS_PER_CALL), (batch) =>
      settled(() => this.insert(batch, deadline)),
    );
  }

  /** Reads the existing items, and takes over those that have expired. */
  private async readAll(inserted: readonly CallResult[], deadline: Deadline): Promise<CallResult[]> {
    const toRead = inserted.flatMap((result) => result.toRead);
    const read = await this.limit.map(batches(toRead, MAX_KEYS_PER_CALL), (batch) =>
      settled(() => this.read(batch, deadline)),
    );
    const toTakeOver = read.flatMap((result) => result.toTakeOver);
    const takenOver = await this.limit.map(toTakeOver, ({ one, seen }) =>
      settled(() => this.takeOver(one, seen, deadline)),
    );
    return [...read, ...takenOver];
  }

  private async insert(batch: readonly Reservation[], deadline: Deadline): Promise<CallResult> {
    const command = new BatchExecuteStatementCommand({
      Statements: batch.map((one) => one.statement(this.tableName)),
    });
    const { Responses } = await deadline.call((abortSignal) => this.client.send(command, { abortSignal }));
    const answers = batch.map((one, index) => {
      const error = Responses?.[index]?.Error;
      return { one, error, next: afterInsert(error) };
    });
    const refusal = answers.find(({ next }) => next === 'refused')?.error;
    return {
      ...NOTHING,
      granted: answers.flatMap(({ one, next }) =>
        next === 'granted' ? [[one.key, { owner: one.owner, isNew: true }]] : [],
      ),
      toRead: answers.flatMap(({ one, next }) => (next === 'read' ? [one] : [])),
      error: refusal && refused(refusal),
    };
  }

  private async read(batch: readonly Reservation[], deadline: Deadline): Promise<CallResult> {
    const Keys = batch.map(({ key }) => ({ pk: { S: key } }));
    const command = new BatchGetItemCommand({
      RequestItems: { [this.tableName]: { Keys, ConsistentRead: true } },
    });
    const { Responses } = await deadline.call((abortSignal) => this.client.send(command, { abortSignal }));
    // Stryker disable next-line OptionalChaining: required by the SDK's type; every item has a key
    const items = new Map(Responses?.[this.tableName]?.map((item) => [item.pk?.S, item]));
    const nowSeconds = Math.floor(Date.now() / 1000);
    const found = batch.flatMap((one) => {
      const attributes = items.get(one.key);
      // Stryker disable next-line ArrayDeclaration: a string in the list has no next step, so it is ignored
      if (!attributes) return [];
      const seen = one.stored(attributes);
      return [{ one, attributes, seen, next: afterRead(seen, nowSeconds) }];
    });
    return {
      ...NOTHING,
      granted: found
        .filter(({ next }) => next === 'granted')
        .map(({ one, attributes, seen }) => [one.key, { owner: seen.owner, isNew: false, attributes }]),
      toTakeOver: found.filter(({ next }) => next === 'take over'),
    };
  }

  private async takeOver(one: Reservation, seen: StoredItem, deadline: Deadline): Promise<CallResult> {
    const attributes = await deadline.call((abortSignal) =>
      one.takeOver(this.client, { abortSignal }, this.tableName, seen),
    );
    return { ...NOTHING, granted: [[one.key, { owner: one.owner, isNew: false, attributes }]] };
  }
}

/**
 * A call that failed transiently, or lost a race against another worker, has no result. Its items are inserted again.
 */
async function settled(run: () => Promise<CallResult>): Promise<CallResult> {
  try {
    return await run();
  } catch (error) {
    return isTransient(error) || error instanceof ConditionalCheckFailedException
      ? NOTHING
      : { ...NOTHING, error };
  }
}

function refused({ Code, Message }: BatchStatementError): Error {
  return new Error(`DynamoDB refused a claim: ${Code} ${Message}. Check the table and the role.`);
}
