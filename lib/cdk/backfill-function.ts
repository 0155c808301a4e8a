import { Duration, Validations } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { LogLevel } from '../aws/log-level.ts';
import type { BackfillOptions } from './backfill-options.ts';
import { grantKeyUse } from './encryption.ts';
import { grantReadSecrets } from './genesys-secret.ts';
import type { LogSettings } from './log-group.ts';
import { BACKFILL_TIMEOUT_SECONDS } from './message-queues.ts';
import { nodeFunction } from './node-function.ts';
import { grantPutObjects } from './oversize-bucket.ts';
import type { RedactionSettings } from './redaction-settings.ts';

/** Gaps whose message was lost are found after this time at the latest. */
const SWEEP_MINUTES = 5;
/** Messages only wake the function, so one invocation is enough for many. */
const BATCH_SIZE = 10;
const BATCH_WINDOW_SECONDS = 5;
/** The minimum of an SQS event source. The invocations take turns. */
const MAX_CONCURRENCY = 2;
/** Concurrent invocations: those of the queue, and one of the schedule. */
export const MAX_BACKFILL_INVOCATIONS = MAX_CONCURRENCY + 1;

/** Properties of {@link BackfillFunction}. */
export interface BackfillFunctionProps {
  /** Options of the user. */
  readonly options: BackfillOptions;

  /** Domain of the Genesys Cloud region. */
  readonly genesysDomain: string;

  /** Secret with the OAuth client that reads past events. */
  readonly secret: ISecret;

  /** Queue that wakes the function. */
  readonly gapsQueue: IQueue;

  /** Queue to which recovered events are sent. */
  readonly eventsQueue: IQueue;

  /** Table with gap records and the progress of backfills. */
  readonly stateTable: ITable;

  /** Bucket for recovered events that do not fit into a message. */
  readonly oversizeBucket: IBucket;

  /**
   * Content redaction of recovered events.
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
   * KMS key that encrypts the queues and the table.
   *
   * @default - AWS owned keys
   */
  readonly encryptionKey?: IKey | undefined;
}

/** The backfill: an AWS Lambda function that reads the events missed in a gap from the platform API. */
export class BackfillFunction extends Construct {
  /** The Lambda function. */
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: BackfillFunctionProps) {
    super(scope, id);
    this.function = nodeFunction(this, {
      description: 'Switchboard backfill: recovers the events of gaps from the platform API',
      deployable: 'backfill',
      timeoutSeconds: BACKFILL_TIMEOUT_SECONDS,
      options: props.options,
      environment: this.environment(props),
      logLevel: props.logLevel,
      logs: props.logs,
      grant: (role) => this.grantAll(role, props),
    });
    const mapping = new EventSourceMapping(this, 'EventSource', {
      target: this.function,
      eventSourceArn: props.gapsQueue.queueArn,
      batchSize: BATCH_SIZE,
      maxBatchingWindow: Duration.seconds(BATCH_WINDOW_SECONDS),
      maxConcurrency: MAX_CONCURRENCY,
      reportBatchItemFailures: true,
    });
    const sweep = new Rule(this, 'Sweep', {
      description: 'Switchboard backfill: finds gaps whose message was lost',
      schedule: Schedule.rate(Duration.minutes(SWEEP_MINUTES)),
      targets: [new LambdaTarget(this.function, { retryAttempts: 0 })],
    });
    this.acknowledge(mapping, sweep);
  }

  /** Environment variables, read by `functions/backfill/backfill-config.ts`. */
  private environment(props: BackfillFunctionProps): Record<string, string> {
    const { requestsPerMinute } = props.options;
    return {
      GENESYS_DOMAIN: props.genesysDomain,
      GENESYS_SECRET_ID: props.secret.secretArn,
      EVENTS_QUEUE_URL: props.eventsQueue.queueUrl,
      GAPS_QUEUE_URL: props.gapsQueue.queueUrl,
      STATE_TABLE: props.stateTable.tableName,
      OVERSIZE_BUCKET: props.oversizeBucket.bucketName,
      ...(requestsPerMinute === undefined ? {} : { BACKFILL_REQUESTS_PER_MINUTE: String(requestsPerMinute) }),
      ...props.redaction?.environment,
    };
  }

  /** Grants the calls made by `functions/backfill` and by the Lambda event source. */
  private grantAll(role: Role, props: BackfillFunctionProps): void {
    const { gapsQueue, eventsQueue, stateTable, oversizeBucket, secret, redaction, encryptionKey } = props;
    redaction?.grantRead(role);
    gapsQueue.grant(
      role,
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:SendMessage',
    );
    eventsQueue.grant(role, 'sqs:SendMessage');
    stateTable.grant(
      role,
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
    );
    grantReadSecrets([secret], role);
    grantPutObjects(oversizeBucket, role, 'The backfill');
    grantKeyUse(encryptionKey, role);
  }

  private acknowledge(mapping: EventSourceMapping, sweep: Rule): void {
    Validations.of(sweep).acknowledge({
      id: 'Serverless-EventBusDLQ',
      reason: 'The next sweep does the work of a sweep that was not invoked.',
    });
    Validations.of(mapping).acknowledge({
      id: 'Serverless-LambdaEventSourceMappingDestination',
      reason: 'Messages only wake the function. Its work is in the state table, and a schedule finds it.',
    });
    Validations.of(this.function).acknowledge(
      {
        id: 'Serverless-LambdaDLQ',
        reason: 'A failed sweep is repeated by the next one, and its work is in the state table.',
      },
      {
        id: 'Serverless-LambdaTracing',
        reason:
          'Events contain timestamps, and counts are metrics. A trace would add cost without information.',
      },
    );
  }
}
