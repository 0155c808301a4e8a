import * as z from 'zod';
import { deploymentVariables } from '../../lib/aws/deployment-metrics.ts';
import { LOG_LEVELS } from '../../lib/aws/logger.ts';
import {
  type ContentRedactionConfig,
  contentRedactionConfig,
  contentRedactionEnvironment,
  hashKeyProblems,
} from '../../lib/events/content-rules.ts';

/** Environment variables of the webhook. */
export const webhookEnvironment = z.object({
  EVENTS_QUEUE_URL: z
    .url('is missing or not a URL: the SQS queue for events')
    .meta({ description: 'URL of the SQS queue for events.' }),
  WEBHOOK_SECRET_ID: z
    .string('is missing: the name or ARN of the signing secret')
    .min(1, 'is empty: the name or ARN of the signing secret')
    .meta({
      description:
        'Name or ARN of the Secrets Manager secret whose value is the signing secret: at least 32 hexadecimal digits.',
    }),
  ...contentRedactionEnvironment,
  ...deploymentVariables,
  LOG_LEVEL: z.enum(LOG_LEVELS).default('INFO').meta({ description: 'Log level.' }),
});

/** The webhook's configuration, from environment variables. */
export interface WebhookConfig {
  eventsQueueUrl: string;
  /** Name or ARN of the secret with the signing secret. */
  secretId: string;
  /** What is redacted before an event is sent. */
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
export function readConfig(environment: Readonly<Record<string, string | undefined>>): WebhookConfig {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const { data, error } = webhookEnvironment.safeParse(set);
  const problems = error
    ? error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
    : hashKeyProblems(data);
  if (problems.length > 0 || !data) {
    const list = problems.map((problem) => `  - ${problem}`).join('\n');
    throw new Error(`The webhook's environment has ${problems.length} problem(s):\n${list}`);
  }
  return {
    eventsQueueUrl: data.EVENTS_QUEUE_URL,
    secretId: data.WEBHOOK_SECRET_ID,
    redaction: contentRedactionConfig(data),
    deployment: data.DEPLOYMENT,
    logLevel: data.LOG_LEVEL,
  };
}
