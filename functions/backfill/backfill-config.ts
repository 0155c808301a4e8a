import * as z from 'zod';
import { deploymentVariables } from '../../lib/aws/deployment-metrics.ts';
import { LOG_LEVELS } from '../../lib/aws/logger.ts';
import {
  type ContentRedactionConfig,
  contentRedactionConfig,
  contentRedactionEnvironment,
  hashKeyProblems,
} from '../../lib/events/content-rules.ts';
import { GENESYS_DOMAINS, genesysHosts, isGenesysDomain } from '../../lib/genesys/regions.ts';

/** A third of the 300 requests per minute that Genesys Cloud allows a token. The ingester needs the rest. */
export const DEFAULT_REQUESTS_PER_MINUTE = 100;

const url = (what: string) => z.url(`is missing or not a URL: ${what}`);

/** Environment variables of the backfill. */
export const backfillEnvironment = z.object({
  GENESYS_DOMAIN: z
    .string()
    .refine(isGenesysDomain, `is not a Genesys Cloud region. The regions are ${GENESYS_DOMAINS.join(', ')}`)
    .optional()
    .meta({
      description: 'Domain of your Genesys Cloud region, for example `mypurecloud.de`.',
      defaultText: 'required without `GENESYS_API_URL` and `GENESYS_LOGIN_URL`',
    }),
  GENESYS_API_URL: z.url('is not a URL').optional().meta({
    description: 'Base URL of the platform API, for example of a simulator.',
    defaultText: '`https://api.{GENESYS_DOMAIN}`',
  }),
  GENESYS_LOGIN_URL: z.url('is not a URL').optional().meta({
    description: 'Base URL of the login service, for example of a simulator.',
    defaultText: '`https://login.{GENESYS_DOMAIN}`',
  }),
  GENESYS_SECRET_ID: z
    .string('is missing: the name or ARN of the secret with the OAuth client')
    .min(1, 'is empty: the name or ARN of the secret with the OAuth client')
    .meta({
      description:
        'Name or ARN of a Secrets Manager secret with the OAuth client, `{"clientId":"…","clientSecret":"…"}`.',
    }),
  EVENTS_QUEUE_URL: url('the SQS queue for events').meta({
    description: 'URL of the SQS queue to which recovered events are sent.',
  }),
  GAPS_QUEUE_URL: url('the SQS queue for gaps').meta({
    description: 'URL of the SQS queue that invokes the backfill.',
  }),
  STATE_TABLE: z
    .string('is missing: the name of the DynamoDB table with the gap records')
    .min(1, 'is empty: the name of the DynamoDB table with the gap records')
    .meta({ description: 'Name of the DynamoDB table with the gap records.' }),
  OVERSIZE_BUCKET: z
    .string('is missing: the name of the S3 bucket for large events')
    .min(3, 'is not a bucket name')
    .meta({
      description:
        'Name of the S3 bucket for recovered events that do not fit into a message. They are published as references.',
    }),
  SUBSCRIPTION: z
    .string()
    .regex(/^[\w-]{1,64}$/, 'has characters other than letters, digits, - and _, or more than 64')
    .default('default')
    .meta({
      description: 'Name of the subscription set, the key of its records in the state table.',
      typeText: '1-64 letters, digits, `-` and `_`',
    }),
  BACKFILL_REQUESTS_PER_MINUTE: z.coerce
    .number('is not a number')
    .int('is not a whole number')
    .min(1, 'is less than 1')
    .max(300, 'is more than 300')
    .default(DEFAULT_REQUESTS_PER_MINUTE)
    .meta({
      description:
        'Requests per minute to the platform API. Genesys Cloud allows 300 per OAuth client, which are shared with the ingester.',
      typeText: '1-300',
    }),
  ...contentRedactionEnvironment,
  ...deploymentVariables,
  LOG_LEVEL: z
    .enum(LOG_LEVELS, `is not one of ${LOG_LEVELS.join(', ')}`)
    .default('INFO')
    .meta({ description: 'Log level.' }),
});

/** The backfill's configuration, from environment variables. */
export interface BackfillConfig {
  apiUrl: string;
  loginUrl: string;
  credentials: { secretIds: readonly [string] };
  eventsQueueUrl: string;
  gapsQueueUrl: string;
  stateTable: string;
  oversizeBucket: string;
  subscriptionSet: string;
  requestsPerMinute: number;
  /** Content to redact before a recovered event is sent. */
  redaction?: ContentRedactionConfig | undefined;
  /** Name of the deployment in metrics. */
  deployment?: string | undefined;
  logLevel: (typeof LOG_LEVELS)[number];
}

/**
 * Reads the configuration from environment variables.
 *
 * @throws Error that lists every problem
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): BackfillConfig {
  const parsed = backfillEnvironment.safeParse(environment);
  const problems = parsed.error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? [];
  if (parsed.success) problems.push(...hashKeyProblems(parsed.data));
  const { GENESYS_DOMAIN, GENESYS_API_URL, GENESYS_LOGIN_URL } = environment;
  if (!GENESYS_DOMAIN && !(GENESYS_API_URL && GENESYS_LOGIN_URL))
    problems.push('GENESYS_DOMAIN is missing: the domain of your Genesys Cloud region');
  if (!parsed.success || problems.length > 0)
    throw new Error(
      `The backfill's environment has ${problems.length} problem(s):\n${problems.map((one) => `  - ${one}`).join('\n')}`,
    );
  const values = parsed.data;
  const hosts = genesysHosts(values.GENESYS_DOMAIN ?? '');
  return {
    apiUrl: values.GENESYS_API_URL ?? hosts.apiUrl,
    loginUrl: values.GENESYS_LOGIN_URL ?? hosts.loginUrl,
    credentials: { secretIds: [values.GENESYS_SECRET_ID] },
    eventsQueueUrl: values.EVENTS_QUEUE_URL,
    gapsQueueUrl: values.GAPS_QUEUE_URL,
    stateTable: values.STATE_TABLE,
    oversizeBucket: values.OVERSIZE_BUCKET,
    subscriptionSet: values.SUBSCRIPTION,
    requestsPerMinute: values.BACKFILL_REQUESTS_PER_MINUTE,
    redaction: contentRedactionConfig(values),
    deployment: values.DEPLOYMENT,
    logLevel: values.LOG_LEVEL,
  };
}
