import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { type Invocation, SqsPoller } from 'switchboard-local/lambda/poller.ts';
import { Random } from 'switchboard-local/random.ts';
import type { BatchReport } from '../../functions/consumer/batch-report.ts';
import { readConfig } from '../../functions/consumer/consumer-config.ts';
import { createHandler } from '../../functions/consumer/sqs-handler.ts';
import { auditTrail } from '../../lib/aws/audit-settings.ts';
import {
  type AwsEdge,
  cloudWatchLogsClient,
  dynamoDbClient,
  eventBridgeClient,
  objectStore,
  sqsClient,
} from '../../lib/aws/aws-clients.ts';
import { createLogger, type LogLevel } from '../../lib/aws/logger.ts';
import { METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';
import { localRedaction } from './local-redaction.ts';
import { NAMES } from './resources.ts';

/** Concurrent consumers: Lambda's initial number of pollers. */
const CONSUMER_CONCURRENCY = 5;

/** Options of {@link createLocalConsumer}. */
export interface LocalConsumerOptions {
  emulator: Emulator;
  edge: AwsEdge;
  quarantineQueueUrl: string;
  /** Additional variables. */
  environment?: Readonly<Record<string, string>>;
  logLevel: LogLevel;
  timeoutMs: number;
  seed: number;
  /** Probability that an invocation is killed. */
  crashRate: number;
  onBatch: (report: BatchReport) => void;
  onInvocation: (invocation: Invocation) => void;
}

/** The consumer as Lambda runs it. It calls the local AWS in-process, because HTTP would take half of the CPU time. */
export function createLocalConsumer(options: LocalConsumerOptions): SqsPoller {
  const { emulator, edge, logLevel, seed, crashRate, timeoutMs } = options;
  const variables = {
    CLAIMS_TABLE: NAMES.claimsTable,
    EVENT_BUS_NAME: NAMES.bus,
    QUARANTINE_QUEUE_URL: options.quarantineQueueUrl,
    OVERSIZE_BUCKET: NAMES.oversizeBucket,
    LOG_LEVEL: logLevel,
    ...options.environment,
  };
  return new SqsPoller({
    sqs: emulator.sqs,
    queueName: NAMES.eventsQueue,
    maximumConcurrency: CONSUMER_CONCURRENCY,
    functionTimeoutMs: timeoutMs,
    random: new Random(seed),
    crash: { rate: crashRate },
    createHandler: (environment) =>
      createConsumer(
        variables,
        { ...edge, requestHandler: environment.wrap(emulator.requestHandler()) },
        options.onBatch,
      ),
    onInvocation: options.onInvocation,
  });
}

/** Creates a consumer handler like a new Lambda execution environment. */
function createConsumer(
  variables: Record<string, string>,
  edge: AwsEdge,
  onBatch: (report: BatchReport) => void,
) {
  const config = readConfig(variables);
  const dynamodb = dynamoDbClient(edge, 1);
  const logger = createLogger('consumer', config.logLevel);
  return createHandler(config, {
    dynamodb,
    objectStore: objectStore(config.oversizeBucket, dynamodb, edge.endpoint),
    sqs: sqsClient(edge),
    eventbridge: eventBridgeClient(edge),
    redaction: localRedaction(config.redaction),
    audit: auditTrail(config.audit, () => cloudWatchLogsClient(edge), {
      service: 'consumer',
      log: logger,
      writes: 'on flush',
    }),
    logger,
    metrics: new Metrics({ namespace: METRIC_NAMESPACE, serviceName: 'consumer', logger }),
    onBatch,
  });
}
