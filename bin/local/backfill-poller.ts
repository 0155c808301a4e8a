import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { SqsPoller } from 'switchboard-local/lambda/poller.ts';
import { readConfig } from '../../functions/backfill/backfill-config.ts';
import type { FillTimes } from '../../functions/backfill/fill.ts';
import { createHandler } from '../../functions/backfill/wake-up-handler.ts';
import {
  type AwsEdge,
  dynamoDbClient,
  objectStore,
  secretsManagerClient,
  sqsClient,
} from '../../lib/aws/aws-clients.ts';
import { createLogger, type LogLevel } from '../../lib/aws/logger.ts';
import { METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';
import type { Credentials } from '../../lib/genesys/token-source.ts';
import { redactionVariables } from './local-redaction.ts';
import { NAMES } from './resources.ts';

/** With a simulated Genesys Cloud, a run has hundreds of gaps in the time of one real gap, so its limits are higher. */
const SIMULATED_REQUESTS_PER_MINUTE = 30_000;
/** Rounds of a simulated run. Its REST API returns an event after at most one second. */
const SIMULATED_TIMES: FillTimes = {
  roundsAfterMs: [4_500, 5_500, 7_000],
  edgeMs: 1_000,
  unprovenMs: 30_000,
  retryAfterMs: 1_000,
};
const TIMEOUT_MS = 60_000;

/** Options of {@link createLocalBackfill}. */
export interface LocalBackfillOptions {
  emulator: Emulator;
  edge: AwsEdge;
  eventsQueueUrl: string;
  gapsQueueUrl: string;
  genesys: { apiUrl: string; loginUrl: string; credentials: Credentials };
  logLevel: LogLevel;
  /** A valid value of the variable `REDACTION`. */
  redaction?: string | undefined;
  isSimulated: boolean;
}

/** The backfill as Lambda runs it. */
export function createLocalBackfill(options: LocalBackfillOptions): SqsPoller {
  const { emulator, edge, eventsQueueUrl, gapsQueueUrl, genesys, logLevel, redaction, isSimulated } = options;
  const { apiUrl, loginUrl, credentials } = genesys;
  const configured = readConfig({
    GENESYS_API_URL: apiUrl,
    GENESYS_LOGIN_URL: loginUrl,
    GENESYS_SECRET_ID: 'not read: the credentials are known',
    EVENTS_QUEUE_URL: eventsQueueUrl,
    GAPS_QUEUE_URL: gapsQueueUrl,
    STATE_TABLE: NAMES.stateTable,
    OVERSIZE_BUCKET: NAMES.oversizeBucket,
    LOG_LEVEL: logLevel,
    ...redactionVariables(redaction),
  });
  const config = isSimulated
    ? { ...configured, requestsPerMinute: SIMULATED_REQUESTS_PER_MINUTE }
    : configured;
  const logger = createLogger('backfill', logLevel);
  return new SqsPoller({
    sqs: emulator.sqs,
    queueName: NAMES.gapsQueue,
    maximumConcurrency: 2,
    functionTimeoutMs: TIMEOUT_MS,
    createHandler: (environment) => {
      const own = { ...edge, requestHandler: environment.wrap(emulator.requestHandler()) };
      const dynamodb = dynamoDbClient(own);
      return createHandler(config, {
        dynamodb,
        objects: objectStore(config.oversizeBucket, dynamodb, edge.endpoint),
        sqs: sqsClient(own),
        secretsManager: secretsManagerClient(own),
        credentials: async () => credentials,
        logger,
        metrics: new Metrics({ namespace: METRIC_NAMESPACE, serviceName: 'backfill', logger }),
        ...(isSimulated ? { times: SIMULATED_TIMES } : {}),
      });
    },
  });
}
