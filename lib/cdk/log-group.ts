import { RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { SwitchboardProps } from './switchboard-props.ts';

const DEFAULT_RETENTION = RetentionDays.ONE_MONTH;

/** Settings shared by all log groups of a deployment. */
export interface LogSettings {
  /**
   * Retention of log events.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly retention?: RetentionDays | undefined;

  /** Removal policy of the log group. */
  readonly removalPolicy: RemovalPolicy;

  /**
   * KMS key that encrypts the logs.
   *
   * @default - encryption managed by CloudWatch Logs
   */
  readonly encryptionKey?: IKey | undefined;
}

/** Returns the settings of a deployment. */
export function logSettings({
  logRetention,
  removalPolicy = RemovalPolicy.RETAIN,
  encryptionKey,
}: Pick<SwitchboardProps, 'logRetention' | 'removalPolicy' | 'encryptionKey'>): LogSettings {
  return { retention: logRetention, removalPolicy, encryptionKey };
}

/** Creates a log group with limited retention. The writing role then needs no permission to create log groups. */
export function logGroup(scope: Construct, id: string, settings: LogSettings): LogGroup {
  const { retention = DEFAULT_RETENTION, removalPolicy, encryptionKey } = settings;
  return new LogGroup(scope, id, {
    retention,
    removalPolicy,
    ...(encryptionKey ? { encryptionKey } : {}),
  });
}
