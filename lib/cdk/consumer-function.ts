import { Validations } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { LogLevel } from '../aws/log-level.ts';
import { grantKeyUse } from './encryption.ts';
import type { Bus } from './event-bus.ts';
import type { FunctionOptions } from './function-options.ts';
import type { LogSettings } from './log-group.ts';
import { CONSUMER_TIMEOUT_SECONDS, type Queues } from './message-queues.ts';
import { nodeFunction } from './node-function.ts';
import { grantPutObjects } from './oversize-bucket.ts';
import type { RedactionSettings } from './redaction-settings.ts';

/** Messages per batch. Each message contains many events. */
const BATCH_SIZE = 10;

/** Properties of {@link ConsumerFunction}. */
export interface ConsumerFunctionProps {
  /**
   * Options of the user.
   *
   * @default - the default options
   */
  readonly options?: FunctionOptions | undefined;

  /** The events queue is the event source. Items that cannot be published are sent to the quarantine queue. */
  readonly queues: Queues;

  /** Table for claims. */
  readonly claimsTable: ITable;

  /** Event bus to publish to. */
  readonly bus: Bus;

  /** Bucket for events that exceed the EventBridge size limit. */
  readonly oversizeBucket: IBucket;

  /** `source` of the published events. */
  readonly eventSource: string;

  /** Deduplication window, in days. */
  readonly dedupWindowDays: number;

  /** Maximum number of concurrent invocations. */
  readonly concurrency: number;

  /**
   * Content redaction of events that EventBridge sends to the queue unchanged.
   *
   * @default - nothing is redacted
   */
  readonly redaction?: RedactionSettings | undefined;

  /**
   * Log level.
   *
   * @default 'INFO'
   */
  readonly logLevel?: LogLevel | undefined;

  /** Settings of the log group. */
  readonly logs: LogSettings;

  /**
   * KMS key that encrypts the queues, the table and the bucket.
   *
   * @default - AWS owned keys
   */
  readonly encryptionKey?: IKey | undefined;
}

/** The consumer: an AWS Lambda function that processes the events queue with partial batch responses. */
export class ConsumerFunction extends Construct {
  /** The Lambda function. */
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: ConsumerFunctionProps) {
    super(scope, id);
    this.function = nodeFunction(this, {
      description: 'Switchboard consumer: deduplicates events and publishes them to EventBridge',
      deployable: 'consumer',
      timeoutSeconds: CONSUMER_TIMEOUT_SECONDS,
      options: props.options,
      environment: this.environment(props),
      logLevel: props.logLevel,
      logs: props.logs,
      grant: (role) => this.grantAll(role, props),
    });
    const mapping = new EventSourceMapping(this, 'EventSource', {
      target: this.function,
      eventSourceArn: props.queues.events.queueArn,
      batchSize: BATCH_SIZE,
      maxConcurrency: props.concurrency,
      reportBatchItemFailures: true,
    });
    acknowledgeQueueFunction(this.function, mapping, 'the events queue');
  }

  /** Grants the calls made by `functions/consumer` and by the Lambda event source. */
  private grantAll(role: Role, props: ConsumerFunctionProps): void {
    const { queues, claimsTable, bus, oversizeBucket, encryptionKey } = props;
    queues.events.grant(role, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes');
    queues.quarantine.grant(role, 'sqs:SendMessage');
    claimsTable.grant(
      role,
      'dynamodb:PartiQLInsert',
      'dynamodb:BatchGetItem',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
    );
    bus.bus.grantPutEventsTo(role);
    grantPutObjects(oversizeBucket, role, 'The consumer');
    props.redaction?.grantRead(role);
    grantKeyUse(encryptionKey, role);
  }

  /** Environment variables, read by `functions/consumer/consumer-config.ts`. */
  private environment(props: ConsumerFunctionProps): Record<string, string> {
    return {
      CLAIMS_TABLE: props.claimsTable.tableName,
      EVENT_BUS_NAME: props.bus.address,
      QUARANTINE_QUEUE_URL: props.queues.quarantine.queueUrl,
      OVERSIZE_BUCKET: props.oversizeBucket.bucketName,
      EVENT_SOURCE: props.eventSource,
      DEDUP_WINDOW_DAYS: String(props.dedupWindowDays),
      ...props.redaction?.environment,
    };
  }
}

/**
 * Acknowledges the findings on a function whose event source is a queue.
 *
 * @param queue - the queue, for example "the events queue"
 */
export function acknowledgeQueueFunction(
  target: LambdaFunction,
  mapping: EventSourceMapping,
  queue: string,
): void {
  Validations.of(mapping).acknowledge({
    id: 'Serverless-LambdaEventSourceMappingDestination',
    reason: `Failed messages are moved to the dead-letter queue of ${queue}. Lambda does not support failure destinations for SQS event sources.`,
  });
  Validations.of(target).acknowledge(
    {
      id: 'Serverless-LambdaDLQ',
      reason: `The function is not invoked asynchronously. A failed batch stays in ${queue}.`,
    },
    {
      id: 'Serverless-LambdaTracing',
      reason:
        'Events contain timestamps, and latency is a metric. One trace per batch would add cost without information.',
    },
  );
}
