import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';

/** Whether a destination may be called. */
export type DestinationState =
  /** Calls are made. */
  | 'closed'
  /** Too many calls failed. No call is made before `retryAtMs`, then one probe. */
  | 'open'
  /** A probe is in flight. If it has no result by `retryAtMs`, another one may be made. */
  | 'half_open'
  /** The destination responded with 410. No call is made until an operator resumes it. */
  | 'stopped';

/** What all invocations know of a destination. */
export interface Destination {
  /** Increases with each write, so that only one of two writers succeeds; 0 if nothing is stored. */
  readonly version: number;
  readonly state: DestinationState;
  /** Epoch milliseconds since when it is in this state. */
  readonly sinceMs: number;
  /** Why it is in this state; undefined if it has never failed. */
  readonly reason?: string | undefined;
  /** See {@link DestinationState}; epoch milliseconds. */
  readonly retryAtMs?: number | undefined;
  /** Epoch milliseconds before which no call is made, in any state, because of `Retry-After`. */
  readonly heldUntilMs?: number | undefined;
  /** Epoch milliseconds from which the rate of calls rises again; undefined if it never had to. */
  readonly rampFromMs?: number | undefined;
  /** Of the circuit breaker; a JSON value. */
  readonly policy?: unknown;
}

/** What an operator sees of a destination besides its state. */
export interface DestinationFacts {
  /** Scheme and host of the URL. Its path can contain a secret. */
  readonly origin: string;
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
}

/** Attempts to take a slot while other invocations take theirs. */
const MAX_SLOT_ATTEMPTS = 8;
/** Partition key of all destinations, whose sort key is the name. */
export const DESTINATIONS_KEY = 'deliveries';

/** A time at which a call may be made, or the earliest time to try again. */
export type Slot = { readonly atMs: number } | { readonly retryAtMs: number };

/** The state of a destination in the state table. */
export class DestinationStore {
  private readonly client: DynamoDBClient;
  private readonly TableName: string;
  private readonly name: string;
  private readonly facts: DestinationFacts;

  constructor(
    client: DynamoDBClient,
    { tableName, name, facts }: { tableName: string; name: string; facts: DestinationFacts },
  ) {
    this.client = client;
    this.TableName = tableName;
    this.name = name;
    this.facts = facts;
  }

  /** The present state. */
  async read(): Promise<Destination> {
    const { TableName } = this;
    const { Item } = await this.client.send(
      new GetItemCommand({ TableName, Key: this.key, ConsistentRead: true }),
    );
    return Item ? destinationOf(Item) : { version: 0, state: 'closed', sinceMs: Date.now() };
  }

  /**
   * Replaces a state that was read.
   *
   * @returns the stored state, or undefined if another invocation has changed it since it was read
   */
  async replace(
    { version }: Destination,
    next: Omit<Destination, 'version'>,
  ): Promise<Destination | undefined> {
    const stored = { ...next, version: version + 1 };
    try {
      await this.client.send(
        new PutItemCommand({
          TableName: this.TableName,
          Item: { ...this.key, ...itemOf(stored), ...this.factItem() },
          ConditionExpression: version === 0 ? 'attribute_not_exists(pk)' : 'version = :version',
          ...(version === 0 ? {} : { ExpressionAttributeValues: { ':version': { N: String(version) } } }),
        }),
      );
      return stored;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }

  /** Stops the destination, whatever other invocations write at the same time. */
  async stop(reason: string): Promise<void> {
    await this.update(
      'SET #state = :stopped, sinceMs = :now, reason = :reason',
      'attribute_not_exists(pk) OR #state <> :stopped',
      { ':reason': { S: reason }, ':now': number(Date.now()) },
      'REMOVE retryAtMs, heldUntilMs',
    );
  }

  /** Lets no call be made for some time, whatever other invocations write at the same time. */
  async hold(untilMs: number, reason: string): Promise<void> {
    const hold = () =>
      this.update(
        'SET heldUntilMs = :until, reason = :reason',
        'attribute_exists(pk) AND #state <> :stopped AND (attribute_not_exists(heldUntilMs) OR heldUntilMs < :until)',
        { ':until': number(untilMs), ':reason': { S: reason } },
      );
    if ((await hold()) !== 'missing') return;
    const first: Destination = {
      version: 0,
      state: 'closed',
      sinceMs: Date.now(),
      heldUntilMs: untilMs,
      reason,
    };
    if (!(await this.replace(first, first))) await hold();
  }

  /** Changes the stored state. A {@link replace} of the former state then fails. */
  private async update(
    changes: string,
    ConditionExpression: string,
    values: Record<string, AttributeValue>,
    removals = '',
  ): Promise<'changed' | 'unchanged' | 'missing'> {
    const facts = Object.entries(this.factItem());
    const factChanges = facts.map(([name]) => `${name} = :${name}`).join(', ');
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.TableName,
          Key: this.key,
          UpdateExpression: `${changes}, ${factChanges} ${removals} ADD version :one`,
          ConditionExpression,
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: {
            ...values,
            ...Object.fromEntries(facts.map(([name, value]) => [`:${name}`, value])),
            ':stopped': { S: 'stopped' },
            ':one': number(1),
          },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return 'changed';
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return error.Item ? 'unchanged' : 'missing';
    }
  }

  /**
   * Takes the next free time for a call. All invocations take from the same sequence of times.
   *
   * @param intervalMs - time between two calls
   * @param latestMs - epoch milliseconds after which a slot is of no use
   */
  async takeSlot(intervalMs: number, latestMs: number): Promise<Slot> {
    for (let attempt = 1; attempt <= MAX_SLOT_ATTEMPTS; attempt++) {
      const nowMs = Date.now();
      const values = { ':interval': number(intervalMs), ':now': number(nowMs), ':latest': number(latestMs) };
      const taken = await this.updateSlot(
        'ADD slotMs :interval',
        'slotMs >= :now AND slotMs <= :latest',
        values,
      );
      if ('slotMs' in taken) return { atMs: taken.slotMs - intervalMs };
      if ((taken.previousMs ?? 0) > latestMs) return { retryAtMs: taken.previousMs ?? latestMs };
      const first = await this.updateSlot(
        'SET slotMs = :next',
        'attribute_not_exists(slotMs) OR slotMs < :now',
        { ':next': number(nowMs + intervalMs), ':now': number(nowMs) },
      );
      if ('slotMs' in first) return { atMs: nowMs };
    }
    return { retryAtMs: Date.now() };
  }

  private async updateSlot(
    UpdateExpression: string,
    ConditionExpression: string,
    ExpressionAttributeValues: Record<string, AttributeValue>,
  ): Promise<{ slotMs: number } | { previousMs: number | undefined }> {
    try {
      const { Attributes } = await this.client.send(
        new UpdateItemCommand({
          TableName: this.TableName,
          Key: { pk: { S: `delivery#${this.name}` }, sk: { S: 'rate' } },
          UpdateExpression,
          ConditionExpression,
          ExpressionAttributeValues,
          ReturnValues: 'UPDATED_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return { slotMs: Number(Attributes?.slotMs?.N) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { previousMs: numberIn(error.Item?.slotMs) };
    }
  }

  private get key() {
    return { pk: { S: DESTINATIONS_KEY }, sk: { S: this.name } };
  }

  private factItem(): Record<string, AttributeValue> {
    const { origin, queueUrl, deadLetterQueueUrl } = this.facts;
    return {
      origin: { S: origin },
      queueUrl: { S: queueUrl },
      deadLetterQueueUrl: { S: deadLetterQueueUrl },
      updatedAtMs: number(Date.now()),
    };
  }
}

function destinationOf(item: Record<string, AttributeValue>): Destination {
  const { version, state, sinceMs, reason, retryAtMs, heldUntilMs, rampFromMs, policy } = item;
  return {
    version: Number(version?.N),
    state: (state?.S ?? 'closed') as DestinationState,
    sinceMs: Number(sinceMs?.N),
    reason: reason?.S,
    retryAtMs: numberIn(retryAtMs),
    heldUntilMs: numberIn(heldUntilMs),
    rampFromMs: numberIn(rampFromMs),
    policy: policy?.S === undefined ? undefined : JSON.parse(policy.S),
  };
}

function itemOf({
  version,
  state,
  sinceMs,
  reason,
  retryAtMs,
  heldUntilMs,
  rampFromMs,
  policy,
}: Destination): Record<string, AttributeValue> {
  return {
    version: number(version),
    state: { S: state },
    sinceMs: number(sinceMs),
    ...(reason === undefined ? {} : { reason: { S: reason } }),
    ...(retryAtMs === undefined ? {} : { retryAtMs: number(retryAtMs) }),
    ...(heldUntilMs === undefined ? {} : { heldUntilMs: number(heldUntilMs) }),
    ...(rampFromMs === undefined ? {} : { rampFromMs: number(rampFromMs) }),
    ...(policy === undefined ? {} : { policy: { S: JSON.stringify(policy) } }),
  };
}

function number(value: number): AttributeValue.NMember {
  return { N: String(value) };
}

function numberIn(value: AttributeValue | undefined): number | undefined {
  return value?.N === undefined ? undefined : Number(value.N);
}
