import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** An oversize event outlives EventBridge's own retries and a month of being read later. */
const LIFE_DAYS = 30;
/** Parts of an upload that never ended. */
const UNFINISHED_DAYS = 1;
/** Oldest TLS that is let in. */
const MINIMUM_TLS = 1.2;

/** Encryption and end of the bucket. */
export interface OversizeBucketProps {
  readonly encryptionKey?: IKey | undefined;
  readonly removalPolicy: RemovalPolicy;
  /** Days that the bus's archive keeps events: what they refer to must be there as long. */
  readonly archiveDays?: number | undefined;
}

/** Bucket for events that are too large for EventBridge; the bus gets a reference to them. */
export class OversizeBucket extends Construct {
  readonly bucket: IBucket;

  constructor(scope: Construct, id: string, props: OversizeBucketProps) {
    super(scope, id);
    const { encryptionKey, removalPolicy, archiveDays = 0 } = props;
    const bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: MINIMUM_TLS,
      removalPolicy,
      lifecycleRules: [
        {
          expiration: Duration.days(Math.max(LIFE_DAYS, archiveDays)),
          abortIncompleteMultipartUploadAfter: Duration.days(UNFINISHED_DAYS),
        },
      ],
      ...(encryptionKey
        ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }
        : { encryption: BucketEncryption.S3_MANAGED }),
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'One program writes here and every reference to an object is an event on the bus; access logs would double the cost of a bucket that is mostly empty.',
    });
    this.bucket = bucket as IBucket;
  }
}
