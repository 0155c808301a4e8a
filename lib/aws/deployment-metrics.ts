import type { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import * as z from 'zod';
import { METRIC_NAMESPACE } from './metric-names.ts';

/** The environment variable that names the deployment. */
export const deploymentVariables = {
  DEPLOYMENT: z
    .string()
    .regex(/^[\w./-]{1,255}$/, 'has characters other than letters, digits, . / - and _, or more than 255')
    .optional()
    .meta({
      description:
        'Name of the deployment, a dimension of its metrics, so that several deployments in one account and Region do not count as one.',
      typeText: '1-255 letters, digits, `.`, `/`, `-` and `_`',
    }),
};

/**
 * The metrics of one process. All have the dimension `service`, and `deployment` if the deployment has a name.
 *
 * @param dimensions - dimensions that all metrics of the process have too, such as `destination`
 */
export function deploymentMetrics(
  serviceName: 'ingester' | 'consumer' | 'backfill' | 'webhook' | 'delivery' | 'delivery-order',
  deployment: string | undefined,
  logger?: Logger,
  dimensions: Readonly<Record<string, string>> = {},
): Metrics {
  return new Metrics({
    namespace: METRIC_NAMESPACE,
    serviceName,
    ...(logger ? { logger } : {}),
    defaultDimensions: { ...dimensions, ...(deployment === undefined ? {} : { deployment }) },
  });
}
