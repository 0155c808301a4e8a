import { Metrics } from '@aws-lambda-powertools/metrics';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import { type Invocation, SqsPoller } from 'switchboard-local/lambda/poller.ts';
import { Random } from 'switchboard-local/random.ts';
import type { BatchReport } from '../../functions/consumer/consumer.ts';
import { readConfig as readConsumerConfig } from '../../functions/consumer/consumer-config.ts';
import { createHandler } from '../../functions/consumer/sqs-handler.ts';
import type { IngesterDependencies } from '../../functions/ingester/dependencies.ts';
import { Ingester } from '../../functions/ingester/ingester.ts';
import { readConfig as readIngesterConfig } from '../../functions/ingester/ingester-config.ts';
import {
  type AwsEdge,
  dynamoDbClient,
  eventBridgeClient,
  objectStore,
  sqsClient,
} from '../../lib/aws/aws-clients.ts';
import { createLogger, type LogLevel } from '../../lib/aws/logger.ts';
import { METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';
import type { Credentials } from '../../lib/genesys/token-source.ts';
import type { Accounting } from './accounting.ts';
import { ConsumerTotals } from './consumer-totals.ts';
import { AWS_FAULT_RATES, CONSUMER_CRASH_RATE, type FaultChoice } from './fault-options.ts';
import { CONSUMER_TIMEOUT_MS, createBucket, createResources, NAMES } from './resources.ts';

/** Concurrent consumers: Lambda's initial number of pollers. */
const CONSUMER_CONCURRENCY = 5;
const LOCAL_AWS: AwsEdge = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
};

/** Options of {@link startPipeline}. */
export interface PipelineOptions {
  genesys: { apiUrl: string; loginUrl: string; credentials: Credentials };
  topics: readonly string[];
  healthPort: number;
  logLevel: LogLevel;
  seed: number;
  faults: FaultChoice;
  accounting: Accounting;
  limits?: IngesterDependencies['limits'];
  /** Called for each call that AWS would bill. */
  onCall?: (call: { target: string; body: string }) => void;
  /** Called for each invocation of the consumer. */
  onInvocation?: (invocation: Invocation) => void;
}

/** A running pipeline: local AWS, ingester and consumer. */
export interface Pipeline {
  emulator: Emulator;
  emulatorUrl: string;
  ingester: Ingester;
  awsFaults: FaultInjector;
  consumed: ConsumerTotals;
  /** Stops reading, sends what was read, and waits up to `timeoutMs` for the consumer to finish. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts the local AWS, the consumer and the ingester. The ingester calls AWS over HTTP. The consumer, which makes most
 * of the calls, uses an in-process handler, because HTTP would take half of the CPU time.
 */
export async function startPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { accounting, faults, onCall, seed } = options;
  const awsFaults = new FaultInjector({
    seed,
    rates: Object.fromEntries(faults.aws.map((kind) => [kind, AWS_FAULT_RATES[kind]])),
    onFault: (fault) => accounting.onAwsFault(fault),
  });
  const emulator = new Emulator({ faults: awsFaults, ...(onCall ? { onCall } : {}) });
  const { url } = await emulator.listen();
  const edge: AwsEdge = { ...LOCAL_AWS, endpoint: url };
  const resources = await createResources({
    sqs: sqsClient(edge),
    dynamodb: dynamoDbClient(edge),
    eventbridge: eventBridgeClient(edge),
  });
  createBucket(emulator, NAMES.oversizeBucket);
  emulator.eventbridge.onEvent((published) => accounting.onPublished(published));
  const consumed = new ConsumerTotals();
  const poller = createPoller(options, emulator, edge, resources.quarantineQueueUrl, consumed);
  poller.start();
  const ingester = createIngester(options, edge, resources.eventsQueueUrl);
  try {
    await ingester.start();
  } catch (error) {
    await ingester.stop();
    await poller.stop();
    await emulator.close();
    throw error;
  }
  return {
    emulator,
    emulatorUrl: url,
    ingester,
    awsFaults,
    consumed,
    drain: async (timeoutMs) => {
      await ingester.stop();
      await poller.idle(timeoutMs);
    },
    close: async () => {
      await poller.stop();
      await emulator.close();
    },
  };
}

function createPoller(
  options: PipelineOptions,
  emulator: Emulator,
  edge: AwsEdge,
  quarantineQueueUrl: string,
  consumed: ConsumerTotals,
): SqsPoller {
  const { accounting, faults, seed } = options;
  const consumerEnvironment = {
    CLAIMS_TABLE: NAMES.claimsTable,
    EVENT_BUS_NAME: NAMES.bus,
    QUARANTINE_QUEUE_URL: quarantineQueueUrl,
    OVERSIZE_BUCKET: NAMES.oversizeBucket,
    LOG_LEVEL: options.logLevel,
  };
  return new SqsPoller({
    sqs: emulator.sqs,
    queueName: NAMES.eventsQueue,
    maximumConcurrency: CONSUMER_CONCURRENCY,
    functionTimeoutMs: CONSUMER_TIMEOUT_MS,
    random: new Random(seed),
    crash: { rate: faults.consumerCrash ? CONSUMER_CRASH_RATE : 0 },
    createHandler: (environment) =>
      createConsumer(
        consumerEnvironment,
        { ...edge, requestHandler: environment.wrap(emulator.requestHandler()) },
        (report) => consumed.addBatch(report),
      ),
    onInvocation: (invocation) => {
      options.onInvocation?.(invocation);
      consumed.addInvocation(invocation);
      const { kind } = invocation.outcome;
      if (kind === 'crash' || kind === 'timeout') accounting.onKilled(invocation);
      else accounting.onReturned(invocation);
    },
  });
}

function createIngester(options: PipelineOptions, edge: AwsEdge, eventsQueueUrl: string): Ingester {
  const { genesys } = options;
  const config = readIngesterConfig({
    GENESYS_API_URL: genesys.apiUrl,
    GENESYS_LOGIN_URL: genesys.loginUrl,
    GENESYS_CLIENT_ID: genesys.credentials.clientId,
    GENESYS_CLIENT_SECRET: genesys.credentials.clientSecret,
    TOPICS: options.topics.join(','),
    EVENTS_QUEUE_URL: eventsQueueUrl,
    STATE_TABLE: NAMES.stateTable,
    OVERSIZE_BUCKET: NAMES.oversizeBucket,
    HEALTH_PORT: String(options.healthPort),
    LOG_LEVEL: options.logLevel,
  });
  const dynamodb = dynamoDbClient(edge);
  return new Ingester(config, {
    sqs: sqsClient(edge),
    dynamodb,
    objectStore: objectStore(config.oversizeBucket, dynamodb, edge.endpoint),
    credentials: async () => genesys.credentials,
    log: createLogger('ingester', options.logLevel),
    ...(options.limits ? { limits: options.limits } : {}),
  });
}

/** Creates a consumer handler like a new Lambda execution environment. */
function createConsumer(
  variables: Record<string, string>,
  edge: AwsEdge,
  onBatch: (report: BatchReport) => void,
) {
  const config = readConsumerConfig(variables);
  const dynamodb = dynamoDbClient(edge, 1);
  return createHandler(config, {
    dynamodb,
    objectStore: objectStore(config.oversizeBucket, dynamodb, edge.endpoint),
    sqs: sqsClient(edge),
    eventbridge: eventBridgeClient(edge),
    logger: createLogger('consumer', config.logLevel),
    metrics: new Metrics({ namespace: METRIC_NAMESPACE, serviceName: 'consumer' }),
    onBatch,
  });
}
