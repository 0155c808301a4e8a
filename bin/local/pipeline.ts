import { Metrics } from '@aws-lambda-powertools/metrics';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import { type Invocation, SqsPoller } from 'switchboard-local/lambda/poller.ts';
import { Random } from 'switchboard-local/random.ts';
import { readConfig as readConsumerConfig } from '../../functions/consumer/config.ts';
import type { BatchReport } from '../../functions/consumer/consumer.ts';
import { createHandler } from '../../functions/consumer/handler.ts';
import { readConfig as readIngesterConfig } from '../../functions/ingester/config.ts';
import type { IngesterEdges } from '../../functions/ingester/edges.ts';
import { Ingester } from '../../functions/ingester/ingester.ts';
import {
  type AwsEdge,
  dynamoDbClient,
  eventBridgeClient,
  objectStore,
  sqsClient,
} from '../../lib/aws/clients.ts';
import { createLogger, type LogLevel } from '../../lib/aws/logger.ts';
import { METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';
import type { Credentials } from '../../lib/genesys/oauth.ts';
import type { Accounting } from './accounting.ts';
import { AWS_FAULT_RATES, CONSUMER_CRASH_RATE, type FaultChoice } from './faults.ts';
import { CONSUMER_TIMEOUT_MS, createBucket, createResources, NAMES } from './resources.ts';

/** Consumers that run at once, as many as Lambda starts with. */
const CONSUMER_CONCURRENCY = 5;
const LOCAL_AWS: AwsEdge = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
};

/** What runs on this machine between Genesys Cloud and the bus. */
export interface PipelineOptions {
  genesys: { apiUrl: string; loginUrl: string; credentials: Credentials };
  topics: readonly string[];
  healthPort: number;
  logLevel: LogLevel;
  seed: number;
  faults: FaultChoice;
  accounting: Accounting;
  limits?: IngesterEdges['limits'];
  /** Told of each call that AWS would bill, and of each run of the consumer. */
  onCall?: (call: { target: string; body: string }) => void;
  onInvocation?: (invocation: Invocation) => void;
}

/** The pipeline as it runs: local AWS, ingester, consumer. */
export interface Pipeline {
  emulator: Emulator;
  emulatorUrl: string;
  ingester: Ingester;
  awsFaults: FaultInjector;
  /** Sums over all batches of the consumer. */
  consumed: { published: number; duplicates: number; quarantined: number; crashes: number };
  /** Read no more, send what was read, let the consumer finish: at most `limitMs` for the last part. */
  drain(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Start the local AWS, the consumer and the ingester. The ingester reaches AWS over HTTP; the consumer, whose calls
 * are the many, without a socket between: half of this machine's time would go into HTTP.
 */
export async function startPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { accounting, faults, seed } = options;
  const awsFaults = new FaultInjector({
    seed,
    rates: Object.fromEntries(faults.aws.map((kind) => [kind, AWS_FAULT_RATES[kind]])),
    onFault: (fault) => accounting.onAwsFault(fault),
  });
  const emulator = new Emulator({ faults: awsFaults, ...(options.onCall ? { onCall: options.onCall } : {}) });
  const { url } = await emulator.listen();
  const edge: AwsEdge = { ...LOCAL_AWS, endpoint: url };
  const resources = await createResources({
    sqs: sqsClient(edge),
    dynamodb: dynamoDbClient(edge),
    eventbridge: eventBridgeClient(edge),
  });
  createBucket(emulator, NAMES.oversizeBucket);
  emulator.eventbridge.onEvent((published) => accounting.onPublished(published));
  const consumed = { published: 0, duplicates: 0, quarantined: 0, crashes: 0 };
  const consumerEnvironment = {
    CLAIMS_TABLE: NAMES.claimsTable,
    EVENT_BUS_NAME: NAMES.bus,
    QUARANTINE_QUEUE_URL: resources.quarantineQueueUrl,
    OVERSIZE_BUCKET: NAMES.oversizeBucket,
    LOG_LEVEL: options.logLevel,
  };
  const poller = new SqsPoller({
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
        (report) => add(consumed, report),
      ),
    onInvocation: (invocation) => {
      options.onInvocation?.(invocation);
      const { kind } = invocation.outcome;
      if (kind === 'crash') consumed.crashes++;
      if (kind === 'crash' || kind === 'timeout') accounting.onKilled(invocation);
      else accounting.onReturned(invocation);
    },
  });
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
    drain: async (limitMs) => {
      await ingester.stop();
      await poller.idle(limitMs);
    },
    close: async () => {
      await poller.stop();
      await emulator.close();
    },
  };
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
    HEALTH_PORT: String(options.healthPort),
    LOG_LEVEL: options.logLevel,
  });
  return new Ingester(config, {
    sqs: sqsClient(edge),
    dynamodb: dynamoDbClient(edge),
    credentials: async () => genesys.credentials,
    log: createLogger('ingester', options.logLevel),
    ...(options.limits ? { limits: options.limits } : {}),
  });
}

/** One consumer as Lambda would start it. */
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

function add(sums: Pipeline['consumed'], { published, duplicates, quarantined }: BatchReport): void {
  sums.published += published.length;
  sums.duplicates += duplicates;
  sums.quarantined += quarantined;
}
