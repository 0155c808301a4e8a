import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Log } from '../../lib/aws/logger.ts';
import type { Credentials } from '../../lib/genesys/token-source.ts';
import type { BackoffLimits } from './backoff.ts';
import type { BatcherLimits } from './batcher.ts';
import type { ConnectionLimits } from './protocols/protocol.ts';
import type { SocketFactory } from './transport.ts';

/** The ingester's connections to the world; all but the AWS clients have defaults. */
export interface IngesterEdges {
  sqs: SQSClient;
  /** Needed with a state table. */
  dynamodb?: DynamoDBClient;
  credentials: () => Promise<Credentials>;
  log: Log;
  fetch?: typeof fetch;
  openSocket?: SocketFactory;
  /** Narrower limits make a test or a simulation quick. */
  limits?: {
    connection?: Partial<ConnectionLimits>;
    backoff?: Partial<BackoffLimits>;
    batcher?: Partial<BatcherLimits>;
    requestsPerMinute?: number;
    secretPollMs?: number;
  };
}
