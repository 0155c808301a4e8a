import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { NativeJson1_0Protocol, NativeJson1_1Protocol } from './json-protocol.ts';
import { ObjectStore } from './object-store.ts';

/** Time for a connection to AWS to open. */
const CONNECTION_TIMEOUT_MS = 2_000;
/** Time for AWS to answer a request; after it the outcome is unknown. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Tries of one request by the SDK itself, where repeating it is harmless. */
const SDK_ATTEMPTS = 3;

/** What differs between AWS, a local stand-in over HTTP and one inside the process. */
export interface AwsEdge {
  /** Region; default from the environment. */
  region?: string;
  /** Base URL of a stand-in; default: `AWS_ENDPOINT_URL`, else AWS. */
  endpoint?: string;
  /** In-process or wrapped transport instead of HTTP. */
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
    maxAttempts: SDK_ATTEMPTS,
  };
}

/**
 * SQS. The SDK does not repeat a request by itself: whoever sends decides, for a repeat after an unknown outcome
 * needs a new envelope id. With a stand-in the queue URL's host is ignored; it may name the stand-in's own idea of
 * its address.
 */
export function sqsClient(edge: AwsEdge = {}): SQSClient {
  const standIn = edge.endpoint ?? process.env.AWS_ENDPOINT_URL_SQS ?? process.env.AWS_ENDPOINT_URL;
  return new SQSClient({
    ...settings(edge),
    maxAttempts: 1,
    protocol: NativeJson1_0Protocol,
    // The request's signature covers the SHA-256 of its body; a second digest of each message adds nothing.
    md5: false,
    ...(standIn === undefined ? {} : { useQueueUrlAsEndpoint: false }),
  });
}

/**
 * DynamoDB.
 *
 * @param attempts - tries of one request by the SDK; 1 where the caller must know of each unknown outcome
 */
export function dynamoDbClient(edge: AwsEdge = {}, attempts = SDK_ATTEMPTS): DynamoDBClient {
  return new DynamoDBClient({ ...settings(edge), maxAttempts: attempts, protocol: NativeJson1_0Protocol });
}

/** EventBridge. The SDK does not repeat by itself: an unknown outcome is the publisher's to weigh (P2). */
export function eventBridgeClient(edge: AwsEdge = {}): EventBridgeClient {
  return new EventBridgeClient({ ...settings(edge), maxAttempts: 1, protocol: NativeJson1_1Protocol });
}

/** Secrets Manager. */
export function secretsManagerClient(edge: AwsEdge = {}): SecretsManagerClient {
  return new SecretsManagerClient(settings(edge));
}

/**
 * Objects in an S3 bucket, with the region and credentials of another client; undefined without a bucket.
 * `AWS_ENDPOINT_URL_S3` and `AWS_ENDPOINT_URL` name a stand-in, as they do for the SDK.
 */
export function objectStore(
  bucket: string | undefined,
  { config: { region, credentials } }: DynamoDBClient,
  endpoint = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL,
): ObjectStore | undefined {
  return bucket === undefined ? undefined : new ObjectStore({ bucket, region, credentials, endpoint });
}
