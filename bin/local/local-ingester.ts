import { Ingester } from '../../functions/ingester/ingester.ts';
import { readConfig } from '../../functions/ingester/ingester-config.ts';
import { auditTrail } from '../../lib/aws/audit-settings.ts';
import {
  type AwsEdge,
  cloudWatchLogsClient,
  dynamoDbClient,
  objectStore,
  sqsClient,
} from '../../lib/aws/aws-clients.ts';
import { createLogger, LOG_LEVELS, type LogLevel } from '../../lib/aws/logger.ts';
import { RepeatedWarnings } from '../../lib/aws/repeated-warnings.ts';
import type { Credentials } from '../../lib/genesys/token-source.ts';
import { ChildIngester } from './child-ingester.ts';
import type { FaultChoice } from './fault-options.ts';
import { IngesterTasks } from './ingester-tasks.ts';
import { localRedaction, redactionVariables } from './local-redaction.ts';
import { NAMES } from './resources.ts';
import { inProcess, type RunningIngester } from './running-ingester.ts';
import { localLimits } from './simulation-limits.ts';

/** Users and queues are listed again at this interval while listing faults are injected. */
const REFRESH_SECONDS = 5;

/** Options of {@link createLocalIngester}. */
export interface LocalIngesterOptions {
  genesys: { apiUrl: string; loginUrl: string; credentials: Credentials };
  topics: readonly string[];
  /** Variables of the ingester's protocol. */
  environment?: Readonly<Record<string, string>>;
  healthPort: number;
  /** With two or more, each is a separate process. Default 1. */
  tasks?: number;
  logLevel: LogLevel;
  /** A valid value of the variable `REDACTION`. */
  redaction?: string | undefined;
  faults: FaultChoice;
  /** Whether Genesys Cloud is simulated, so that the limits can be shorter. */
  isSimulated: boolean;
  /** Called when the ingester process was killed. */
  onKilled: () => void;
}

/**
 * The ingester in this process, or in separate processes if it is to be killed or has several tasks. It calls AWS over
 * HTTP.
 */
export function createLocalIngester(
  options: LocalIngesterOptions,
  edge: AwsEdge & { endpoint: string },
  { eventsQueueUrl, gapsQueueUrl }: { eventsQueueUrl: string; gapsQueueUrl?: string | undefined },
): RunningIngester {
  const { genesys, faults, logLevel, tasks = 1 } = options;
  const refreshesOften = faults.cloud.some((kind) => kind.startsWith('listing_'));
  const environment = {
    GENESYS_API_URL: genesys.apiUrl,
    GENESYS_LOGIN_URL: genesys.loginUrl,
    GENESYS_CLIENT_ID: genesys.credentials.clientId,
    GENESYS_CLIENT_SECRET: genesys.credentials.clientSecret,
    TOPICS: options.topics.join(','),
    EVENTS_QUEUE_URL: eventsQueueUrl,
    ...(gapsQueueUrl === undefined ? {} : { GAPS_QUEUE_URL: gapsQueueUrl }),
    STATE_TABLE: NAMES.stateTable,
    OVERSIZE_BUCKET: NAMES.oversizeBucket,
    TASKS: String(tasks),
    HEALTH_PORT: String(options.healthPort),
    LOG_LEVEL: logLevel,
    ...(refreshesOften ? { TOPIC_REFRESH_SECONDS: String(REFRESH_SECONDS) } : {}),
    ...redactionVariables(options.redaction),
    ...options.environment,
  };
  const child = (more: Readonly<Record<string, string>> = {}) =>
    new ChildIngester({
      environment: { ...environment, ...awsVariables(edge), ...more },
      // Everything that a killed leader had read, the standby has also read.
      onKilled: tasks > 1 ? () => undefined : options.onKilled,
      onLog: (line) => {
        if (isWanted(line, logLevel)) process.stderr.write(`${line}\n`);
      },
    });
  if (tasks > 1)
    return new IngesterTasks({
      first: child(),
      create: () => child({ HEALTH_PORT: '0' }),
      count: tasks,
      isKilled: faults.ingesterKill,
    });
  if (faults.ingesterKill) return child();
  const dynamodb = dynamoDbClient(edge);
  const config = readConfig(environment);
  const log = new RepeatedWarnings(createLogger('ingester', logLevel));
  return inProcess(
    new Ingester(config, {
      sqs: sqsClient(edge),
      dynamodb,
      objectStore: objectStore(NAMES.oversizeBucket, dynamodb, edge.endpoint),
      redaction: localRedaction(config.redaction),
      credentials: [async () => genesys.credentials],
      log,
      audit: auditTrail(config.audit, () => cloudWatchLogsClient(edge), {
        service: 'ingester',
        log,
        writes: 'continuously',
      }),
      ...(options.isSimulated ? { limits: localLimits(faults).ingester } : {}),
    }),
  );
}

function awsVariables({ endpoint, region, credentials }: AwsEdge & { endpoint: string }) {
  const { accessKeyId = '', secretAccessKey = '' } = typeof credentials === 'object' ? credentials : {};
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region ?? '',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

/** Whether a log line has at least this level. The process itself logs at level INFO. */
function isWanted(line: string, logLevel: LogLevel): boolean {
  const level = /"level":"(\w+)"/.exec(line)?.[1] as LogLevel | undefined;
  return logLevel !== 'SILENT' && LOG_LEVELS.indexOf(level ?? 'ERROR') <= LOG_LEVELS.indexOf(logLevel);
}
