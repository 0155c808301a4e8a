import * as z from 'zod';
import { deploymentVariables } from '../../lib/aws/deployment-metrics.ts';
import { LOG_LEVELS } from '../../lib/aws/logger.ts';

/** Environment variables of the order function. */
export const orderEnvironment = z.object({
  FIFO_QUEUE_URL: z
    .url('is missing or not a URL: the FIFO queue of the delivery')
    .refine((url) => url.endsWith('.fifo'), 'is not the URL of a FIFO queue, which ends in .fifo')
    .meta({ description: 'URL of the FIFO queue of the delivery.' }),
  ...deploymentVariables,
  LOG_LEVEL: z.enum(LOG_LEVELS).default('INFO').meta({ description: 'Log level.' }),
});

/** The configuration of the order function, from environment variables. */
export interface OrderConfig {
  fifoQueueUrl: string;
  /** Name of the deployment in metrics. */
  deployment?: string | undefined;
  logLevel: (typeof LOG_LEVELS)[number];
}

/**
 * Reads the configuration from environment variables.
 *
 * @throws Error that lists every problem
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): OrderConfig {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const { data, error } = orderEnvironment.safeParse(set);
  if (error) {
    const problems = error.issues.map((issue) => `  - ${issue.path.join('.')} ${issue.message}`);
    throw new Error(
      `The order function's environment has ${problems.length} problem(s):\n${problems.join('\n')}`,
    );
  }
  return { fifoQueueUrl: data.FIFO_QUEUE_URL, deployment: data.DEPLOYMENT, logLevel: data.LOG_LEVEL };
}
