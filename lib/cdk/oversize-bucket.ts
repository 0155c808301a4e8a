import { type CfnElement, Duration, type RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** Minimum lifetime of an object. It exceeds the 24 hours for which EventBridge retries a delivery. */
const MIN_LIFETIME_DAYS = 30;
/** Incomplete multipart uploads are deleted after this time. */
const INCOMPLETE_UPLOAD_DAYS = 1;
const MIN_TLS_VERSION = 1.2;

/** Properties of {@link OversizeBucket}. */
export interface OversizeBucketProps {
  /**
   * KMS key that encrypts the objects.
   *
   * @default - Amazon S3 managed keys (SSE-S3)
   */
  readonly encryptionKey?: IKey | undefined;

  /** Removal policy of the bucket. */
  readonly removalPolicy: RemovalPolicy;

  /**
   * Retention of the event archive, in days. Objects are kept at least as long as the events that refer to them.
   *
   * @default - no archive
   */
  readonly archiveDays?: number | undefined;
}

/** Bucket for events that exceed the EventBridge size limit. The published event contains a reference to the object. */
export class OversizeBucket extends Construct {
  /** The S3 bucket. */
  readonly bucket: IBucket;

  constructor(scope: Construct, id: string, props: OversizeBucketProps) {
    super(scope, id);
    const { encryptionKey, removalPolicy, archiveDays = 0 } = props;
    const bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: MIN_TLS_VERSION,
      removalPolicy,
      lifecycleRules: [
        {
          expiration: Duration.days(Math.max(MIN_LIFETIME_DAYS, archiveDays)),
          abortIncompleteMultipartUploadAfter: Duration.days(INCOMPLETE_UPLOAD_DAYS),
        },
      ],
      ...(encryptionKey
        ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }
        : { encryption: BucketEncryption.S3_MANAGED }),
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Only Switchboard writes to this bucket, and every object is referenced by a published event. Access logs would double the cost of a bucket that is mostly empty.',
    });
    this.bucket = bucket as IBucket;
  }
}

/**
 * Grants adding objects to the bucket.
 *
 * @param who - the owner of the role, for example "The consumer"
 */
export function grantPutObjects(bucket: IBucket, role: IRole, who: string): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({ actions: ['s3:PutObject'], resources: [bucket.arnForObjects('*')] }),
  );
  const bucketId = Stack.of(role).getLogicalId(bucket.node.defaultChild as CfnElement);
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::<${bucketId}.Arn>/*]`,
    reason: `${who} adds objects under any key in its bucket. It cannot read or list them.`,
  });
}
