import { dynamoDbClient, secretsManagerClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { deploymentMetrics } from '../../lib/aws/deployment-metrics.ts';
import { createLogger } from '../../lib/aws/logger.ts';
import { readConfig } from './delivery-config.ts';
import { createHandler } from './delivery-handler.ts';

const config = readConfig(process.env);

/** The Lambda entry point, configured from the environment. */
export const handler = createHandler(config, {
  dynamodb: dynamoDbClient(),
  sqs: sqsClient(),
  secretsManager: secretsManagerClient(),
  logger: createLogger('delivery', config.logLevel),
  metrics: deploymentMetrics('delivery', config.deployment, undefined, { destination: config.destination }),
});
