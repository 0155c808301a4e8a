import { auditTrail } from '../../lib/aws/audit-settings.ts';
import {
  cloudWatchLogsClient,
  dynamoDbClient,
  eventBridgeClient,
  objectStore,
  secretsManagerClient,
  sqsClient,
} from '../../lib/aws/aws-clients.ts';
import { contentRedaction } from '../../lib/aws/content-redaction-key.ts';
import { deploymentMetrics } from '../../lib/aws/deployment-metrics.ts';
import { createLogger } from '../../lib/aws/logger.ts';
import { readConfig } from './consumer-config.ts';
import { createHandler } from './sqs-handler.ts';

const config = readConfig(process.env);
const dynamodb = dynamoDbClient({}, 1);
const logger = createLogger('consumer', config.logLevel);

/** The Lambda entry point, configured from the environment. */
export const handler = createHandler(config, {
  dynamodb,
  objectStore: objectStore(config.oversizeBucket, dynamodb),
  sqs: sqsClient(),
  eventbridge: eventBridgeClient(),
  redaction: await contentRedaction(config.redaction, secretsManagerClient),
  audit: auditTrail(config.audit, cloudWatchLogsClient, {
    service: 'consumer',
    log: logger,
    writes: 'on flush',
  }),
  logger,
  metrics: deploymentMetrics('consumer', config.deployment),
});
