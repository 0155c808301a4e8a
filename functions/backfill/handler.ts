import { dynamoDbClient, objectStore, secretsManagerClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { deploymentMetrics } from '../../lib/aws/deployment-metrics.ts';
import { createLogger } from '../../lib/aws/logger.ts';
import { credentialsOf } from '../ingester/credentials.ts';
import { readConfig } from './backfill-config.ts';
import { createHandler } from './wake-up-handler.ts';

const config = readConfig(process.env);
const [credentials] = credentialsOf(config);
if (!credentials) throw new Error('No OAuth client is configured.');

const dynamodb = dynamoDbClient();
const objects = objectStore(config.oversizeBucket, dynamodb);

/** The Lambda entry point, configured from the environment. */
export const handler = createHandler(config, {
  dynamodb,
  objects,
  sqs: sqsClient(),
  secretsManager: secretsManagerClient(),
  credentials,
  logger: createLogger('backfill', config.logLevel),
  metrics: deploymentMetrics('backfill', config.deployment),
});
