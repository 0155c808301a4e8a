import type { RemovalPolicy } from 'aws-cdk-lib';
import type { EventBus, IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { LogLevel } from '../aws/log-level.ts';
import type { GenesysDomain } from '../genesys/regions.ts';
import type { SwitchboardAlarmProps } from './alarm-options.ts';
import type { AuditOptions } from './audit-options.ts';
import type { BackfillOptions } from './backfill-options.ts';
import type { ComputeProps } from './compute-props.ts';
import type { DetailType } from './detail-types.ts';
import type { RedactionOptions } from './redaction-options.ts';
import type { ShardOptions } from './shard-options.ts';
import type { StreamProtocols } from './stream-protocols.ts';
import type { WebhookOptions } from './webhook-options.ts';

/**
 * Properties of {@link Switchboard}.
 *
 * Some types name a class besides its interface, to which it is not assignable under `exactOptionalPropertyTypes`.
 */
export interface SwitchboardProps extends ComputeProps, SwitchboardAlarmProps {
  /**
   * Domain of your Genesys Cloud region, for example `mypurecloud.de`. A domain under `pure.cloud` that is not in the list
   * of regions is accepted with a warning, because the region can be newer than this version.
   *
   * @default - required, unless all events come from `partnerEventSource` or `webhook`
   */
  readonly genesysDomain?: GenesysDomain | (string & {});

  /**
   * Secrets Manager secret that contains the OAuth client credentials, `{"clientId":"…","clientSecret":"…"}`. Specify a name to create an
   * empty secret; a stack output then shows the command that fills it. Or specify an existing secret. An OAuth client has room for
   * 10,000 topics divided by `tasks`. For more topics, specify a list with one secret per OAuth client, at most 10, and add new ones at its end.
   *
   * If an existing secret is encrypted with a KMS key other than `encryptionKey`, import it with
   * `Secret.fromSecretAttributes` and its `encryptionKey`: the permission to use the key is granted only then.
   *
   * @example ['switchboard/genesys', 'switchboard/genesys-2']
   * @default - required, unless all events come from `partnerEventSource` or `webhook`
   */
  readonly secret?: string | ISecret | Secret | readonly (string | ISecret | Secret)[];

  /**
   * Topics to subscribe to. `{id}` stands for every user or queue, including those that are created later. An invalid topic causes synthesis to fail. The list may be empty if events come from `protocols`, `partnerEventSource` or `webhook`. Without topics and protocols, no ingester is deployed.
   *
   * @example ['v2.users.{id}.presence', 'v2.routing.queues.{id}.conversations']
   */
  readonly topics: readonly DetailType[];

  /**
   * Share of the topics of this deployment, if several deployments divide them. See docs/scale.md.
   *
   * @example { index: 0, count: 2 }
   * @default - all topics
   */
  readonly shard?: ShardOptions;

  /**
   * Other protocols to receive events with, each with its properties.
   *
   * @example { analyticsEvents: { eventTypes: ['conversation'] } }
   * @default - only topics
   */
  readonly protocols?: StreamProtocols;

  /**
   * Maximum size of a frame from a WebSocket, in bytes, 1024-67108864. A larger one is lost: it ends its connection, and raises the alarm FramesUnpreserved.
   *
   * @default 16777216
   */
  readonly maxFrameBytes?: number;

  /**
   * Whether to offer permessage-deflate to WebSocket servers. It saves bandwidth, and costs CPU and memory.
   *
   * @default false
   */
  readonly compressFrames?: boolean;

  /**
   * Number of ingester tasks, 1-10, distributed across Availability Zones. With two or more, one sends and the others are standbys: they keep what they read, and send it when a task, a host or an Availability Zone fails, or in an upgrade. `npm run cost` prints the price. A standby has its own channels, so an OAuth client has room for half as many topics. With one task, such a failure is a gap of about a minute, which is recorded and recovered as far as the platform API can return its events.
   *
   * @default 2
   */
  readonly tasks?: number;

  /**
   * Notification channels that each task needs, 1-100, with 1,000 topics each. They are divided among the OAuth clients, rounded up. An OAuth client has 20 channels, and an upgrade runs twice as many tasks. Synthesis fails if the OAuth clients do not have enough channels for all tasks.
   *
   * @default - of each OAuth client 10 divided by `tasks`, rounded down
   */
  readonly channels?: number;

  /**
   * Event bus to publish to.
   *
   * @default - a new event bus
   */
  readonly bus?: IEventBus | EventBus;

  /**
   * `source` of the published events. It must not start with `aws.`.
   *
   * @default 'genesys.cloud'
   */
  readonly eventSource?: string;

  /**
   * Retention of an archive of all published events, in days, 1-3650. Archived events can be replayed. The archive costs $0.10 per GB plus storage.
   *
   * @default - no archive
   */
  readonly archiveDays?: number;

  /**
   * Deduplication window in days, 4-28. A copy of an event is dropped if it arrives within this time. The minimum is 4
   * because Genesys Cloud retries deliveries for 4 days.
   *
   * @default 7
   */
  readonly dedupWindowDays?: number;

  /**
   * Write units per second that the claims table can handle immediately, 4000-1000000. An event needs about one. DynamoDB charges once for the difference, and the value cannot be lowered. See docs/scale.md.
   *
   * @default - chosen by DynamoDB
   */
  readonly claimsWarmWriteUnits?: number;

  /**
   * Creates an HTTPS endpoint that receives events from Genesys Cloud. `{}` uses the defaults. `switchboard streams create` registers it in Genesys Cloud.
   *
   * @default - no webhook
   */
  readonly webhook?: WebhookOptions;

  /**
   * Event source of Genesys Cloud's own EventBridge integration, whose events are published too. Specify its name to create its event bus, or specify an existing event bus. Events that `topics` also delivers are published once.
   *
   * @example 'aws.partner/genesys.com/cloud/32aa07aa-db1b-4987-abd0-9483601ec29d/main'
   * @default - the integration is not used
   */
  readonly partnerEventSource?: string | IEventBus | EventBus;

  /**
   * Topics that the integration sends, as in its topic filter, with the literal `{id}`. Other events of the event source are ignored. A topic whose events have no key fields may be either here or in `topics`; otherwise synthesis fails.
   *
   * @example ['v2.users.{id}.presence', 'v2.detail.events.conversation.{id}.customer.end']
   * @default - all topics
   */
  readonly partnerTopics?: readonly DetailType[];

  /**
   * Writes audit records to their own log group. `switchboard audit verify` checks them.
   *
   * @example { records: 'all' }
   * @default - no audit records
   */
  readonly audit?: AuditOptions;

  /**
   * Content to redact before an event leaves the ingester or the webhook. Event ids are computed before that, so they stay the same when this changes. EventBridge sends the events of `partnerEventSource` unchanged to the events queue or its dead-letter queue; they are redacted from the consumer on.
   *
   * @example { preset: 'structural', hash: ['**.ani'] }
   * @default - nothing
   */
  readonly redaction?: RedactionOptions;

  /**
   * Recovers the events of gaps from the platform API, as far as Genesys Cloud can still return them. `false` only records gaps. The OAuth client needs permissions; see the README.
   *
   * @default - the default options; `false` with `partnerEventSource`, because the native integration delivers during gaps
   */
  readonly backfill?: BackfillOptions | false;

  /**
   * Retention of the log groups.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;

  /**
   * Log level of the ingester and the consumer.
   *
   * @default 'INFO'
   */
  readonly logLevel?: LogLevel;

  /**
   * KMS key that encrypts the queues, tables, event bus, archive, bucket, logs and secret. If the key is defined in this app, the required statements are added to its policy. The owner of an imported key must allow CloudWatch Logs and EventBridge to use it.
   *
   * @default - encryption at rest with AWS owned and AWS managed keys
   */
  readonly encryptionKey?: IKey;

  /**
   * Removal policy of the queues, tables, bucket, archive, new secrets and log groups.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * Whether the DynamoDB tables are protected from deletion.
   *
   * @default false
   */
  readonly deletionProtection?: boolean;

  /**
   * Whether to omit the resources that AWS emulators do not support: the archive, the dashboard, the ECS service with
   * its image and network, and the alarms of the service.
   *
   * @default false
   */
  readonly forEmulator?: boolean;
}
