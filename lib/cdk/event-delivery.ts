import { Duration, Validations } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Rule } from 'aws-cdk-lib/aws-events';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { DeduplicationScope, FifoThroughputLimit, type Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { DeliveryMetricName } from '../aws/metric-names.ts';
import type { SwitchboardAlarmProps } from './alarm-options.ts';
import { Alarms } from './alarms.ts';
import { deliveryMetricOf, type MetricReading } from './cloudwatch-metrics.ts';
import { SwitchboardConfigurationError } from './configuration-error.ts';
import type { Dashboard } from './dashboard.ts';
import {
  DELIVERY_ALARMS,
  type DeliveryAlarmId,
  deliveryMetrics,
  ORDER_ALARMS,
  orderMetrics,
} from './delivery-alarms.ts';
import { DELIVERY_TIMEOUT_SECONDS, DeliveryFunction, grantStates } from './delivery-function.ts';
import { deliveryGraphs } from './delivery-graphs.ts';
import type { DeliveryAlarms, DeliveryOptions } from './delivery-options.ts';
import { DeliveryOrder } from './delivery-order.ts';
import { deliveryProblems } from './delivery-problems.ts';
import { deliverySecret } from './delivery-secret.ts';
import type { Tables } from './dynamodb-tables.ts';
import { grantKeyUse } from './encryption.ts';
import { type LogSettings, logSettings } from './log-group.ts';
import { createQueue, type Queues, VISIBILITY_FACTOR } from './message-queues.ts';
import { allowRules, queueTarget } from './queue-target.ts';
import { REDRIVE_ACTIONS } from './redrive-actions.ts';
import { addOutput } from './stack-outputs.ts';
import type { ISwitchboard } from './switchboard-base.ts';
import type { SwitchboardProps } from './switchboard-props.ts';

/** The function moves an event to the dead-letter queue after four days. This limit is for events it never finishes. */
const MAX_RECEIVES = 1_000;

/** The deployment that a delivery belongs to. */
export interface DeliveringSwitchboard extends ISwitchboard {
  readonly queues: Queues;
  readonly tables: Tables;
  readonly dashboard?: Dashboard;
  deliverTo(name: string, options: DeliveryOptions): Delivery;
}

/** Properties of {@link Delivery}. */
export interface DeliveryProps {
  /** Name of the destination. */
  readonly name: string;
  /** Options of the user. */
  readonly options: DeliveryOptions;
  /** Properties of the deployment. */
  readonly settings: Pick<SwitchboardProps, 'logRetention' | 'removalPolicy' | 'encryptionKey' | 'logLevel'> &
    SwitchboardAlarmProps;
}

/** The delivery of events to one HTTP API: a rule, a queue with a dead-letter queue, and a function. */
export class Delivery extends Construct {
  /** Name of the destination: the dimension `destination` of its metrics. */
  readonly destination: string;
  /** Rule on the event bus. */
  readonly rule: Rule;
  /** Queue that the function reads; a FIFO queue with `ordered`. */
  readonly queue: Queue;
  /** Contains events that the destination refused or did not accept for four days; a FIFO queue with `ordered`. */
  readonly deadLetterQueue: Queue;
  /** The function that calls the destination. */
  readonly function: IFunction;
  /** Key that signs calls. */
  readonly secret: ISecret;
  /** What puts events in order; undefined without `ordered`. */
  readonly order?: DeliveryOrder;
  /** The CloudWatch alarms by id, for example to add actions. */
  readonly alarms: DeliveryAlarms;
  private readonly switchboard: DeliveringSwitchboard;
  private readonly logs: LogSettings;

  /** @throws {@link SwitchboardConfigurationError} with all problems, if the name or the options are invalid */
  constructor(scope: DeliveringSwitchboard, props: DeliveryProps) {
    const { name, options, settings } = props;
    const others = scope.node.children.filter((child) => child instanceof Delivery);
    const problems = deliveryProblems(
      name,
      options,
      others.map(({ destination }) => destination),
    );
    if (problems.length > 0) throw new SwitchboardConfigurationError(problems, scope.deliverTo);
    super(scope, `Delivery-${name}`);
    const { logLevel } = settings;
    this.destination = name;
    this.switchboard = scope;
    this.logs = logSettings(settings);
    this.secret = this.signingSecret(name, options.secret);
    this.deadLetterQueue = createQueue(this, 'DeadLetter', this.logs, fifoSettings(options));
    this.queue = createQueue(this, 'Queue', this.logs, {
      visibilityTimeout: Duration.seconds(VISIBILITY_FACTOR * DELIVERY_TIMEOUT_SECONDS),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: MAX_RECEIVES },
      ...fifoSettings(options),
    });
    Validations.of(this.deadLetterQueue).acknowledge({
      id: 'Serverless-SQSRedrivePolicy',
      reason: 'This is the last queue for undeliverable events. An alarm reports each message sent to it.',
    });
    if (options.ordered)
      this.order = new DeliveryOrder(this, 'Order', { fifoQueue: this.queue, logLevel, logs: this.logs });
    this.rule = this.addRule(options.match);
    this.function = new DeliveryFunction(this, 'Caller', {
      destination: name,
      options,
      secret: this.secret,
      queue: this.queue,
      deadLetterQueue: this.deadLetterQueue,
      quarantine: scope.queues.quarantine,
      claimsTable: scope.tables.claims,
      stateTable: scope.tables.state,
      logLevel,
      logs: this.logs,
    }).function;
    this.alarms = this.addAlarms(options, settings);
    scope.dashboard?.dashboard.addWidgets(...deliveryGraphs(name, this));
  }

  /** Grants resuming this delivery after a stop, and moving its dead-lettered events back to its queue. */
  grantRedrive(grantee: IGrantable): void {
    const pairs = [this, ...(this.order ? [this.order] : [])];
    for (const { deadLetterQueue, queue } of pairs) {
      deadLetterQueue.grant(grantee, ...REDRIVE_ACTIONS);
      queue.grant(grantee, 'sqs:SendMessage', 'sqs:GetQueueAttributes');
    }
    grantStates(grantee, this.switchboard.tables.state, ['GetItem', 'Query', 'UpdateItem']);
    grantKeyUse(this.logs.encryptionKey, grantee);
  }

  /** A metric of this delivery, per minute. */
  metric(name: DeliveryMetricName, reading?: MetricReading): Metric {
    return deliveryMetricOf(this.switchboard.deploymentName, this.destination, name, reading);
  }

  /** Events that the destination accepted. */
  metricDelivered(reading?: MetricReading): Metric {
    return this.metric('EventsDelivered', reading);
  }

  /** Calls without a final response, which are retried later. */
  metricCallsFailed(reading?: MetricReading): Metric {
    return this.metric('CallsFailed', reading);
  }

  /** Events that were moved to the dead-letter queue. */
  metricDeadLettered(reading?: MetricReading): Metric {
    return this.metric('EventsDeadLettered', reading);
  }

  /** 1 while the circuit breaker allows no calls; by default the maximum. */
  metricBreakerOpen(reading?: MetricReading): Metric {
    return this.metric('BreakerOpen', reading);
  }

  /** Time from reading an event to its delivery, in milliseconds; by default the 99th percentile. */
  metricLatency(reading?: MetricReading): Metric {
    return this.metric('ReceivedToDeliveredLatency', reading);
  }

  private signingSecret(name: string, secret: DeliveryOptions['secret']): ISecret {
    if (typeof secret === 'object') return secret as ISecret;
    const created = deliverySecret(this, secret, this.logs);
    addOutput(
      this.switchboard,
      `Delivery${name.replaceAll('-', '')}SecretArn`,
      created.secretArn,
      `Secret with the key that signs the calls to ${name}`,
    );
    return created as ISecret;
  }

  private addRule(match: DeliveryOptions['match']): Rule {
    const { queue, deadLetterQueue } = this.order ?? this;
    const rule = this.switchboard.on(this, 'Rule', match, queueTarget(queue, deadLetterQueue));
    for (const one of [queue, deadLetterQueue]) allowRules(one, [rule]);
    return rule;
  }

  private addAlarms(options: DeliveryOptions, settings: SwitchboardAlarmProps): DeliveryAlarms {
    const topics: SwitchboardAlarmProps = options.alarmTopic ? { alarmTopic: options.alarmTopic } : settings;
    const alarms = new Alarms<DeliveryAlarmId>(this, 'Alarms', {
      alarmTopic: topics.alarmTopic,
      warningTopic: topics.warningTopic,
      alarms: options.alarms,
      namePrefix: `${this.switchboard.deploymentName}-Delivery-${this.destination}`,
    });
    alarms.add(DELIVERY_ALARMS, deliveryMetrics(this));
    if (this.order) alarms.add(ORDER_ALARMS, orderMetrics(this.order));
    return alarms.byId;
  }
}

/** Messages have their own ids, so each message group can be deduplicated, and is throttled, separately. */
function fifoSettings({ ordered }: DeliveryOptions) {
  if (!ordered) return {};
  return {
    fifo: true,
    deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
    fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
  };
}
