import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { DESTINATIONS_KEY } from '../../functions/delivery/destination-store.ts';
import { DeliveriesError } from './deliveries-error.ts';

/** Items per page of the query. */
const PAGE_SIZE = 100;
/** A deployment has far fewer destinations. */
const MAX_PAGES = 10;

/** What a deployment stores about one destination. An attribute that is missing or has another type is undefined. */
export interface DestinationState {
  readonly name: string;
  /** Scheme and host of the destination's URL. */
  readonly origin: string | undefined;
  /** `closed`, `open`, `half_open` or `stopped`. */
  readonly state: string;
  /** Beginning of the state, in epoch milliseconds. */
  readonly sinceMs: number | undefined;
  readonly reason: string | undefined;
  /** The destination is not called before this time, in epoch milliseconds. */
  readonly retryAtMs: number | undefined;
  readonly queueUrl: string | undefined;
  readonly deadLetterQueueUrl: string | undefined;
  /** Epoch milliseconds. */
  readonly updatedAtMs: number | undefined;
}

/** The destinations of a deployment, in its state table. */
export class DestinationStates {
  private readonly client: DynamoDBClient;
  private readonly tableName: string;

  constructor(client: DynamoDBClient, tableName: string) {
    this.client = client;
    this.tableName = tableName;
  }

  /** The destinations by name. `isComplete` is false if there are more than the maximum number that is read. */
  async list(): Promise<{ destinations: DestinationState[]; isComplete: boolean }> {
    const destinations: DestinationState[] = [];
    let next: Record<string, AttributeValue> | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const { Items = [], LastEvaluatedKey } = await this.client.send(
        new QueryCommand({
          TableName: this.tableName,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': { S: DESTINATIONS_KEY } },
          ConsistentRead: true,
          Limit: PAGE_SIZE,
          ExclusiveStartKey: next,
        }),
      );
      destinations.push(...Items.map(destinationState));
      next = LastEvaluatedKey;
      if (next === undefined) break;
    }
    return { destinations, isComplete: next === undefined };
  }

  /** @throws {@link DeliveriesError} that lists the known destinations */
  async named(name: string): Promise<DestinationState> {
    const { destinations } = await this.list();
    const found = destinations.find((one) => one.name === name);
    if (found) return found;
    const known = destinations.map((one) => one.name);
    throw new DeliveriesError(
      'unknown_destination',
      known.length === 0
        ? `There is no destination ${name}: the table ${this.tableName} has none.`
        : `There is no destination ${name}. The destinations are ${known.join(', ')}.`,
    );
  }

  /**
   * Resumes delivery to a destination that was stopped because it responded with 410 (Gone).
   *
   * @throws {@link DeliveriesError} if the destination does not exist or is not stopped
   */
  async resume(name: string): Promise<void> {
    const now = { N: String(Date.now()) };
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.tableName,
          Key: { pk: { S: DESTINATIONS_KEY }, sk: { S: name } },
          ConditionExpression: '#state = :stopped',
          // The policy holds the failures before the stop, which say nothing about the destination now. The rate of
          // calls rises again step by step, because many events can be waiting.
          UpdateExpression:
            'SET #state = :closed, sinceMs = :now, rampFromMs = :now, updatedAtMs = :now REMOVE reason, #policy, retryAtMs ADD #version :one',
          ExpressionAttributeNames: { '#state': 'state', '#policy': 'policy', '#version': 'version' },
          ExpressionAttributeValues: {
            ':stopped': { S: 'stopped' },
            ':closed': { S: 'closed' },
            ':now': now,
            ':one': { N: '1' },
          },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const { state, sinceMs } = await this.named(name);
      const since = sinceMs === undefined ? '' : ` since ${new Date(sinceMs).toISOString()}`;
      throw new DeliveriesError(
        'not_stopped',
        `${name} is not stopped, so there is nothing to resume. It is ${state}${since}.`,
      );
    }
  }
}

function destinationState(item: Readonly<Record<string, AttributeValue>>): DestinationState {
  const number = (name: string) => (item[name]?.N === undefined ? undefined : Number(item[name].N));
  return {
    name: item.sk?.S ?? '',
    origin: item.origin?.S,
    state: item.state?.S ?? 'unknown',
    sinceMs: number('sinceMs'),
    reason: item.reason?.S,
    retryAtMs: latest(number('retryAtMs'), number('heldUntilMs')),
    queueUrl: item.queueUrl?.S,
    deadLetterQueueUrl: item.deadLetterQueueUrl?.S,
    updatedAtMs: number('updatedAtMs'),
  };
}

/** A destination is not called before the end of its circuit's pause, nor before the end of `Retry-After`. */
function latest(...timesMs: (number | undefined)[]): number | undefined {
  const known = timesMs.filter((timeMs) => timeMs !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
