import { randomBytes } from 'node:crypto';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { type EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { type Invocation, SqsPoller } from 'switchboard-local/lambda/poller.ts';
import { Random } from 'switchboard-local/random.ts';
import type { DeliveryReport } from '../../functions/delivery/delivery-batch.ts';
import { readConfig } from '../../functions/delivery/delivery-config.ts';
import { createHandler } from '../../functions/delivery/delivery-handler.ts';
import { DELIVERY_TIMES, type DeliveryTimes } from '../../functions/delivery/delivery-times.ts';
import { type AwsEdge, dynamoDbClient, secretsManagerClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { createLogger, type LogLevel } from '../../lib/aws/logger.ts';
import { METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';
import { NAMES } from './resources.ts';

/** Name of the destination of a local run. */
export const DESTINATION = 'Local';
const RULE = 'switchboard-delivery';
/** Concurrent invocations, each with one call at a time. */
const CONCURRENCY = 10;
const SIGNING_KEY_BYTES = 32;
const RETENTION_SECONDS = 14 * 86_400;
/** Shorter than in a deployment, so that a run does not wait long for the messages of killed invocations. */
const FUNCTION_TIMEOUT_MS = 30_000;
const VISIBILITY_TIMEOUT_SECONDS = 60;
/** The same with the built-in receiver, whose calls are shorter. */
const BUILT_IN_FUNCTION_TIMEOUT_MS = 11_000;
const BUILT_IN_VISIBILITY_TIMEOUT_SECONDS = 12;
const MAX_RECEIVES = 1_000;
/** Shorter than the time that the built-in receiver takes with the fault `receiver_slow`. */
const BUILT_IN_TIMEOUT_MS = 1_000;
/** Times that suit the built-in receiver, whose outages last a second. */
const BUILT_IN_TIMES: DeliveryTimes = {
  ...DELIVERY_TIMES,
  sampleMs: 2_000,
  openMs: 500,
  rampMs: 1_000,
  rampDoublingMs: 100,
  minRetryMs: 1_000,
  maxRetryMs: 3_000,
  maxPauseMs: 2_000,
};

/** Options of {@link createLocalDelivery}. */
export interface LocalDeliveryOptions {
  readonly emulator: Emulator;
  readonly edge: AwsEdge;
  readonly clients: { readonly sqs: SQSClient; readonly eventbridge: EventBridgeClient };
  readonly quarantineQueueUrl: string;
  readonly url: string;
  /** Whether the destination is the built-in receiver, so that times can be shorter. */
  readonly isBuiltIn: boolean;
  /** Signing key of Standard Webhooks. */
  readonly signingKey: string;
  readonly ratePerSecond: number | undefined;
  readonly logLevel: LogLevel;
  readonly seed: number;
  /** Probability that an invocation is killed. */
  readonly crashRate: number;
  readonly onInvocation: (invocation: Invocation) => void;
  readonly onBatch: (report: DeliveryReport) => void;
}

/** A new signing key of Standard Webhooks. */
export function newSigningKey(): string {
  return `whsec_${randomBytes(SIGNING_KEY_BYTES).toString('base64')}`;
}

/**
 * Delivers the events of the local bus to a URL: the rule, the queues, and the delivery function as Lambda runs it. It
 * calls the local AWS in-process, like the consumer.
 */
export async function createLocalDelivery(options: LocalDeliveryOptions): Promise<SqsPoller> {
  const { emulator, edge, isBuiltIn, logLevel, ratePerSecond } = options;
  const urls = await createQueues(options);
  await secretsManagerClient({ ...edge, requestHandler: emulator.requestHandler() }).send(
    new CreateSecretCommand({ Name: NAMES.signingSecret, SecretString: options.signingKey }),
  );
  const config = readConfig({
    DESTINATION,
    DESTINATION_URL: options.url,
    DELIVERY_QUEUE_URL: urls.queueUrl,
    DEAD_LETTER_QUEUE_URL: urls.deadLetterQueueUrl,
    QUARANTINE_QUEUE_URL: options.quarantineQueueUrl,
    STATE_TABLE: NAMES.stateTable,
    CLAIMS_TABLE: NAMES.claimsTable,
    // The destination may be on this machine.
    ADDRESSES: 'any',
    SIGNING_SECRET_ID: NAMES.signingSecret,
    LOG_LEVEL: logLevel,
    ...(ratePerSecond === undefined ? {} : { RATE_PER_SECOND: String(ratePerSecond) }),
    ...(isBuiltIn ? { TIMEOUT_MS: String(BUILT_IN_TIMEOUT_MS) } : {}),
  });
  return new SqsPoller({
    sqs: emulator.sqs,
    queueName: NAMES.deliveryQueue,
    maximumConcurrency: CONCURRENCY,
    functionTimeoutMs: isBuiltIn ? BUILT_IN_FUNCTION_TIMEOUT_MS : FUNCTION_TIMEOUT_MS,
    random: new Random(options.seed).fork('delivery'),
    crash: { rate: options.crashRate },
    createHandler: (environment) => {
      const own = { ...edge, requestHandler: environment.wrap(emulator.requestHandler()) };
      const logger = createLogger('delivery', logLevel);
      return createHandler(config, {
        dynamodb: dynamoDbClient(own),
        sqs: sqsClient(own),
        secretsManager: secretsManagerClient(own),
        logger,
        metrics: new Metrics({ namespace: METRIC_NAMESPACE, serviceName: 'delivery', logger }),
        onBatch: options.onBatch,
        ...(isBuiltIn ? { times: BUILT_IN_TIMES } : {}),
      });
    },
    onInvocation: options.onInvocation,
  });
}

/** Creates what `deliverTo` of the CDK construct creates: the queues, and the rule that fills them. */
async function createQueues({ clients: { sqs, eventbridge }, isBuiltIn }: LocalDeliveryOptions) {
  const visibilitySeconds = isBuiltIn ? BUILT_IN_VISIBILITY_TIMEOUT_SECONDS : VISIBILITY_TIMEOUT_SECONDS;
  const MessageRetentionPeriod = String(RETENTION_SECONDS);
  const deadLetterQueueUrl = await createQueue(sqs, NAMES.deliveryDeadLetterQueue, {
    MessageRetentionPeriod,
  });
  const queueUrl = await createQueue(sqs, NAMES.deliveryQueue, {
    MessageRetentionPeriod,
    VisibilityTimeout: String(visibilitySeconds),
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: await arnOf(sqs, deadLetterQueueUrl),
      maxReceiveCount: MAX_RECEIVES,
    }),
  });
  const rule = { EventBusName: NAMES.bus, Name: RULE };
  const EventPattern = JSON.stringify({ source: ['genesys.cloud'] });
  await eventbridge.send(new PutRuleCommand({ ...rule, EventPattern }));
  await eventbridge.send(
    new PutTargetsCommand({
      EventBusName: NAMES.bus,
      Rule: RULE,
      Targets: [{ Id: 'delivery', Arn: await arnOf(sqs, queueUrl) }],
    }),
  );
  return { queueUrl, deadLetterQueueUrl };
}

async function createQueue(sqs: SQSClient, QueueName: string, Attributes: Record<string, string>) {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  return QueueUrl;
}

async function arnOf(sqs: SQSClient, QueueUrl: string): Promise<string> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  return Attributes.QueueArn ?? '';
}
