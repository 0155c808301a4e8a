import { sqsClient } from '../../lib/aws/aws-clients.ts';
import { deploymentMetrics } from '../../lib/aws/deployment-metrics.ts';
import { createLogger } from '../../lib/aws/logger.ts';
import { readConfig } from './order-config.ts';
import { createHandler } from './order-handler.ts';

/** Two calls with two attempts of 7 s each end within the timeout of the function, 30 s. */
const MAX_SDK_ATTEMPTS = 2;

const config = readConfig(process.env);

/** The Lambda entry point, configured from the environment. */
export const handler = createHandler(config, {
  sqs: sqsClient({}, MAX_SDK_ATTEMPTS),
  logger: createLogger('delivery-order', config.logLevel),
  metrics: deploymentMetrics('delivery-order', config.deployment),
});
