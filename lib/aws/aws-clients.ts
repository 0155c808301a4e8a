import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { NativeJson1_0Protocol, NativeJson1_1Protocol } from './json-protocol.ts';
import { ObjectStore } from './object-store.ts';

/** Timeout for opening a connection to AWS. */
const CONNECTION_TIMEOUT_MS = 2_000;
/** Timeout for the response to a request. After a timeout, the outcome of the request is unknown. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Attempts per request made by the SDK, including the first, for clients whose requests are safe to repeat. */
const MAX_SDK_ATTEMPTS = 3;

/** Settings that differ between AWS, an emulator reached over HTTP, and an emulator in the same process. */
export interface AwsEdge {
  /** AWS Region. @default - read from the environment */
  region?: string;
  /** Base URL of an emulator. @default - `AWS_ENDPOINT_URL` if set, otherwise AWS */
  endpoint?: string;
  /** Transport to use instead of HTTP, for example one in the same process. */
  requestHandler?: NonNullable<DynamoDBClientConfig['requestHandler']>;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

function settings(edge: AwsEdge) {
  return {
    ...(edge.region === undefined ? {} : { region: edge.region }),
    ...(edge.endpoint === undefined ? {} : { endpoint: edge.endpoint }),
    ...(edge.credentials === undefined ? {} : { credentials: edge.credentials }),
    requestHandler: edge.requestHandler ?? {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    maxAttempts: MAX_SDK_ATTEMPTS,
  };
}

/**
 * Creates an SQS client. By default, the SDK does not retry requests: the sender must decide, because a retry after an
 * unknown outcome needs a new envelope id. With an emulator, the host of a queue URL is ignored, because it may be an address
 * that is not reachable from here.
 *
 * @param maxAttempts - attempts per request made by the SDK; more than 1 only for requests that are safe to repeat
 */
export function sqsClient(edge: AwsEdge = {}, maxAttempts = 1): SQSClient {
  const standIn = edge.endpoint ?? process.env.AWS_ENDPOINT_URL_SQS ?? process.env.AWS_ENDPOINT_URL;
  return new SQSClient({
    ...settings(edge),
    maxAttempts,
    protocol: NativeJson1_0Protocol,
    // The signature of the request already covers the SHA-256 of its body.
    md5: false,
    ...(standIn === undefined ? {} : { useQueueUrlAsEndpoint: false }),
  });
}

/**
 * Creates a DynamoDB client.
 *
 * @param maxAttempts - attempts per request made by the SDK; 1 if the caller must handle every unknown outcome
 */
export function dynamoDbClient(edge: AwsEdge = {}, maxAttempts = MAX_SDK_ATTEMPTS): DynamoDBClient {
  return new DynamoDBClient({ ...settings(edge), maxAttempts, protocol: NativeJson1_0Protocol });
}

/** Creates an EventBridge client. The SDK does not retry requests: the publisher handles unknown outcomes (P2). */
export function eventBridgeClient(edge: AwsEdge = {}): EventBridgeClient {
  return new EventBridgeClient({ ...settings(edge), maxAttempts: 1, protocol: NativeJson1_1Protocol });
}

/** Creates a Secrets Manager client. */
export function secretsManagerClient(edge: AwsEdge = {}): SecretsManagerClient {
  return new SecretsManagerClient({ ...settings(edge), protocol: NativeJson1_1Protocol });
}

/** Creates a CloudWatch Logs client. */
export function cloudWatchLogsClient(edge: AwsEdge = {}): CloudWatchLogsClient {
  return new CloudWatchLogsClient({ ...settings(edge), protocol: NativeJson1_1Protocol });
}

/**
 * Creates a store for objects in an S3 bucket. It uses the Region and credentials of the given client.
 *
 * @param endpoint - base URL of an emulator; read from `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, as in the SDK
 * @returns undefined if no bucket is given
 */
export function objectStore(bucket: string, client: DynamoDBClient, endpoint?: string): ObjectStore;
export function objectStore(
  bucket: string | undefined,
  client: DynamoDBClient,
  endpoint?: string,
): ObjectStore | undefined;
export function objectStore(
  bucket: string | undefined,
  { config: { region, credentials } }: DynamoDBClient,
  endpoint = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL,
): ObjectStore | undefined {
  return bucket === undefined ? undefined : new ObjectStore({ bucket, region, credentials, endpoint });
}
