import { CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import { type IEventBus, type IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import { checkConfiguration, DEFAULTS } from './configuration.ts';
import { ConsumerFunction } from './consumer-function.ts';
import { Dashboard } from './dashboard.ts';
import { Tables } from './dynamodb-tables.ts';
import { allowServices, grantKeyUse } from './encryption.ts';
import { Bus } from './event-bus.ts';
import { type EventMatch, eventPattern } from './event-match.ts';
import { GenesysSecret } from './genesys-secret.ts';
import { IngesterService } from './ingester-service.ts';
import type { LogSettings } from './log-group.ts';
import { Queues } from './message-queues.ts';
import { Network } from './network.ts';
import { OversizeBucket } from './oversize-bucket.ts';
import type { SwitchboardProps } from './switchboard-props.ts';

/**
 * Genesys Cloud's real-time events on an EventBridge bus: ingester, queues, consumer, tables, bus, alarms, dashboard.
 *
 * @example
 * const switchboard = new Switchboard(this, 'Switchboard', {
 *   genesysDomain: 'mypurecloud.de',
 *   secret: 'switchboard/genesys',
 *   topics: ['v2.users.{id}.presence'],
 * });
 * switchboard.on(this, 'Presence', { detailTypes: ['v2.users.{id}.presence'] }, new SqsQueue(queue));
 */
export class Switchboard extends Construct {
  /** Where events are published. */
  readonly bus: IEventBus;
  /** `source` of the published events. */
  readonly eventSource: string;
  readonly queues: Queues;
  readonly tables: Tables;
  readonly oversize: OversizeBucket;
  readonly consumer: ConsumerFunction;
  readonly secret: GenesysSecret;
  /** Not with `forEmulator`. */
  readonly ingester?: IngesterService;
  /** Not with `forEmulator`. */
  readonly dashboard?: Dashboard;
  private readonly props: SwitchboardProps;

  /** @throws SwitchboardConfigurationError with every mistake in the props at once */
  constructor(scope: Construct, id: string, props: SwitchboardProps) {
    super(scope, id);
    checkConfiguration(props, Switchboard);
    this.props = props;
    const { encryptionKey, deletionProtection = false, forEmulator = false } = props;
    const archiveDays = forEmulator ? undefined : props.archiveDays;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const logs: LogSettings = { retention: props.logRetention, removalPolicy, encryptionKey };
    if (encryptionKey) allowServices(encryptionKey);
    this.eventSource = props.eventSource ?? DEFAULTS.eventSource;
    this.secret = new GenesysSecret(this, 'Secret', { secret: props.secret, encryptionKey });
    this.queues = new Queues(this, 'Queues', { encryptionKey, removalPolicy });
    this.tables = new Tables(this, 'Tables', { encryptionKey, removalPolicy, deletionProtection });
    this.oversize = new OversizeBucket(this, 'Oversize', { encryptionKey, removalPolicy, archiveDays });
    const bus = new Bus(this, 'Events', {
      bus: props.bus,
      quarantine: this.queues.quarantine,
      encryptionKey,
      eventSource: this.eventSource,
      archiveDays,
    });
    this.bus = bus.bus;
    this.consumer = this.makeConsumer(bus, logs);
    if (!forEmulator) {
      this.ingester = this.makeIngester(logs);
      this.dashboard = this.makeDashboard(this.ingester);
    }
    new Alarms(this, 'Alarms', {
      queues: this.queues,
      consumer: this.consumer.function,
      tasks: forEmulator ? undefined : (props.tasks ?? DEFAULTS.tasks),
      topic: props.alarmTopic,
    });
    this.writeOutputs();
  }

  /**
   * A rule on the bus, in any stack of the app.
   *
   * @param scope - where the rule belongs to, usually the stack of its targets
   * @param match - which events; `{ queueId, backfilled: false }` is one queue without what was recovered later
   * @param targets - up to five; give each a dead-letter queue, for EventBridge gives up after a day
   * @throws EventMatchError for a match that no rule can express
   */
  on(scope: Construct, id: string, match: EventMatch, ...targets: IRuleTarget[]): Rule {
    return new Rule(scope, id, {
      eventBus: this.bus,
      eventPattern: eventPattern(this.eventSource, match),
      targets,
    });
  }

  /** Let a program read the events that were too large for the bus, which then carries a reference to them. */
  grantReadOversize(grantee: IGrantable): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['s3:GetObject'],
        resources: [this.oversize.bucket.arnForObjects('*')],
      }),
    );
    grantKeyUse(this.props.encryptionKey, grantee);
  }

  private makeConsumer(bus: Bus, logs: LogSettings): ConsumerFunction {
    const { dedupWindowDays, consumerConcurrency, logLevel, encryptionKey } = this.props;
    return new ConsumerFunction(this, 'Consumer', {
      queues: this.queues,
      claimsTable: this.tables.claims,
      bus,
      oversizeBucket: this.oversize.bucket,
      eventSource: this.eventSource,
      dedupWindowDays: dedupWindowDays ?? DEFAULTS.dedupWindowDays,
      concurrency: consumerConcurrency ?? DEFAULTS.consumerConcurrency,
      logLevel,
      logs,
      encryptionKey,
    });
  }

  private makeIngester(logs: LogSettings): IngesterService {
    const { genesysDomain, topics, tasks, protocol, vpc, vpcSubnets, logLevel, encryptionKey } = this.props;
    return new IngesterService(this, 'Ingester', {
      network: new Network(this, 'Network', { vpc, vpcSubnets, logs }),
      tasks: tasks ?? DEFAULTS.tasks,
      genesysDomain,
      secret: this.secret.secret,
      protocol: protocol ?? DEFAULTS.protocol,
      topics,
      eventsQueue: this.queues.events,
      stateTable: this.tables.state,
      logLevel,
      logs,
      encryptionKey,
    });
  }

  private makeDashboard({ service }: IngesterService): Dashboard {
    return new Dashboard(this, 'Dashboard', {
      queues: this.queues,
      tables: this.tables,
      consumer: this.consumer.function,
      service,
      bus: this.bus,
    });
  }

  private writeOutputs(): void {
    const { events, deadLetter, quarantine } = this.queues;
    this.output('EventBusName', this.bus.eventBusName, 'Bus with the events; attach your rules to it');
    this.output('EventsQueueUrl', events.queueUrl, 'Queue from the ingester to the consumer');
    this.output('DeadLetterQueueUrl', deadLetter.queueUrl, 'Messages that failed five times; redrive them');
    this.output('QuarantineQueueUrl', quarantine.queueUrl, 'What no retry can mend, with its reason');
    this.output('StateTableName', this.tables.state.tableName, 'Table with the channels and the gaps');
    if (this.dashboard) this.output('DashboardUrl', this.dashboard.url, 'What Switchboard does right now');
    this.output('SecretName', this.secret.name, 'Secret that holds the OAuth client');
    this.output(
      'FillSecretCommand',
      this.secret.fillCommand,
      'Run it, paste {"clientId":"…","clientSecret":"…"} and press Ctrl-D twice: nothing stays in the shell history',
    );
  }

  /** The logical id is the output's name behind our own, so that scripts can rely on it. */
  private output(name: string, value: string, description: string): void {
    const prefix = this.node.id.replace(/[^A-Za-z0-9]/g, '');
    new CfnOutput(this, name, { value, description }).overrideLogicalId(`${prefix}${name}`);
  }
}
