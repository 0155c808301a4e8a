import { CreateTableCommand, type DynamoDBClient, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { CreateEventBusCommand, type EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Emulator } from 'switchboard-local/emulator/emulator.ts';

/** Default visibility timeout of the events queue. */
const VISIBILITY_TIMEOUT_SECONDS = 60;
const MAX_RECEIVES = 5;
const RETENTION_SECONDS = 14 * 86_400;

/** Names of the pipeline's AWS resources. */
export const NAMES = {
  eventsQueue: 'switchboard-events',
  deadLetterQueue: 'switchboard-events-dead-letter',
  quarantineQueue: 'switchboard-quarantine',
  gapsQueue: 'switchboard-gaps',
  deliveryQueue: 'switchboard-delivery',
  deliveryDeadLetterQueue: 'switchboard-delivery-dead-letter',
  orderQueue: 'switchboard-delivery-order',
  orderDeadLetterQueue: 'switchboard-delivery-order-dead-letter',
  signingSecret: 'switchboard-delivery-signing',
  claimsTable: 'switchboard-claims',
  stateTable: 'switchboard-state',
  bus: 'switchboard',
  oversizeBucket: 'switchboard-oversize',
  webhookSecret: 'switchboard-webhook',
  auditLogGroup: 'switchboard-audit',
} as const;

/** Name of the delivery queue, which is a FIFO queue if the order is kept. */
export function deliveryQueue(ordered: boolean): string {
  return ordered ? `${NAMES.deliveryQueue}.fifo` : NAMES.deliveryQueue;
}

/** Name of its dead-letter queue, which is of the same type. */
export function deliveryDeadLetterQueue(ordered: boolean): string {
  return ordered ? `${NAMES.deliveryDeadLetterQueue}.fifo` : NAMES.deliveryDeadLetterQueue;
}

/** URLs of the created queues. */
export interface Resources {
  eventsQueueUrl: string;
  quarantineQueueUrl: string;
  gapsQueueUrl: string;
}

/** Creates the queues, tables and the bus of a deployment. */
export async function createResources(
  clients: {
    sqs: SQSClient;
    dynamodb: DynamoDBClient;
    eventbridge: EventBridgeClient;
  },
  visibilityTimeoutSeconds = VISIBILITY_TIMEOUT_SECONDS,
): Promise<Resources> {
  const deadLetter = await createQueue(clients.sqs, NAMES.deadLetterQueue, {});
  const eventsQueueUrl = await createQueue(clients.sqs, NAMES.eventsQueue, {
    VisibilityTimeout: String(visibilityTimeoutSeconds),
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: await arnOf(clients.sqs, deadLetter),
      maxReceiveCount: MAX_RECEIVES,
    }),
  });
  const quarantineQueueUrl = await createQueue(clients.sqs, NAMES.quarantineQueue, {});
  const gapsQueueUrl = await createQueue(clients.sqs, NAMES.gapsQueue, {
    VisibilityTimeout: String(visibilityTimeoutSeconds),
  });
  await createTable(clients.dynamodb, NAMES.claimsTable, ['pk']);
  await createTable(clients.dynamodb, NAMES.stateTable, ['pk', 'sk']);
  await clients.eventbridge.send(new CreateEventBusCommand({ Name: NAMES.bus }));
  return { eventsQueueUrl, quarantineQueueUrl, gapsQueueUrl };
}

/** Creates a bucket in the local AWS. */
export function createBucket(emulator: Emulator, name: string): void {
  emulator.s3.handle({
    method: 'PUT',
    path: `/${name}`,
    query: new URLSearchParams(),
    headers: {},
    body: new Uint8Array(),
  });
}

/** Creates a queue with the retention of all queues. */
export async function createQueue(
  sqs: SQSClient,
  name: string,
  attributes: Record<string, string>,
): Promise<string> {
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({
      QueueName: name,
      Attributes: { MessageRetentionPeriod: String(RETENTION_SECONDS), ...attributes },
    }),
  );
  if (!QueueUrl) throw new Error(`CreateQueue returned no URL for the queue ${name}`);
  return QueueUrl;
}

/** The ARN of a queue. */
export async function arnOf(sqs: SQSClient, QueueUrl: string): Promise<string> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  return Attributes.QueueArn ?? '';
}

async function createTable(dynamodb: DynamoDBClient, name: string, keys: readonly string[]): Promise<void> {
  await dynamodb.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: keys.map((key) => ({ AttributeName: key, AttributeType: 'S' })),
      KeySchema: keys.map((key, index) => ({ AttributeName: key, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
    }),
  );
  await dynamodb.send(
    new UpdateTimeToLiveCommand({
      TableName: name,
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    }),
  );
}
