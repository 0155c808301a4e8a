// What the consumer's import is measured against: the two SDK clients that no consumer can do without.
export { DynamoDBClient } from '@aws-sdk/client-dynamodb';
export { EventBridgeClient } from '@aws-sdk/client-eventbridge';
