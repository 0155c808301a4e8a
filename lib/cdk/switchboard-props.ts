import type { RemovalPolicy } from 'aws-cdk-lib';
import type { IVpc, SubnetSelection, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { EventBus, IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { LogLevel } from '../aws/logger.ts';
import type { GenesysDomain } from '../genesys/regions.ts';
import type { DetailType } from './detail-types.ts';

/**
 * What a deployment is told. Only the first three have no default.
 *
 * Some types name a class beside its interface: under `exactOptionalPropertyTypes` CDK's classes do not fit their own
 * interfaces.
 */
export interface SwitchboardProps {
  /** Domain of your Genesys Cloud region, for example `mypurecloud.de`. */
  readonly genesysDomain: GenesysDomain | (string & {});

  /**
   * Name for the secret that will hold the OAuth client, `{"clientId":"…","clientSecret":"…"}`. It is made empty; an
   * output of the stack is the command that fills it. Or a secret that is there already.
   */
  readonly secret: string | ISecret | Secret;

  /**
   * Topics to subscribe to; `{id}` stands for every user or queue that there is, now and later. One bad topic fails
   * the synthesis.
   *
   * @example ['v2.users.{id}.presence', 'v2.routing.queues.{id}.conversations']
   */
  readonly topics: readonly DetailType[];

  /**
   * Ingester tasks, 1-10, spread over availability zones. Each costs about $7 and its IPv4 address $4 a month; a
   * second one bridges the loss of a machine or a zone without a gap.
   * @default 1
   */
  readonly tasks?: number;

  /**
   * Network of the ingester. It needs a way out to the internet on port 443 and none in.
   * @default a VPC of its own with public subnets in two zones, no NAT gateway, nothing let in
   */
  readonly vpc?: IVpc | Vpc;

  /**
   * Subnets in your `vpc`.
   * @default its private ones with a way out, else its public ones
   */
  readonly vpcSubnets?: SubnetSelection;

  /**
   * Bus to publish on.
   * @default a bus of its own
   */
  readonly bus?: IEventBus | EventBus;

  /**
   * `source` of the published events; may not begin with `aws.`.
   * @default 'genesys.cloud'
   */
  readonly eventSource?: string;

  /**
   * Days for which the bus keeps all published events for a replay, 1-3650. $0.10 a GB.
   * @default no archive
   */
  readonly archiveDays?: number;

  /**
   * Days for which an event is remembered, so that a copy of it is dropped; 4-28, for Genesys Cloud itself retries
   * for 4 days.
   * @default 7
   */
  readonly dedupWindowDays?: number;

  /**
   * Consumers (AWS Lambda) that work on the queue at the same time, 2-1000.
   * @default 10
   */
  readonly consumerConcurrency?: number;

  /**
   * Topic that hears of every alarm and of its end.
   * @default alarms show in CloudWatch and tell nobody
   */
  readonly alarmTopic?: ITopic;

  /**
   * How long logs are kept.
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;

  /**
   * Least level that is logged.
   * @default 'INFO'
   */
  readonly logLevel?: LogLevel;

  /**
   * Key for queues, tables, bus, archive, bucket, logs and the secret. Its policy is extended where it belongs to
   * this app; the owner of any other must let CloudWatch Logs and EventBridge use it.
   * @default encryption at rest with the keys that AWS keeps, at no cost
   */
  readonly encryptionKey?: IKey;

  /**
   * What becomes of queues, tables, bucket and logs when the stack is deleted.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * Whether DynamoDB refuses to delete the tables.
   * @default false
   */
  readonly deletionProtection?: boolean;

  /**
   * Leave out what AWS emulators lack: the archive, the dashboard, and the container service with its image, network
   * and the alarms on it. Everything else is deployed as ever; run the ingester beside the emulator.
   * @default false
   */
  readonly forEmulator?: boolean;
}
