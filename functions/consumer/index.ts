import { Metrics } from '@aws-lambda-powertools/metrics';
import { dynamoDbClient, eventBridgeClient, objectStore, sqsClient } from '../../lib/aws/aws-clients.ts';
import { createLogger } from '../../lib/aws/logger.ts';
import { METRIC_NAMESPACE } from '../../lib/aws/metric-names.ts';
import { readConfig } from './config.ts';
import { createHandler } from './handler.ts';

const config = readConfig(process.env);
const dynamodb = dynamoDbClient({}, 1);

/** The entry point that AWS Lambda calls, wired from the environment. */
export const handler = createHandler(config, {
  dynamodb,
  objectStore: objectStore(config.oversizeBucket, dynamodb),
  sqs: sqsClient(),
  eventbridge: eventBridgeClient(),
  logger: createLogger('consumer', config.logLevel),
  metrics: new Metrics({ namespace: METRIC_NAMESPACE, serviceName: 'consumer' }),
});
