import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Context, SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import type { Queue } from 'switchboard-local/emulator/sqs/sqs-queue.ts';
import { createHandler, type OrderHandler } from '../../functions/delivery-order/order-handler.ts';
import { sqsClient } from '../../lib/aws/aws-clients.ts';
import { createLogger, type LogLevel } from '../../lib/aws/logger.ts';

const REGION = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
export const SEND = 'AmazonSQS.SendMessageBatch';
// Only the tests of the metrics enable EMF documents, to keep them out of the test output.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

/** An EventBridge event of a conversation. Its id is its body. */
export function conversationEvent(
  conversationId: string,
  id: string,
  times: { receivedAt?: string; timestamp?: string } = {},
): string {
  return JSON.stringify({
    id,
    'detail-type': 'v2.detail.events.conversation.{id}.customer.end',
    detail: {
      topicName: `v2.detail.events.conversation.${conversationId}.customer.end`,
      eventBody: { conversationId },
      timestamp: times.timestamp,
      metadata: { receivedAt: times.receivedAt },
    },
  });
}

/** A message of the order queue as Lambda passes it to the function. */
export function record(body: string, messageId: string, sentAtMs = 1_800_000_000_000): SQSRecord {
  return { messageId, body, attributes: { SentTimestamp: String(sentAtMs) } } as SQSRecord;
}

/** The order function on an in-process AWS emulator. */
export class LocalOrder {
  readonly faults = new FaultInjector({ seed: 1, stallMs: 0 });
  readonly calls: string[] = [];
  readonly emulator = new Emulator({ faults: this.faults, onCall: ({ target }) => this.calls.push(target) });
  readonly orderQueue: Queue;
  readonly fifoQueue: Queue;
  readonly handler: OrderHandler;

  constructor(options: { logLevel?: LogLevel; attempts?: number; queueUrl?: string } = {}) {
    const { sqs } = this.emulator;
    const { logLevel = 'SILENT', attempts = 1, queueUrl = sqs.queueUrl('deliveries.fifo') } = options;
    this.orderQueue = sqs.createQueue('order', { VisibilityTimeout: '180' });
    this.fifoQueue = sqs.createQueue('deliveries.fifo', {
      FifoQueue: 'true',
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
    });
    const logger = createLogger('delivery-order', logLevel);
    this.handler = createHandler(
      { fifoQueueUrl: queueUrl, logLevel },
      {
        sqs: sqsClient({ ...REGION, requestHandler: this.emulator.requestHandler() }, attempts),
        logger,
        metrics: new Metrics({ namespace: 'Switchboard', serviceName: 'delivery-order', logger }),
      },
    );
  }

  /** Invokes the function. @returns the ids of the failed messages */
  async invoke(...records: SQSRecord[]): Promise<string[]> {
    const response: SQSBatchResponse = await this.handler({ Records: records }, {
      awsRequestId: 'id',
    } as Context);
    return response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  }

  /** Ids of the events in the FIFO queue, in order. */
  get ids(): string[] {
    return this.fifoQueue.peek().map(({ body }) => (JSON.parse(body) as { id: string }).id);
  }
}
