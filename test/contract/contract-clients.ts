import { randomUUID } from 'node:crypto';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { inject } from 'vitest';

const config = {
  endpoint: inject('endpoint').url,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 1,
};

// The queue URLs of a stand-in may have another host than its endpoint.
export const sqs = new SQSClient({ ...config, useQueueUrlAsEndpoint: false });
export const dynamodb = new DynamoDBClient(config);
export const eventbridge = new EventBridgeClient(config);
export const cloudWatchLogs = new CloudWatchLogsClient(config);
export const secretsManager = new SecretsManagerClient(config);

/** A name that no other run uses. */
export function uniqueName(purpose: string): string {
  return `contract-${purpose}-${randomUUID().slice(0, 13)}`;
}
