import type { RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/** How long logs are kept where nothing else is said. */
const RETENTION = RetentionDays.ONE_MONTH;

/** What all log groups of a deployment have in common. */
export interface LogSettings {
  /** @default RetentionDays.ONE_MONTH */
  readonly retention?: RetentionDays | undefined;
  readonly removalPolicy: RemovalPolicy;
  /** @default encryption with the key that AWS keeps */
  readonly encryptionKey?: IKey | undefined;
}

/** A log group of its own, so that logs end after a time and nobody needs the right to make log groups. */
export function logGroup(scope: Construct, id: string, settings: LogSettings): LogGroup {
  const { retention = RETENTION, removalPolicy, encryptionKey } = settings;
  return new LogGroup(scope, id, {
    retention,
    removalPolicy,
    ...(encryptionKey ? { encryptionKey } : {}),
  });
}
