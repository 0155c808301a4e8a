import { Duration, Validations } from 'aws-cdk-lib';
import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { LogLevel } from '../aws/log-level.ts';
import { acknowledgeQueueFunction } from './consumer-function.ts';
import { grantKeyUse } from './encryption.ts';
import type { LogSettings } from './log-group.ts';
import { createQueue, VISIBILITY_FACTOR } from './message-queues.ts';
import { nodeFunction } from './node-function.ts';

/** A batch takes two SQS calls. */
const TIMEOUT_SECONDS = 30;
const BATCH_SIZE = 10;
/**
 * Enough for about 1,000 events per second. With more invocations, more events that follow each other closely would be
 * read at the same time and could be reordered.
 */
const MAX_CONCURRENCY = 5;
/** An SQS outage must not exhaust it. Any other error raises alarms at once, and its messages stay in order. */
const MAX_RECEIVES = 1_000;

/** Properties of {@link DeliveryOrder}. */
export interface DeliveryOrderProps {
  /** FIFO queue of the delivery. */
  readonly fifoQueue: Queue;
  /** Log level. @default 'INFO' */
  readonly logLevel?: LogLevel | undefined;
  /** Settings of the log group. Its key and removal policy are also those of the queues. */
  readonly logs: LogSettings;
}

/**
 * A queue that receives events from a rule, and a function that moves them to a FIFO queue with their conversation as
 * the message group. A rule can only send to a FIFO queue with one message group for all events.
 */
export class DeliveryOrder extends Construct {
  /** Target of the rule. */
  readonly queue: Queue;
  /** Contains events that could not be moved, or that EventBridge could not send. */
  readonly deadLetterQueue: Queue;
  /** The function that moves events. */
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: DeliveryOrderProps) {
    super(scope, id);
    const { fifoQueue, logs } = props;
    this.deadLetterQueue = createQueue(this, 'DeadLetter', logs);
    this.queue = createQueue(this, 'Queue', logs, {
      visibilityTimeout: Duration.seconds(VISIBILITY_FACTOR * TIMEOUT_SECONDS),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: MAX_RECEIVES },
    });
    Validations.of(this.deadLetterQueue).acknowledge({
      id: 'Serverless-SQSRedrivePolicy',
      reason: 'This is the last queue for failed messages. An alarm reports each message sent to it.',
    });
    this.function = nodeFunction(this, {
      description: 'Switchboard delivery: moves events to a FIFO queue, grouped by conversation',
      deployable: 'delivery-order',
      timeoutSeconds: TIMEOUT_SECONDS,
      environment: { FIFO_QUEUE_URL: fifoQueue.queueUrl },
      logLevel: props.logLevel,
      logs,
      grant: (role) => {
        this.queue.grant(role, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes');
        fifoQueue.grant(role, 'sqs:SendMessage');
        grantKeyUse(logs.encryptionKey, role);
      },
    });
    const mapping = new EventSourceMapping(this, 'EventSource', {
      target: this.function,
      eventSourceArn: this.queue.queueArn,
      batchSize: BATCH_SIZE,
      maxConcurrency: MAX_CONCURRENCY,
      reportBatchItemFailures: true,
    });
    acknowledgeQueueFunction(this.function, mapping, 'the order queue');
  }
}
