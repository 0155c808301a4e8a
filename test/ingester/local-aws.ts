import {
  type AttributeValue,
  CreateTableCommand,
  type DynamoDBClient,
  paginateScan,
} from '@aws-sdk/client-dynamodb';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { Emulator, type EmulatorOptions } from 'switchboard-local/emulator/emulator.ts';
import type { Frame } from 'switchboard-local/simulator/frame.ts';
import type { Ledger } from 'switchboard-local/simulator/ledger.ts';
import { dynamoDbClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { envelopeSchema, type QueuedEvent, type RejectedFrame } from '../../lib/events/schema.ts';

export const STATE_TABLE = 'state';
const EVENTS_QUEUE = 'events';

/** The emulated AWS resources of an ingester: the events queue and the state table. */
export class LocalAws {
  readonly emulator: Emulator;
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
  readonly eventsQueueUrl: string;
  /** Base URL of the emulator. */
  readonly url: string;

  private constructor(emulator: Emulator, url: string) {
    const edge = {
      region: 'us-east-1',
      endpoint: url,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    };
    this.emulator = emulator;
    this.url = url;
    this.sqs = sqsClient(edge);
    this.dynamodb = dynamoDbClient(edge);
    this.eventsQueueUrl = emulator.sqs.queueUrl(EVENTS_QUEUE);
  }

  static async start(options: EmulatorOptions = {}): Promise<LocalAws> {
    const emulator = new Emulator(options);
    const { url } = await emulator.listen();
    emulator.sqs.createQueue(EVENTS_QUEUE);
    const aws = new LocalAws(emulator, url);
    await aws.dynamodb.send(
      new CreateTableCommand({
        TableName: STATE_TABLE,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    );
    return aws;
  }

  /** The items in the events queue, in order of arrival. */
  get items(): (QueuedEvent | RejectedFrame)[] {
    return this.emulator.sqs
      .queue(EVENTS_QUEUE)
      .peek()
      .flatMap(
        ({ body }) => envelopeSchema.parse(JSON.parse(body)).events as (QueuedEvent | RejectedFrame)[],
      );
  }

  /** The events among them. */
  get events(): QueuedEvent[] {
    return this.items.filter((item): item is QueuedEvent => 'frame' in item);
  }

  /** The rejected frames among them. */
  get rejected(): RejectedFrame['rejected'][] {
    return this.items.flatMap((item) => ('rejected' in item ? [item.rejected] : []));
  }

  /** Report the events in the queue to a ledger. */
  settle(ledger: Ledger): void {
    for (const { frame } of this.events) ledger.received(ledger.keyOf(frame as unknown as Frame));
  }

  /** Items of the state table whose sort key starts with `prefix`. */
  async records(prefix: string): Promise<Record<string, AttributeValue>[]> {
    const found: Record<string, AttributeValue>[] = [];
    for await (const page of paginateScan({ client: this.dynamodb }, { TableName: STATE_TABLE })) {
      found.push(...(page.Items ?? []).filter(({ sk }) => sk?.S?.startsWith(prefix)));
    }
    return found;
  }

  async close(): Promise<void> {
    this.sqs.destroy();
    this.dynamodb.destroy();
    await this.emulator.close();
  }
}
