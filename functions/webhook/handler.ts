import { secretsManagerClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { deploymentMetrics } from '../../lib/aws/deployment-metrics.ts';
import { createLogger } from '../../lib/aws/logger.ts';
import { createHandler } from './url-handler.ts';
import { readConfig } from './webhook-config.ts';

const config = readConfig(process.env);

/** The Lambda entry point, configured from the environment. */
export const handler = createHandler(config, {
  sqs: sqsClient(),
  secretsManager: secretsManagerClient(),
  logger: createLogger('webhook', config.logLevel),
  metrics: deploymentMetrics('webhook', config.deployment),
});
