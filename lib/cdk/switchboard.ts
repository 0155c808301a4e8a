import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import type { SwitchboardAlarms } from './alarm-options.ts';
import { AuditLog } from './audit-log.ts';
import { BackfillFunction } from './backfill-function.ts';
import { nameDeployment } from './cloudwatch-metrics.ts';
import { addWarnings, checkConfiguration, DEFAULTS } from './configuration.ts';
import { ConsumerFunction } from './consumer-function.ts';
import { Dashboard } from './dashboard.ts';
import type { DeliveryOptions } from './delivery-options.ts';
import { addAlarms } from './deployment-alarms.ts';
import { Tables } from './dynamodb-tables.ts';
import { allowServices } from './encryption.ts';
import { Bus } from './event-bus.ts';
import { Delivery } from './event-delivery.ts';
import { fillsGaps, hasIngester } from './event-paths.ts';
import { GenesysSecret, secretsIn } from './genesys-secret.ts';
import { ImportedSwitchboard, type SwitchboardAttributes } from './imported-switchboard.ts';
import { IngesterService } from './ingester-service.ts';
import { type LogSettings, logSettings } from './log-group.ts';
import { type GapsQueues, Queues } from './message-queues.ts';
import { Network } from './network.ts';
import { OversizeBucket } from './oversize-bucket.ts';
import { PartnerSource } from './partner-source.ts';
import { RedactionSettings } from './redaction-settings.ts';
import { addOutputs, numbered } from './stack-outputs.ts';
import { type GrantedResources, type ISwitchboard, SwitchboardBase } from './switchboard-base.ts';
import type { SwitchboardProps } from './switchboard-props.ts';
import { WebhookEndpoint } from './webhook-endpoint.ts';

/**
 * Publishes Genesys Cloud events to Amazon EventBridge. Creates the ingester, the queues, the consumer, the tables, the
 * event bus, the alarms and the dashboard.
 *
 * @example
 * const switchboard = new Switchboard(this, 'Switchboard', {
 *   genesysDomain: 'mypurecloud.de',
 *   secret: 'switchboard/genesys',
 *   topics: ['v2.users.{id}.presence'],
 * });
 * switchboard.on(this, 'Presence', { detailTypes: ['v2.users.{id}.presence'] }, new SqsQueue(queue));
 */
export class Switchboard extends SwitchboardBase {
  /** Imports a deployment of another app or stack, for rules, metrics and permissions. */
  static fromAttributes(scope: Construct, id: string, attributes: SwitchboardAttributes): ISwitchboard {
    return new ImportedSwitchboard(scope, id, attributes);
  }

  /** Event bus with the published events. */
  readonly bus: IEventBus;
  /** `source` of the published events. */
  readonly eventSource: string;
  /** Name of the deployment: the dimension `deployment` of its metrics. */
  readonly deploymentName: string;
  /** The events queue, the dead-letter queue and the quarantine queue. */
  readonly queues: Queues;
  /** The claims table and the state table. */
  readonly tables: Tables;
  /** Bucket for events that exceed the EventBridge size limit. */
  readonly oversize: OversizeBucket;
  /** The consumer function. */
  readonly consumer: ConsumerFunction;
  /** Secrets with the OAuth clients. */
  readonly secrets: readonly GenesysSecret[];
  /** The ingester service; undefined with `forEmulator`, and without topics and protocols. */
  readonly ingester?: IngesterService;
  /** The webhook; undefined unless the property `webhook` is specified. */
  readonly webhook?: WebhookEndpoint;
  /** The native integration; undefined unless the property `partnerEventSource` is specified. */
  readonly partner?: PartnerSource;
  /** The audit records; undefined unless the property `audit` is specified. */
  readonly audit?: AuditLog;
  /** The backfill; undefined with `backfill: false`. */
  readonly backfill?: BackfillFunction;
  /** The CloudWatch dashboard; undefined with `forEmulator`. */
  readonly dashboard?: Dashboard;
  /** The CloudWatch alarms by id, for example to add actions. */
  readonly alarms: SwitchboardAlarms;
  /** Content redaction; undefined without the property. */
  readonly redaction?: RedactionSettings;
  private readonly props: SwitchboardProps;

  /** @throws {@link SwitchboardConfigurationError} with all problems, if the properties are invalid */
  constructor(scope: Construct, id: string, props: SwitchboardProps) {
    super(scope, id);
    checkConfiguration(props, Switchboard);
    addWarnings(this, props);
    this.props = props;
    this.deploymentName = nameDeployment(this);
    const { encryptionKey, deletionProtection = false, forEmulator = false } = props;
    const archiveDays = forEmulator ? undefined : props.archiveDays;
    const logs = logSettings(props);
    const stored = { encryptionKey, removalPolicy: logs.removalPolicy };
    if (encryptionKey) allowServices(encryptionKey);
    this.eventSource = props.eventSource ?? DEFAULTS.eventSource;
    const { redaction: options } = props;
    if (options) this.redaction = new RedactionSettings(this, 'Redaction', { options, ...stored });
    this.secrets = secretsIn(props.secret).map(
      (secret, index) => new GenesysSecret(this, numbered('Secret', index), { secret, ...stored }),
    );
    this.queues = new Queues(this, 'Queues', stored);
    const { claimsWarmWriteUnits } = props;
    this.tables = new Tables(this, 'Tables', { ...stored, deletionProtection, claimsWarmWriteUnits });
    this.oversize = new OversizeBucket(this, 'Oversize', { ...stored, archiveDays });
    const bus = new Bus(this, 'Events', {
      bus: props.bus,
      quarantine: this.queues.quarantine,
      eventSource: this.eventSource,
      archiveDays,
      ...stored,
    });
    this.bus = bus.bus;
    this.consumer = this.createConsumer(bus, logs);
    const { partnerEventSource: source, partnerTopics: topics } = props;
    if (source !== undefined)
      this.partner = new PartnerSource(this, 'Partner', {
        source,
        topics,
        queues: this.queues,
        encryptionKey,
      });
    const gaps = fillsGaps(props) && !forEmulator ? this.queues.addGaps() : undefined;
    if (!forEmulator) {
      if (hasIngester(props)) this.ingester = this.createIngester(logs, gaps);
      if (gaps) this.backfill = this.createBackfill(logs, gaps);
      this.dashboard = new Dashboard(this, 'Dashboard', {
        queues: this.queues,
        tables: this.tables,
        consumer: this.consumer.function,
        service: this.ingester?.service,
        partner: this.partner,
        hasBackfill: this.backfill !== undefined,
        bus: this.bus,
      });
    }
    if (props.webhook) {
      this.webhook = new WebhookEndpoint(this, 'Webhook', {
        options: props.webhook,
        eventsQueue: this.queues.events,
        redaction: this.redaction,
        logLevel: props.logLevel,
        logs,
        encryptionKey,
      });
    }
    if (props.audit) {
      const { consumer, ingester } = this;
      this.audit = new AuditLog(this, 'Audit', { options: props.audit, logs, consumer, ingester });
    }
    const { queues, consumer, backfill, partner, webhook, audit } = this;
    const tasks = this.ingester && (props.tasks ?? DEFAULTS.tasks);
    const monitored = { queues, consumer, tasks, backfill, gaps, partner, webhook, audit };
    this.alarms = addAlarms(this, monitored, props);
    addOutputs(this, this);
  }

  /**
   * Delivers events to an HTTP API, with retries, a circuit breaker and a dead-letter queue.
   *
   * @param name - name of the destination, unique in the deployment
   * @throws {@link SwitchboardConfigurationError} with all problems, if the name or the options are invalid
   */
  deliverTo(name: string, options: DeliveryOptions): Delivery {
    return new Delivery(this, { name, options, settings: this.props });
  }

  protected override get granted(): GrantedResources {
    const { tables, oversize, queues, props } = this;
    return {
      stateTableArn: tables.state.tableArn,
      oversizeBucketArn: oversize.bucket.bucketArn,
      eventsQueueArn: queues.events.queueArn,
      deadLetterQueueArn: queues.deadLetter.queueArn,
      encryptionKey: props.encryptionKey,
    };
  }

  private createConsumer(bus: Bus, logs: LogSettings): ConsumerFunction {
    const { dedupWindowDays, consumerConcurrency, logLevel, encryptionKey } = this.props;
    return new ConsumerFunction(this, 'Consumer', {
      options: this.props.consumer,
      queues: this.queues,
      claimsTable: this.tables.claims,
      bus,
      oversizeBucket: this.oversize.bucket,
      eventSource: this.eventSource,
      dedupWindowDays: dedupWindowDays ?? DEFAULTS.dedupWindowDays,
      concurrency: consumerConcurrency ?? DEFAULTS.consumerConcurrency,
      // All other events are redacted before they are in the queue.
      redaction: this.props.partnerEventSource === undefined ? undefined : this.redaction,
      logLevel,
      logs,
      encryptionKey,
    });
  }

  private createBackfill(logs: LogSettings, { gaps }: GapsQueues): BackfillFunction {
    const { backfill, genesysDomain = '', logLevel, encryptionKey } = this.props;
    const [first] = this.secrets;
    if (!first) throw new Error('An ingester has a secret.');
    return new BackfillFunction(this, 'Backfill', {
      options: backfill || {},
      genesysDomain,
      secret: first.secret,
      gapsQueue: gaps,
      eventsQueue: this.queues.events,
      stateTable: this.tables.state,
      oversizeBucket: this.oversize.bucket,
      redaction: this.redaction,
      logLevel,
      logs,
      encryptionKey,
    });
  }

  private createIngester(logs: LogSettings, gaps: GapsQueues | undefined): IngesterService {
    const { genesysDomain = '', tasks = DEFAULTS.tasks } = this.props;
    return new IngesterService(this, 'Ingester', {
      ...this.props,
      network: new Network(this, 'Network', { ...this.props, logs }),
      tasks,
      genesysDomain,
      secrets: this.secrets.map(({ secret }) => secret),
      eventsQueue: this.queues.events,
      gapsQueue: gaps?.gaps,
      stateTable: this.tables.state,
      oversizeBucket: this.oversize.bucket,
      redaction: this.redaction,
      logs,
    });
  }
}
