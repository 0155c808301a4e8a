import type { Duration } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { IVpc, SubnetSelection, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { FieldMappingOptions } from '../events/field-mapping.ts';
import type { ThresholdAlarmOptions } from './alarm-options.ts';
import type { DeliveryAlarmId } from './delivery-alarms.ts';
import type { EventMatch } from './event-match.ts';
import type { RedactionOptions } from './redaction-options.ts';

/** Options of {@link Switchboard.deliverTo}. */
export interface DeliveryOptions {
  /**
   * HTTPS URL to which each event is sent with POST, without a user name and password. The URL is not secret: the template contains it.
   *
   * @example 'https://crm.example.com/genesys-events'
   */
  readonly url: string;

  /**
   * Events to deliver, as in `switchboard.on`. `{}` selects all events.
   *
   * @example { detailTypes: ['v2.users.{id}.presence'], backfilled: false }
   */
  readonly match: EventMatch;

  /**
   * Secrets Manager secret with the key that signs each call as specified by Standard Webhooks: 24-64 bytes in base64, optionally with the prefix `whsec_`. Specify a name to create one with a generated value, or specify an existing secret.
   *
   * @default - a new secret with a generated value
   */
  readonly secret?: string | ISecret | Secret;

  /**
   * Authentication that the destination requires in addition to the signature.
   *
   * @default - only the signature
   */
  readonly auth?: DeliveryAuth;

  /**
   * Fields of the JSON body by name, each with its path in the EventBridge event, and optionally its `type` and whether it is `optional`. At most 50. A path consists of names and array indexes separated by dots; escape a dot in a name as `\.`. An event without a required field is moved to the quarantine queue.
   *
   * @example { contactId: 'detail.eventBody.id', state: { path: 'detail.eventBody.state', type: 'string', optional: true } }
   * @default - no mapping, see `content`
   */
  readonly fields?: FieldMappingOptions;

  /**
   * Body without `fields`: `event` is the whole EventBridge event, `detail` is only its `detail`.
   *
   * @default 'event'
   */
  readonly content?: 'event' | 'detail';

  /**
   * Content to redact before an event is sent to this destination, in addition to the `redaction` of the deployment.
   *
   * @example { drop: ['participants.*.attributes'], mask: ['**.ani'] }
   * @default - nothing
   */
  readonly redaction?: RedactionOptions;

  /**
   * Maximum number of calls per second, 0.01-10000. Other events wait in the queue.
   *
   * @default - no limit
   */
  readonly ratePerSecond?: number;

  /**
   * Maximum number of concurrent calls, 2-1000.
   *
   * @default 2
   */
  readonly concurrency?: number;

  /**
   * Whether the events of a conversation are delivered one after another, in the order in which they arrive. A failed event holds back the later events of its conversation. This costs about $2 more per million events, or about $0.20 more at ten events per invocation; `npm run cost` prints the price.
   *
   * @default false
   */
  readonly ordered?: boolean;

  /**
   * Time after which a call without a response is ended and retried later, 100 milliseconds to 20 seconds.
   *
   * @default Duration.seconds(5)
   */
  readonly timeout?: Duration;

  /**
   * VPC from which calls are made, on port 443. The function also calls SQS, DynamoDB and Secrets Manager from it: the VPC needs a NAT gateway or VPC endpoints.
   *
   * @default - outside a VPC
   */
  readonly vpc?: IVpc | Vpc;

  /**
   * Subnets of the function in your `vpc`.
   *
   * @default - private subnets
   */
  readonly vpcSubnets?: SubnetSelection;

  /**
   * Whether the host name may resolve to private addresses, such as those of your `vpc`. Requires `vpc`. Otherwise, calls to such addresses are refused.
   *
   * @default false
   */
  readonly allowPrivateAddresses?: boolean;

  /**
   * SNS topic that is notified when an alarm of this delivery enters the ALARM state and when it returns to OK.
   *
   * @default - `alarmTopic` and `warningTopic` of the deployment
   */
  readonly alarmTopic?: ITopic | Topic;

  /**
   * Options of the alarms of this delivery by id. `false` omits an alarm.
   *
   * @example { OldestMessageTooOld: { threshold: 600 } }
   * @default - every alarm with its defaults
   */
  readonly alarms?: DeliveryAlarmOptions;
}

/** Authentication with a secret in Secrets Manager, in addition to the signature. */
export type DeliveryAuth = BearerAuth | ApiKeyAuth | OAuthAuth;

/** Sends the value of the secret as `Authorization: Bearer …`. */
export interface BearerAuth {
  /** Bearer token. */
  readonly kind: 'bearer';

  /** Secret whose value is the token. */
  readonly secret: ISecret | Secret;
}

/** Sends the value of the secret in a header. */
export interface ApiKeyAuth {
  /** API key. */
  readonly kind: 'apiKey';

  /**
   * Name of the header.
   *
   * @default 'X-Api-Key'
   */
  readonly header?: string;

  /** Secret whose value is the key. */
  readonly secret: ISecret | Secret;
}

/** Sends a token from an OAuth server, requested with client credentials, as `Authorization: Bearer …`. */
export interface OAuthAuth {
  /** OAuth 2.0 with client credentials. */
  readonly kind: 'oauth';

  /** HTTPS URL of the token endpoint. */
  readonly tokenUrl: string;

  /** Secret with `{"clientId":"…","clientSecret":"…"}`. */
  readonly secret: ISecret | Secret;

  /**
   * Scope to request.
   *
   * @default - no scope
   */
  readonly scope?: string;
}

/** Options of the alarms of a delivery by id. `false` omits an alarm. */
export type DeliveryAlarmOptions = { readonly [Id in DeliveryAlarmId]?: ThresholdAlarmOptions | false };

/** The alarms of a delivery by id. Undefined if the delivery has no such alarm. */
export type DeliveryAlarms = { readonly [Id in DeliveryAlarmId]?: Alarm };
