// The baseline of the import bench: the two SDK clients that every consumer needs.
export { DynamoDBClient } from '@aws-sdk/client-dynamodb';
export { EventBridgeClient } from '@aws-sdk/client-eventbridge';
