import * as z from 'zod';
import {
  type AuditSettings,
  auditProblems,
  auditSettings,
  auditVariables,
} from '../../lib/aws/audit-settings.ts';
import { deploymentVariables } from '../../lib/aws/deployment-metrics.ts';
import { LOG_LEVELS } from '../../lib/aws/logger.ts';
import {
  type ContentRedactionConfig,
  contentRedactionConfig,
  contentRedactionEnvironment,
  hashKeyProblems,
} from '../../lib/events/content-rules.ts';
import { MAX_PUT_EVENTS_BYTES } from './publish.ts';

/** Genesys Cloud retries deliveries to EventBridge for four days. */
const MIN_DEDUP_WINDOW_DAYS = 4;
/** Twice the maximum SQS retention: in the events queue, then in its dead-letter queue. */
const MAX_DEDUP_WINDOW_DAYS = 28;

/** EventBridge bills up to this size as one event, so a lower limit would save nothing. */
const MIN_OVERSIZE_BYTES = 65_536;

/** Environment variables of the consumer. */
export const consumerEnvironment = z.object({
  CLAIMS_TABLE: z
    .string('is missing: the name of the DynamoDB table for claims')
    .min(1)
    .meta({ description: 'Name of the DynamoDB table for claims.' }),
  EVENT_BUS_NAME: z
    .string('is missing: the name or ARN of the EventBridge bus')
    .min(1)
    .meta({ description: 'Name or ARN of the EventBridge event bus.' }),
  QUARANTINE_QUEUE_URL: z
    .url('is missing or not a URL: the SQS queue for items that failed permanently')
    .meta({ description: 'URL of the SQS queue for items that fail on every attempt.' }),
  EVENT_SOURCE: z
    .string()
    .regex(
      /^(?!aws\.)[\w.\-/]{1,256}$/i,
      'must be 1-256 letters, digits, . - _ / and not begin with aws., which AWS reserves',
    )
    .default('genesys.cloud')
    .meta({
      description: '`source` of the published events. It must not start with `aws.`, which is reserved.',
      typeText: '1-256 letters, digits, `.`, `-`, `_` and `/`',
    }),
  DEDUP_WINDOW_DAYS: z.coerce
    .number('is not a number')
    .min(MIN_DEDUP_WINDOW_DAYS, `is below ${MIN_DEDUP_WINDOW_DAYS}: Genesys Cloud retries for four days`)
    .max(MAX_DEDUP_WINDOW_DAYS, `is above ${MAX_DEDUP_WINDOW_DAYS}`)
    .default(7)
    .meta({
      description:
        'Deduplication window in days. A copy of an event is dropped if it arrives within this time.',
    }),
  OVERSIZE_BUCKET: z.string().min(3, 'is not a bucket name').optional().meta({
    description:
      'Name of the S3 bucket for events larger than `OVERSIZE_BYTES`. Without it, these events are sent to the quarantine queue.',
  }),
  OVERSIZE_BYTES: z.coerce
    .number('is not a number')
    .int('is not a whole number')
    .min(MIN_OVERSIZE_BYTES, `is below ${MIN_OVERSIZE_BYTES}`)
    .max(MAX_PUT_EVENTS_BYTES, `is above ${MAX_PUT_EVENTS_BYTES}, the EventBridge maximum`)
    .default(MAX_PUT_EVENTS_BYTES)
    .meta({
      description:
        'Size of a PutEvents entry above which the event is stored in the bucket and published as a reference.',
    }),
  ...contentRedactionEnvironment,
  ...deploymentVariables,
  ...auditVariables,
  LOG_LEVEL: z.enum(LOG_LEVELS).default('INFO').meta({ description: 'Log level.' }),
});

/** The consumer's configuration, from environment variables. */
export interface ConsumerConfig {
  claimsTable: string;
  eventBusName: string;
  quarantineQueueUrl: string;
  /** `source` of the published events. */
  eventSource: string;
  /** How long a claim is kept. */
  dedupWindowSeconds: number;
  /** S3 bucket for events larger than `oversizeBytes`. If undefined, these events are quarantined. */
  oversizeBucket: string | undefined;
  oversizeBytes: number;
  /** What is redacted from events of the native integration. The ingester and the webhook redact all others. */
  redaction: ContentRedactionConfig | undefined;
  /** If undefined, no audit records are written. */
  audit?: AuditSettings | undefined;
  /** Name of the deployment in metrics. */
  deployment?: string | undefined;
  logLevel: (typeof LOG_LEVELS)[number];
}

/**
 * Reads the configuration from environment variables.
 *
 * @throws Error that lists every problem
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): ConsumerConfig {
  const parsed = consumerEnvironment.safeParse(environment);
  const problems = parsed.success
    ? [...hashKeyProblems(parsed.data), ...auditProblems(parsed.data)]
    : parsed.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`);
  if (!parsed.success || problems.length > 0) {
    const list = problems.map((problem) => `  - ${problem}`).join('\n');
    throw new Error(`The consumer's environment has ${problems.length} problem(s):\n${list}`);
  }
  const values = parsed.data;
  return {
    claimsTable: values.CLAIMS_TABLE,
    eventBusName: values.EVENT_BUS_NAME,
    quarantineQueueUrl: values.QUARANTINE_QUEUE_URL,
    eventSource: values.EVENT_SOURCE,
    dedupWindowSeconds: Math.round(values.DEDUP_WINDOW_DAYS * 86_400),
    oversizeBucket: values.OVERSIZE_BUCKET,
    oversizeBytes: values.OVERSIZE_BYTES,
    redaction: contentRedactionConfig(values),
    // The consumer writes audit records about events only.
    audit: values.AUDIT === 'all' ? auditSettings(values) : undefined,
    deployment: values.DEPLOYMENT,
    logLevel: values.LOG_LEVEL,
  };
}
