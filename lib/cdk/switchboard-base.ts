import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { type IEventBus, type IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct, type IConstruct } from 'constructs';
import type {
  BackfillMetricName,
  ConsumerMetricName,
  DeliveryOrderMetricName,
  IngesterMetricName,
  ProtocolMetricName,
  WebhookMetricName,
} from '../aws/metric-names.ts';
import { type MetricReading, metricOf, protocolMetricOf } from './cloudwatch-metrics.ts';
import { grantKeyUse } from './encryption.ts';
import { type EventMatch, eventPattern } from './event-match.ts';
import { type ProtocolProperty, protocolName } from './protocol-variables.ts';
import { REDRIVE_ACTIONS } from './redrive-actions.ts';

/** A deployment of Switchboard: created in this app, or imported with `Switchboard.fromAttributes`. */
export interface ISwitchboard extends IConstruct {
  /** Event bus with the published events. */
  readonly bus: IEventBus;

  /** `source` of the published events. */
  readonly eventSource: string;

  /** Name of the deployment: the dimension `deployment` of its metrics. */
  readonly deploymentName: string;

  /** See {@link SwitchboardBase.on}. */
  on(scope: Construct, id: string, match: EventMatch, ...targets: IRuleTarget[]): Rule;

  /** See {@link SwitchboardBase.grantReadGaps}. */
  grantReadGaps(grantee: IGrantable): void;

  /** See {@link SwitchboardBase.grantRedrive}. */
  grantRedrive(grantee: IGrantable): void;

  /** See {@link SwitchboardBase.grantReadOversize}. */
  grantReadOversize(grantee: IGrantable): void;

  /** See {@link SwitchboardBase.metricConsumer}. */
  metricConsumer(name: ConsumerMetricName, reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricIngester}. */
  metricIngester(name: IngesterMetricName, reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricBackfill}. */
  metricBackfill(name: BackfillMetricName, reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricWebhook}. */
  metricWebhook(name: WebhookMetricName, reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricDeliveryOrder}. */
  metricDeliveryOrder(name: DeliveryOrderMetricName, reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricProtocol}. */
  metricProtocol(protocol: ProtocolProperty, name: ProtocolMetricName, reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricReceived}. */
  metricReceived(reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricPublished}. */
  metricPublished(reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricDuplicatesDropped}. */
  metricDuplicatesDropped(reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricQuarantined}. */
  metricQuarantined(reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricLag}. */
  metricLag(reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricGapSeconds}. */
  metricGapSeconds(reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricCovered}. */
  metricCovered(reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricStandbyLive}. */
  metricStandbyLive(reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricRecovered}. */
  metricRecovered(reading?: MetricReading): Metric;

  /** See {@link SwitchboardBase.metricOpenGapAge}. */
  metricOpenGapAge(reading?: MetricReading): Metric;
}

/** ARNs of the resources that the grants of a deployment name. */
export interface GrantedResources {
  readonly stateTableArn?: string | undefined;
  readonly oversizeBucketArn?: string | undefined;
  readonly eventsQueueArn?: string | undefined;
  readonly deadLetterQueueArn?: string | undefined;

  /** KMS key that encrypts them. */
  readonly encryptionKey?: IKey | undefined;
}

/** What a deployment offers to other constructs, however it was created. */
export abstract class SwitchboardBase extends Construct implements ISwitchboard {
  abstract readonly bus: IEventBus;
  abstract readonly eventSource: string;
  abstract readonly deploymentName: string;
  protected abstract readonly granted: GrantedResources;

  /**
   * Creates a rule on the event bus, in any stack of the app.
   *
   * @param scope - scope of the rule, usually the stack of its targets
   * @param match - events to select; `{ queueId, backfilled: false }` selects the events of a queue and excludes events
   *   that were recovered after a gap
   * @param targets - up to five targets; add a dead-letter queue to each, because EventBridge stops retrying a delivery
   *   after 24 hours
   * @throws {@link EventMatchError} if the conditions of the match cannot be combined
   */
  on(scope: Construct, id: string, match: EventMatch, ...targets: IRuleTarget[]): Rule {
    return new Rule(scope, id, {
      eventBus: this.bus,
      eventPattern: eventPattern(this.eventSource, match),
      targets,
    });
  }

  /**
   * Grants what `switchboard gaps` needs. The state table also contains the ids of notification channels, which only
   * receive events together with a token.
   */
  grantReadGaps(grantee: IGrantable): void {
    this.grant(grantee, 'stateTableArn', ['dynamodb:Query', 'dynamodb:GetItem']);
  }

  /** Grants what `switchboard redrive` needs to move messages from the dead-letter queue back to the events queue. */
  grantRedrive(grantee: IGrantable): void {
    this.grant(grantee, 'deadLetterQueueArn', [
      ...REDRIVE_ACTIONS,
      'sqs:GetQueueUrl',
      'sqs:ListDeadLetterSourceQueues',
    ]);
    this.grant(grantee, 'eventsQueueArn', ['sqs:SendMessage']);
  }

  /** Grants read access to events that exceed the EventBridge size limit. Their published events refer to objects. */
  grantReadOversize(grantee: IGrantable): void {
    this.grant(grantee, 'oversizeBucketArn', ['s3:GetObject'], '/*');
  }

  /** A metric of the consumer, per minute. */
  metricConsumer(name: ConsumerMetricName, reading?: MetricReading): Metric {
    return metricOf(this.deploymentName, 'consumer', name, reading);
  }

  /** A metric of the ingester, aggregated over all tasks, per minute. */
  metricIngester(name: IngesterMetricName, reading?: MetricReading): Metric {
    return metricOf(this.deploymentName, 'ingester', name, reading);
  }

  /** A metric of the backfill, per minute. */
  metricBackfill(name: BackfillMetricName, reading?: MetricReading): Metric {
    return metricOf(this.deploymentName, 'backfill', name, reading);
  }

  /** A metric of the webhook, per minute. */
  metricWebhook(name: WebhookMetricName, reading?: MetricReading): Metric {
    return metricOf(this.deploymentName, 'webhook', name, reading);
  }

  /** A metric of all functions that put events in order for deliveries, per minute. */
  metricDeliveryOrder(name: DeliveryOrderMetricName, reading?: MetricReading): Metric {
    return metricOf(this.deploymentName, 'delivery-order', name, reading);
  }

  /**
   * A metric of the ingester for one protocol, per minute. There are no values while nothing is counted.
   *
   * @param protocol - a property of `protocols`, or `topics` for the topics of the deployment
   */
  metricProtocol(protocol: ProtocolProperty, name: ProtocolMetricName, reading?: MetricReading): Metric {
    return protocolMetricOf(this.deploymentName, protocolName(protocol), name, reading);
  }

  /** Events read from WebSockets, including copies. */
  metricReceived(reading?: MetricReading): Metric {
    return this.metricIngester('EventsReceived', reading);
  }

  /** Events accepted by EventBridge. */
  metricPublished(reading?: MetricReading): Metric {
    return this.metricConsumer('EventsPublished', reading);
  }

  /** Copies of published events that the consumer dropped. */
  metricDuplicatesDropped(reading?: MetricReading): Metric {
    return this.metricConsumer('DuplicatesDropped', reading);
  }

  /** Items that the consumer moved to the quarantine queue. */
  metricQuarantined(reading?: MetricReading): Metric {
    return this.metricConsumer('EventsQuarantined', reading);
  }

  /** Time from reading an event to its publication, in milliseconds; by default the 99th percentile. */
  metricLag(reading?: MetricReading): Metric {
    return this.metricConsumer('ReceivedToPublishedLatency', reading);
  }

  /** Total duration of ended gaps, in seconds. */
  metricGapSeconds(reading?: MetricReading): Metric {
    return this.metricIngester('GapSeconds', reading);
  }

  /** 1 for each task with a live connection for every subscription; by default the maximum. */
  metricCovered(reading?: MetricReading): Metric {
    return this.metricIngester('Covered', reading);
  }

  /** 1 for a standby that could take over without a gap; by default the maximum. */
  metricStandbyLive(reading?: MetricReading): Metric {
    return this.metricIngester('StandbyLive', reading);
  }

  /** Events that were recovered after gaps. */
  metricRecovered(reading?: MetricReading): Metric {
    return this.metricBackfill('EventsRecovered', reading);
  }

  /** Time since the end of the oldest gap that is being filled, in seconds; by default the maximum. */
  metricOpenGapAge(reading?: MetricReading): Metric {
    return this.metricBackfill('OldestOpenGapAge', reading);
  }

  private grant(
    grantee: IGrantable,
    resource: Exclude<keyof GrantedResources, 'encryptionKey'>,
    actions: string[],
    suffix = '',
  ): void {
    const arn = this.granted[resource];
    if (arn === undefined)
      throw new Error(
        `${this.node.path} was imported without \`${resource}\`, which this grant needs. Specify it in Switchboard.fromAttributes.`,
      );
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions, resources: [`${arn}${suffix}`] }),
    );
    grantKeyUse(this.granted.encryptionKey, grantee);
  }
}
