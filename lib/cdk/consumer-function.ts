import { type CfnElement, Duration, Stack, Validations } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  Code,
  EventSourceMapping,
  Function as LambdaFunction,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct, type IConstruct } from 'constructs';
import type { LogLevel } from '../aws/logger.ts';
import { bundle } from './bundle.ts';
import { environmentEncryption, grantKeyUse } from './encryption.ts';
import type { Bus } from './event-bus.ts';
import { type LogSettings, logGroup } from './log-group.ts';
import { CONSUMER_TIMEOUT_SECONDS, type Queues } from './message-queues.ts';
import type { RedactionSettings } from './redaction-settings.ts';

/** Messages per batch. Each message contains many events. */
const BATCH_SIZE = 10;
/** The CPU share is proportional to the memory. Most of the duration is spent waiting for AWS services. */
const MEMORY_MIB = 512;

/** Properties of {@link ConsumerFunction}. */
export interface ConsumerFunctionProps {
  /** The events queue is the event source. Items that cannot be published are sent to the quarantine queue. */
  readonly queues: Queues;

  /** Table for claims. */
  readonly claimsTable: ITable;

  /** Event bus to publish on. */
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
   * Content redaction of events that EventBridge sends to the queue as they are.
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
    const logs = logGroup(this, 'Logs', props.logs);
    // The default role of a function has a managed policy that allows writing to every log group.
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logs.grantWrite(role);
    this.grantAll(role, props);
    this.function = new LambdaFunction(this, 'Function', {
      description: 'Switchboard consumer: deduplicates events and publishes them to EventBridge',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle(this, 'functions/consumer/handler.ts', 'index')),
      handler: 'index.handler',
      memorySize: MEMORY_MIB,
      timeout: Duration.seconds(CONSUMER_TIMEOUT_SECONDS),
      role,
      logGroup: logs,
      environment: this.environment(props),
      ...environmentEncryption(props.encryptionKey),
    });
    const mapping = new EventSourceMapping(this, 'EventSource', {
      target: this.function,
      eventSourceArn: props.queues.events.queueArn,
      batchSize: BATCH_SIZE,
      maxConcurrency: props.concurrency,
      reportBatchItemFailures: true,
    });
    this.acknowledge(role, mapping, props.oversizeBucket);
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
    role.addToPolicy(
      new PolicyStatement({ actions: ['s3:PutObject'], resources: [oversizeBucket.arnForObjects('*')] }),
    );
    props.redaction?.grantRead(role);
    grantKeyUse(encryptionKey, role);
  }

  /** Environment variables, read by `functions/consumer/consumer-config.ts`. */
  private environment(props: ConsumerFunctionProps): Record<string, string> {
    return {
      NODE_OPTIONS: '--enable-source-maps',
      CLAIMS_TABLE: props.claimsTable.tableName,
      EVENT_BUS_NAME: props.bus.address,
      QUARANTINE_QUEUE_URL: props.queues.quarantine.queueUrl,
      OVERSIZE_BUCKET: props.oversizeBucket.bucketName,
      EVENT_SOURCE: props.eventSource,
      DEDUP_WINDOW_DAYS: String(props.dedupWindowDays),
      ...props.redaction?.environment,
      ...(props.logLevel ? { LOG_LEVEL: props.logLevel } : {}),
    };
  }

  private acknowledge(role: Role, mapping: EventSourceMapping, bucket: IBucket): void {
    const bucketId = this.logicalId(bucket);
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${bucketId}.Arn>/*]`,
      reason: 'The consumer adds objects under any key in its bucket. It cannot read or list them.',
    });
    Validations.of(mapping).acknowledge({
      id: 'Serverless-LambdaEventSourceMappingDestination',
      reason:
        'Failed messages are moved to the dead-letter queue of the events queue. Lambda does not support failure destinations for SQS event sources.',
    });
    Validations.of(this.function).acknowledge(
      {
        id: 'Serverless-LambdaDLQ',
        reason: 'The function is not invoked asynchronously. A failed batch stays in the events queue.',
      },
      {
        id: 'Serverless-LambdaTracing',
        reason:
          'Events contain timestamps, and latency is a metric. One trace per batch would add cost without information.',
      },
    );
  }

  private logicalId(of: IConstruct): string {
    return Stack.of(this).getLogicalId(of.node.defaultChild as CfnElement);
  }
}
