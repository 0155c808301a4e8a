import { Validations } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  type FunctionUrl,
  FunctionUrlAuthType,
  type Function as LambdaFunction,
} from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { LogLevel } from '../aws/log-level.ts';
import { grantKeyUse } from './encryption.ts';
import { grantReadSecrets } from './genesys-secret.ts';
import type { LogSettings } from './log-group.ts';
import { nodeFunction } from './node-function.ts';
import type { RedactionSettings } from './redaction-settings.ts';
import { signingSecret } from './signing-secret.ts';
import type { WebhookOptions } from './webhook-options.ts';

/** Genesys Cloud gives up after 10 seconds. The function responds within 8. */
const TIMEOUT_SECONDS = 10;
/** Allows 500 requests per second. */
const DEFAULT_CONCURRENCY = 50;

/** Properties of {@link WebhookEndpoint}. */
export interface WebhookEndpointProps {
  /** Options of the user. */
  readonly options: WebhookOptions;

  /** Queue to which events are sent. */
  readonly eventsQueue: IQueue;

  /**
   * Content redaction.
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
   * KMS key that encrypts the queue and a new secret.
   *
   * @default - AWS owned and AWS managed keys
   */
  readonly encryptionKey?: IKey | undefined;
}

/** The webhook: an AWS Lambda function behind a public function URL. It accepts only signed requests. */
export class WebhookEndpoint extends Construct {
  /** The Lambda function. */
  readonly function: LambdaFunction;
  /** Address to which Genesys Cloud sends events. */
  readonly url: string;
  /** Secret with which deliveries are signed. */
  readonly secret: ISecret;

  constructor(scope: Construct, id: string, props: WebhookEndpointProps) {
    super(scope, id);
    const { options, eventsQueue, encryptionKey } = props;
    this.secret = signingSecret(this, options.secret, { ...props.logs, encryptionKey });
    this.function = nodeFunction(this, {
      description: 'Switchboard webhook: receives signed events from Genesys Cloud and sends them to SQS',
      deployable: 'webhook',
      timeoutSeconds: TIMEOUT_SECONDS,
      options: {
        ...options,
        reservedConcurrentExecutions: options.reservedConcurrentExecutions ?? DEFAULT_CONCURRENCY,
      },
      // Read by `functions/webhook/webhook-config.ts`.
      environment: {
        EVENTS_QUEUE_URL: eventsQueue.queueUrl,
        WEBHOOK_SECRET_ID: this.secret.secretArn,
        ...props.redaction?.environment,
      },
      logLevel: props.logLevel,
      logs: props.logs,
      grant: (role) => this.grantAll(role, props),
    });
    this.url = this.addUrl().url;
    this.acknowledge();
  }

  /** The signature is the authentication: Genesys Cloud cannot sign requests for IAM. */
  private addUrl(): FunctionUrl {
    return this.function.addFunctionUrl({ authType: FunctionUrlAuthType.NONE });
  }

  /** Grants the calls made by `functions/webhook`. */
  private grantAll(role: Role, { eventsQueue, redaction, encryptionKey }: WebhookEndpointProps): void {
    redaction?.grantRead(role);
    eventsQueue.grant(role, 'sqs:SendMessage');
    grantReadSecrets([this.secret], role);
    grantKeyUse(encryptionKey, role);
  }

  private acknowledge(): void {
    Validations.of(this.function).acknowledge(
      {
        id: 'Serverless-LambdaDLQ',
        reason:
          'The function is not invoked asynchronously. Genesys Cloud sends deliveries again that the function does not accept.',
      },
      {
        id: 'Serverless-LambdaTracing',
        reason:
          'Events contain timestamps, and latency is a metric. A trace would add cost without information.',
      },
    );
  }
}
