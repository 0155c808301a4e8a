import { randomBytes } from 'node:crypto';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { type Invocation, SqsPoller } from 'switchboard-local/lambda/poller.ts';
import { Random } from 'switchboard-local/random.ts';
import type { DeliveryReport } from '../../functions/delivery/delivery-batch.ts';
import { readConfig } from '../../functions/delivery/delivery-config.ts';
import { createHandler } from '../../functions/delivery/delivery-handler.ts';
import { DELIVERY_TIMES, type DeliveryTimes } from '../../functions/delivery/delivery-times.ts';
import { HttpCaller } from '../../functions/delivery/http-call.ts';
import { type AwsEdge, dynamoDbClient, secretsManagerClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { createLogger, type LogLevel } from '../../lib/aws/logger.ts';
import { METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';
import { createDeliveryQueues, type DeliveryQueues } from './delivery-queues.ts';
import { orderPoller } from './order-poller.ts';
import { deliveryDeadLetterQueue, deliveryQueue, NAMES } from './resources.ts';

/** Name of the destination of a local run. */
export const DESTINATION = 'Local';
/** Concurrent invocations, each with one call at a time. */
const CONCURRENCY = 10;
const SIGNING_KEY_BYTES = 32;
/** Shorter than in a deployment, so that a run does not wait long for the messages of killed invocations. */
const FUNCTION_TIMEOUT_MS = 30_000;
const VISIBILITY_TIMEOUT_SECONDS = 60;
/** The same with the built-in receiver, whose calls are shorter. */
const BUILT_IN_FUNCTION_TIMEOUT_MS = 11_000;
const BUILT_IN_VISIBILITY_TIMEOUT_SECONDS = 12;
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
  /** Certificate authority of the destination, in PEM format. @default - those of Node.js */
  readonly ca?: string | undefined;
  /** Signing key of Standard Webhooks. */
  readonly signingKey: string;
  readonly ratePerSecond: number | undefined;
  /** Whether the events of a conversation are delivered in their order. */
  readonly ordered: boolean;
  /** A value of the variable `REDACTION`. @default - nothing is redacted */
  readonly redaction?: string;
  readonly logLevel: LogLevel;
  readonly seed: number;
  /** Probability that an invocation is killed. */
  readonly crashRate: number;
  readonly onInvocation: (invocation: Invocation) => void;
  /** Called for each invocation of the order function. */
  readonly onOrderInvocation: (invocation: Invocation) => void;
  readonly onBatch: (report: DeliveryReport) => void;
}

/** The running functions of a delivery. */
export interface LocalDelivery {
  /** Events that are in a queue or are being delivered. */
  readonly waiting: number;
  /** Events in the dead-letter queue. */
  readonly deadLetters: number;
  start(): void;
  /** Resolves when no event is left to deliver. @throws PollerIdleTimeoutError after the timeout */
  idle(timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** A new signing key of Standard Webhooks. */
export function newSigningKey(): string {
  return `whsec_${randomBytes(SIGNING_KEY_BYTES).toString('base64')}`;
}

/**
 * Delivers the events of the local bus to a URL: the rule, the queues, and the functions as Lambda runs them. They call
 * the local AWS in-process, like the consumer.
 */
export async function createLocalDelivery(options: LocalDeliveryOptions): Promise<LocalDelivery> {
  const { emulator, edge, ordered } = options;
  const urls = await createDeliveryQueues(options.clients, {
    ordered,
    visibilitySeconds: visibilityOf(options),
  });
  await secretsManagerClient({ ...edge, requestHandler: emulator.requestHandler() }).send(
    new CreateSecretCommand({ Name: NAMES.signingSecret, SecretString: options.signingKey }),
  );
  const timeoutMs = options.isBuiltIn ? BUILT_IN_FUNCTION_TIMEOUT_MS : FUNCTION_TIMEOUT_MS;
  const fifoQueueUrl = urls.queueUrl;
  // In the order in which the events pass through them.
  const pollers = [
    ...(ordered ? [orderPoller({ ...options, fifoQueueUrl, timeoutMs })] : []),
    deliveryPoller(options, urls, timeoutMs),
  ];
  const messagesIn = (queue: string) => {
    const { visible, delayed, inFlight } = emulator.sqs.queue(queue).counts();
    return visible + delayed + inFlight;
  };
  return {
    get waiting() {
      return messagesIn(deliveryQueue(ordered)) + (ordered ? messagesIn(NAMES.orderQueue) : 0);
    },
    get deadLetters() {
      return messagesIn(deliveryDeadLetterQueue(ordered));
    },
    start: () => {
      for (const poller of pollers) poller.start();
    },
    idle: async (idleMs) => {
      const deadlineMs = performance.now() + idleMs;
      for (const poller of pollers) await poller.idle(Math.max(0, deadlineMs - performance.now()));
    },
    stop: async () => {
      await Promise.all(pollers.map((poller) => poller.stop()));
    },
  };
}

function visibilityOf({ isBuiltIn }: LocalDeliveryOptions): number {
  return isBuiltIn ? BUILT_IN_VISIBILITY_TIMEOUT_SECONDS : VISIBILITY_TIMEOUT_SECONDS;
}

/** The delivery function. */
function deliveryPoller(options: LocalDeliveryOptions, urls: DeliveryQueues, timeoutMs: number): SqsPoller {
  const { emulator, edge, isBuiltIn, ca, logLevel, ratePerSecond, redaction } = options;
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
    ...(redaction === undefined ? {} : { REDACTION: redaction }),
    ...(isBuiltIn ? { TIMEOUT_MS: String(BUILT_IN_TIMEOUT_MS) } : {}),
  });
  return new SqsPoller({
    sqs: emulator.sqs,
    queueName: deliveryQueue(options.ordered),
    maximumConcurrency: CONCURRENCY,
    functionTimeoutMs: timeoutMs,
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
        ...(ca === undefined
          ? {}
          : { caller: new HttpCaller({ addresses: config.addresses, timeoutMs: config.timeoutMs, ca }) }),
      });
    },
    onInvocation: options.onInvocation,
  });
}
