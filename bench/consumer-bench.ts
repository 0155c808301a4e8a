import { randomUUID } from 'node:crypto';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Context, SQSEvent } from 'aws-lambda';
import { readConfig } from '../functions/consumer/consumer-config.ts';
import { createHandler } from '../functions/consumer/sqs-handler.ts';
import { BATCHER_LIMITS } from '../functions/ingester/batcher.ts';
import { dynamoDbClient, eventBridgeClient, sqsClient } from '../lib/aws/aws-clients.ts';
import { createLogger } from '../lib/aws/logger.ts';
import { encodeEnvelope } from '../lib/events/envelope.ts';
import { contentIdentity } from '../lib/events/identity.ts';
import { eventItem } from '../lib/events/item.ts';
import type { Frame } from '../lib/events/schema.ts';
import { frameSource } from './frame-source.ts';
import { nullAws } from './null-aws.ts';

const BATCH_MESSAGES = 10;
const TABLE = 'claims';
const BUS = 'bus';
const VARIABLES = {
  CLAIMS_TABLE: TABLE,
  EVENT_BUS_NAME: BUS,
  QUARANTINE_QUEUE_URL: 'http://127.0.0.1:9/0/quarantine',
};

/** Batches as Lambda hands them to the consumer, their messages filled as the ingester fills them. */
export function* batches(events: number, seed = 7): Generator<SQSEvent> {
  const next = frameSource(seed);
  let bodies: string[] = [];
  let items: string[] = [];
  let bytes = 0;
  const seal = () => {
    const id = randomUUID();
    bodies.push(encodeEnvelope({ id, owner: id, sentAt: new Date().toISOString() }, items));
    items = [];
    bytes = 0;
  };
  for (let made = 0; made < events; made++) {
    const text = next();
    const frame = JSON.parse(text) as Frame;
    const identity = { id: contentIdentity(frame), isWeak: false };
    const about = { identity, protocol: 'bench', receivedAt: new Date().toISOString() };
    const item = eventItem({ frame, text }, about)?.json ?? '';
    if (items.length > 0 && bytes + item.length > BATCHER_LIMITS.envelopeBytes) seal();
    items.push(item);
    bytes += item.length;
    if (bodies.length < BATCH_MESSAGES) continue;
    yield toEvent(bodies);
    bodies = [];
  }
  seal();
  yield toEvent(bodies);
}

/** The consumer towards an AWS that does nothing. */
export function consumer(): (event: SQSEvent) => Promise<void> {
  const aws = nullAws();
  const handler = createHandler(readConfig(VARIABLES), {
    dynamodb: dynamoDbClient(aws, 1),
    sqs: sqsClient(aws),
    eventbridge: eventBridgeClient(aws),
    logger: createLogger('bench', 'SILENT'),
    metrics: new Metrics({ namespace: 'Switchboard', serviceName: 'bench' }),
  });
  return async (event) => {
    const { batchItemFailures } = await handler(event, context());
    if (batchItemFailures.length > 0) throw new Error(`${batchItemFailures.length} messages failed`);
  };
}

/** The naive way: for each event one conditional PutItem, one PutEvents, one UpdateItem. */
export function naiveConsumer(): (event: SQSEvent) => Promise<void> {
  const aws = nullAws();
  const dynamodb = dynamoDbClient(aws, 1);
  const eventbridge = eventBridgeClient(aws);
  return async (event) => {
    for (const { body } of event.Records) {
      const { events } = JSON.parse(body) as { events: { id: string; type: string; frame: Frame }[] };
      for (const { id, type, frame } of events) {
        const pk = { S: `event#${id}` };
        await dynamodb.send(
          new PutItemCommand({
            TableName: TABLE,
            Item: { pk, state: { S: 'claimed' } },
            ConditionExpression: 'attribute_not_exists(pk)',
          }),
        );
        await eventbridge.send(
          new PutEventsCommand({
            Entries: [
              { EventBusName: BUS, Source: 'naive', DetailType: type, Detail: JSON.stringify(frame) },
            ],
          }),
        );
        await dynamodb.send(
          new UpdateItemCommand({
            TableName: TABLE,
            Key: { pk },
            UpdateExpression: 'SET #state = :done',
            ExpressionAttributeNames: { '#state': 'state' },
            ExpressionAttributeValues: { ':done': { S: 'done' } },
          }),
        );
      }
    }
  };
}

function toEvent(bodies: readonly string[]): SQSEvent {
  return {
    Records: bodies.map((body) => ({
      messageId: randomUUID(),
      receiptHandle: 'handle',
      body,
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: '0',
        SenderId: 'bench',
        ApproximateFirstReceiveTimestamp: '0',
      },
      messageAttributes: {},
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:events',
      awsRegion: 'us-east-1',
    })),
  };
}

const TIMEOUT_MS = 30_000;

function context(): Context {
  return {
    awsRequestId: 'bench',
    functionName: 'consumer',
    getRemainingTimeInMillis: () => TIMEOUT_MS,
  } as Context;
}
