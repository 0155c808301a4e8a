import * as z from 'zod';
import { LOG_LEVELS } from '../../lib/aws/logger.ts';
import { REQUEST_BYTES } from './publish.ts';

/** Shortest dedup window: Genesys Cloud retries towards EventBridge for four days. */
const DEDUP_WINDOW_MIN_DAYS = 4;
/** Longest that a queue keeps a message, twice: the events queue, then its dead-letter queue. */
const DEDUP_WINDOW_MAX_DAYS = 28;

/** Smallest limit that makes sense: what EventBridge bills as one event. */
const OVERSIZE_MIN_BYTES = 65_536;

const environmentSchema = z.object({
  CLAIMS_TABLE: z.string('is missing: the name of the DynamoDB table for claims').min(1),
  EVENT_BUS_NAME: z.string('is missing: the name or ARN of the EventBridge bus').min(1),
  QUARANTINE_QUEUE_URL: z.url('is missing or no URL: the SQS queue for what no retry can mend'),
  EVENT_SOURCE: z
    .string()
    .regex(
      /^(?!aws\.)[\w.\-/]{1,256}$/i,
      'must be 1-256 letters, digits, . - _ / and not begin with aws., which AWS keeps for itself',
    )
    .default('genesys.cloud'),
  DEDUP_WINDOW_DAYS: z.coerce
    .number('is not a number')
    .min(
      DEDUP_WINDOW_MIN_DAYS,
      `is below ${DEDUP_WINDOW_MIN_DAYS}: Genesys Cloud itself retries for four days`,
    )
    .max(DEDUP_WINDOW_MAX_DAYS, `is above ${DEDUP_WINDOW_MAX_DAYS}`)
    .default(7),
  OVERSIZE_BUCKET: z.string().min(3, 'is no bucket name').optional(),
  OVERSIZE_BYTES: z.coerce
    .number('is not a number')
    .int('is not a whole number')
    .min(OVERSIZE_MIN_BYTES, `is below ${OVERSIZE_MIN_BYTES}`)
    .max(REQUEST_BYTES, `is above ${REQUEST_BYTES}, the most that EventBridge takes`)
    .default(REQUEST_BYTES),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('INFO'),
});

/** What the consumer is told by its environment. */
export interface ConsumerConfig {
  claimsTable: string;
  eventBusName: string;
  quarantineQueueUrl: string;
  /** `source` of the published events. */
  eventSource: string;
  /** How long a claim is remembered. */
  dedupWindowSeconds: number;
  /** S3 bucket for events larger than `oversizeBytes`; without it they are quarantined. */
  oversizeBucket: string | undefined;
  oversizeBytes: number;
  logLevel: (typeof LOG_LEVELS)[number];
}

/**
 * The configuration in a process environment.
 *
 * @throws Error with every problem at once
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): ConsumerConfig {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `  - ${issue.path.join('.')} ${issue.message}`);
    throw new Error(`The consumer's environment has ${problems.length} problem(s):\n${problems.join('\n')}`);
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
    logLevel: values.LOG_LEVEL,
  };
}
