import { type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, type ITable, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** Attribute with the epoch second after which DynamoDB may delete an item. */
const TTL_ATTRIBUTE = 'expiresAt';

/** Encryption and end of the tables. */
export interface TablesProps {
  readonly encryptionKey?: IKey | undefined;
  readonly removalPolicy: RemovalPolicy;
  readonly deletionProtection: boolean;
}

/** The two tables: on demand, so that they cost nothing when idle. */
export class Tables extends Construct {
  /** Who publishes which event: `pk`. What is in it lives for the dedup window. */
  readonly claims: ITable;
  /** Channels and the ledger of gaps: `pk`, `sk`. Can be restored to any second of the last 35 days. */
  readonly state: ITable;

  constructor(scope: Construct, id: string, props: TablesProps) {
    super(scope, id);
    const { encryptionKey, removalPolicy, deletionProtection } = props;
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
    });
    Validations.of(claims).acknowledge({
      id: 'AwsSolutions-DDB3',
      reason:
        'Claims brought back from an earlier time would be wrong: events claimed since would come twice.',
    });
    this.claims = claims as ITable;
    this.state = new Table(this, 'State', {
      ...settings,
      sortKey: { name: 'sk', type: AttributeType.STRING },
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    }) as ITable;
  }
}
