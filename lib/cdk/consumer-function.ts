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
import { grantKeyUse } from './encryption.ts';
import type { Bus } from './event-bus.ts';
import { type LogSettings, logGroup } from './log-group.ts';
import { CONSUMER_TIMEOUT_SECONDS, type Queues } from './message-queues.ts';

/** Messages a batch: each carries many events already. */
const BATCH_SIZE = 10;
/** The share of a CPU grows with it; a batch is mostly calls to AWS. */
const MEMORY_MIB = 512;

/** What the consumer is wired to. */
export interface ConsumerFunctionProps {
  readonly queues: Queues;
  readonly claimsTable: ITable;
  readonly bus: Bus;
  /** For events that EventBridge is too small for. */
  readonly oversizeBucket: IBucket;
  /** `source` of the published events. */
  readonly eventSource: string;
  readonly dedupWindowDays: number;
  /** Batches at once. */
  readonly concurrency: number;
  readonly logLevel?: LogLevel | undefined;
  readonly logs: LogSettings;
  readonly encryptionKey?: IKey | undefined;
}

/** The consumer on AWS Lambda, fed by the events queue with partial batch responses. */
export class ConsumerFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: ConsumerFunctionProps) {
    super(scope, id);
    const logs = logGroup(this, 'Logs', props.logs);
    // A role of its own: the managed policy of Lambda's default role may write to every log group.
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logs.grantWrite(role);
    this.grantAll(role, props);
    this.function = new LambdaFunction(this, 'Function', {
      description: 'Switchboard consumer: claims events and publishes each once',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle(this, 'functions/consumer/index.ts', 'index')),
      handler: 'index.handler',
      memorySize: MEMORY_MIB,
      timeout: Duration.seconds(CONSUMER_TIMEOUT_SECONDS),
      role,
      logGroup: logs,
      environment: this.environment(props),
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

  /** The calls that `functions/consumer` makes, and those that Lambda makes to feed it. */
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
    grantKeyUse(encryptionKey, role);
  }

  /** The variables of `functions/consumer/config.ts`. */
  private environment(props: ConsumerFunctionProps): Record<string, string> {
    return {
      NODE_OPTIONS: '--enable-source-maps',
      CLAIMS_TABLE: props.claimsTable.tableName,
      EVENT_BUS_NAME: props.bus.address,
      QUARANTINE_QUEUE_URL: props.queues.quarantine.queueUrl,
      OVERSIZE_BUCKET: props.oversizeBucket.bucketName,
      EVENT_SOURCE: props.eventSource,
      DEDUP_WINDOW_DAYS: String(props.dedupWindowDays),
      ...(props.logLevel ? { LOG_LEVEL: props.logLevel } : {}),
    };
  }

  private acknowledge(role: Role, mapping: EventSourceMapping, bucket: IBucket): void {
    const bucketId = this.logicalId(bucket);
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${bucketId}.Arn>/*]`,
      reason: 'The consumer adds objects anywhere in its own bucket; it can neither read nor list them.',
    });
    Validations.of(mapping).acknowledge({
      id: 'Serverless-LambdaEventSourceMappingDestination',
      reason: "What fails goes to the events queue's dead-letter queue; Lambda has no destination for SQS.",
    });
    Validations.of(this.function).acknowledge(
      {
        id: 'Serverless-LambdaDLQ',
        reason: 'Nobody invokes it asynchronously; a batch that fails stays in the events queue.',
      },
      {
        id: 'Serverless-LambdaTracing',
        reason: 'Events carry their own times, and latency is a metric; a trace a batch would cost more.',
      },
    );
  }

  private logicalId(of: IConstruct): string {
    return Stack.of(this).getLogicalId(of.node.defaultChild as CfnElement);
  }
}
