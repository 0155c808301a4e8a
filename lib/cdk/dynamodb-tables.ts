import { type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, type ITable, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** Attribute with the time, in epoch seconds, after which DynamoDB may delete an item. */
const TTL_ATTRIBUTE = 'expiresAt';

/** Properties of {@link Tables}. */
export interface TablesProps {
  /**
   * KMS key that encrypts the tables.
   *
   * @default - AWS owned key
   */
  readonly encryptionKey?: IKey | undefined;

  /** Removal policy of the tables. */
  readonly removalPolicy: RemovalPolicy;

  /** Whether the tables are protected from deletion. */
  readonly deletionProtection: boolean;

  /**
   * Write units per second that the claims table can handle immediately.
   *
   * @default - chosen by DynamoDB: 4,000, and more as the table grows
   */
  readonly claimsWarmWriteUnits?: number | undefined;
}

/** The two DynamoDB tables. They use on-demand capacity, so they cause no throughput costs when idle. */
export class Tables extends Construct {
  /** Records which message publishes which event, for the deduplication window. Key: `pk`. */
  readonly claims: ITable;
  /** Contains channels and gap records. Key: `pk`, `sk`. Supports point-in-time recovery for the last 35 days. */
  readonly state: ITable;

  constructor(scope: Construct, id: string, props: TablesProps) {
    super(scope, id);
    const { encryptionKey, removalPolicy, deletionProtection, claimsWarmWriteUnits } = props;
    const settings = {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: TTL_ATTRIBUTE,
      removalPolicy,
      deletionProtection,
      ...(encryptionKey ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey } : {}),
    };
    const claims = new Table(this, 'Claims', {
      ...settings,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: false },
      ...(claimsWarmWriteUnits === undefined
        ? {}
        : { warmThroughput: { writeUnitsPerSecond: claimsWarmWriteUnits } }),
    });
    Validations.of(claims).acknowledge({
      id: 'AwsSolutions-DDB3',
      reason:
        'Claims restored from an earlier time would be wrong: events claimed since then would be published twice.',
    });
    this.claims = claims as ITable;
    this.state = new Table(this, 'State', {
      ...settings,
      sortKey: { name: 'sk', type: AttributeType.STRING },
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    }) as ITable;
  }
}
