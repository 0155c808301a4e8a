import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { AuditTrail } from '../../lib/aws/audit-trail.ts';
import type { Log } from '../../lib/aws/logger.ts';
import type { ObjectStore } from '../../lib/aws/object-store.ts';
import type { ContentRedaction } from '../../lib/events/content-redaction.ts';
import type { Credentials } from '../../lib/genesys/token-source.ts';
import type { BackoffLimits } from './backoff.ts';
import type { BatcherLimits } from './batcher.ts';
import type { ConnectionTimes } from './connection-settings.ts';
import type { SocketFactory } from './transport.ts';

/** The ingester's connections to the outside; everything but the AWS clients has a default. */
export interface IngesterDependencies {
  sqs: SQSClient;
  /** Needed with a state table. */
  dynamodb?: DynamoDBClient;
  /** For frames that do not fit into a message; without it they are quarantined compressed, or lost. */
  objectStore?: ObjectStore | undefined;
  /** Takes the audit records. Without it there are none. The ingester closes it. */
  audit?: AuditTrail | undefined;
  /** Applied to every event and rejected frame before it leaves. */
  redaction?: ContentRedaction | undefined;
  /** One per OAuth client. */
  credentials: readonly (() => Promise<Credentials>)[];
  log: Log;
  fetch?: typeof fetch;
  openSocket?: SocketFactory;
  /** Shorter limits make tests and simulations fast. */
  limits?: {
    connection?: Partial<ConnectionTimes>;
    backoff?: Partial<BackoffLimits>;
    batcher?: Partial<BatcherLimits>;
    requestsPerMinute?: number;
    secretPollMs?: number;
    /** What was read this long around a gap is stored. */
    gapEdgeMs?: number;
    retryFailedMs?: number;
  };
}
