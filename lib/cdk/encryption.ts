import { Stack } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';

/** KMS actions required to read and write encrypted queues, tables and objects. */
const USE_ACTIONS = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
] as const;

/** Grants the use of a customer managed key. Does nothing without a key, because other keys need no permissions. */
export function grantKeyUse(key: IKey | undefined, grantee: IGrantable): void {
  key?.grant(grantee, ...USE_ACTIONS);
}

/**
 * Allows CloudWatch Logs and EventBridge to use a key for resources in this account and Region. The policy of an
 * imported key is not changed; its owner must allow this.
 *
 * The statements do not name individual resources, because that would create circular dependencies on the key.
 */
export function allowServices(key: IKey): void {
  const { partition, region, account, urlSuffix } = Stack.of(key);
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'CloudWatchLogs',
      principals: [new ServicePrincipal(`logs.${region}.${urlSuffix}`)],
      actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'],
      resources: ['*'],
      conditions: {
        ArnLike: {
          'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*`,
        },
      },
    }),
  );
  const eventBridge = new ServicePrincipal('events.amazonaws.com');
  // EventBridge describes the key of an archive before it has an encryption context.
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'EventBridgeDescribesKey',
      principals: [eventBridge],
      actions: ['kms:DescribeKey'],
      resources: ['*'],
    }),
  );
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'EventBridgeBusAndArchive',
      principals: [eventBridge],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'],
      resources: ['*'],
      conditions: {
        ArnLike: {
          'kms:EncryptionContext:aws:events:event-bus:arn': `arn:${partition}:events:${region}:${account}:*`,
        },
      },
    }),
  );
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'EventBridgeToQueues',
      principals: [eventBridge],
      actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': account } },
    }),
  );
}
