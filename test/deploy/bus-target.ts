import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { type AwsEdge, eventBridgeClient, sqsClient } from '../../lib/aws/aws-clients.ts';

/** Concurrent ReceiveMessage requests. */
const READERS = 3;
const BATCH = 10;
const WAIT_SECONDS = 1;
/** Longer than the test, so that no message is received twice. */
const VISIBILITY_SECONDS = 600;

/** An event as delivered to a rule target. */
export interface DeliveredEvent {
  source: string;
  'detail-type': string;
  detail: { topicName: string; eventBody: unknown; metadata: { eventId: string } };
}

/** A queue that is the target of a rule for all events of Switchboard. */
export class BusTarget {
  /** Number of messages read. */
  events = 0;
  private readonly onEvent: (event: DeliveredEvent) => void;
  private readonly edge: AwsEdge;
  /** Ids of messages read. A message that SQS delivers twice is counted once. */
  private readonly read = new Set<string>();
  private readonly stopping = new AbortController();
  private readers: Promise<void>[] = [];
  private queueUrl = '';

  constructor(edge: AwsEdge, onEvent: (event: DeliveredEvent) => void) {
    this.edge = edge;
    this.onEvent = onEvent;
  }

  /** Creates the queue and the rule, and starts reading. */
  async start(busName: string): Promise<void> {
    const sqs = sqsClient(this.edge);
    const { QueueUrl = '' } = await sqs.send(
      new CreateQueueCommand({
        QueueName: `deploy-test-${Date.now()}`,
        Attributes: { VisibilityTimeout: String(VISIBILITY_SECONDS) },
      }),
    );
    this.queueUrl = QueueUrl;
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
    );
    const eventbridge = eventBridgeClient(this.edge);
    const rule = { Name: 'deploy-test', EventBusName: busName };
    await eventbridge.send(
      new PutRuleCommand({ ...rule, EventPattern: JSON.stringify({ source: ['genesys.cloud'] }) }),
    );
    const added = await eventbridge.send(
      new PutTargetsCommand({
        Rule: rule.Name,
        EventBusName: busName,
        Targets: [{ Id: 'queue', Arn: Attributes?.QueueArn }],
      }),
    );
    if (added.FailedEntryCount !== 0) throw new Error(JSON.stringify(added.FailedEntries));
    this.readers = Array.from({ length: READERS }, () => this.readMessages());
  }

  /** Reads the remaining messages and stops. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.readers);
  }

  private async readMessages(): Promise<void> {
    const sqs = sqsClient(this.edge);
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: this.queueUrl,
          MaxNumberOfMessages: BATCH,
          WaitTimeSeconds: WAIT_SECONDS,
        }),
      );
      if (Messages.length === 0 && this.stopping.signal.aborted) return;
      if (Messages.length === 0) continue;
      for (const { MessageId = '', Body = '' } of Messages) {
        if (this.read.has(MessageId)) continue;
        this.read.add(MessageId);
        this.events++;
        this.onEvent(JSON.parse(Body) as DeliveredEvent);
      }
      const { Failed = [] } = await sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl: this.queueUrl,
          Entries: Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
        }),
      );
      if (Failed.length > 0) throw new Error(JSON.stringify(Failed));
    }
  }
}

/** Returns the number of messages in a queue, including messages in flight. */
export async function messagesIn(edge: AwsEdge, queueUrl: string): Promise<number> {
  const { Attributes } = await sqsClient(edge).send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return Object.values(Attributes ?? {}).reduce((sum, count) => sum + Number(count), 0);
}
