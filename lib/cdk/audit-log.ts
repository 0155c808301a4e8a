import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Alarms } from './alarms.ts';
import type { AuditOptions } from './audit-options.ts';
import { consumerMetric, ingesterMetric } from './cloudwatch-metrics.ts';
import type { ConsumerFunction } from './consumer-function.ts';
import type { IngesterService } from './ingester-service.ts';
import { type LogSettings, logGroup } from './log-group.ts';

/** Properties of {@link AuditLog}. */
export interface AuditLogProps {
  /** Options of the user. */
  readonly options: AuditOptions;

  /** Settings of the log group, apart from its retention. */
  readonly logs: LogSettings;

  /** Writes records of events. */
  readonly consumer: ConsumerFunction;

  /**
   * Writes records of connections.
   *
   * @default - no ingester is deployed
   */
  readonly ingester?: IngesterService | undefined;

  /** The alarms to which one is added. */
  readonly alarms: Alarms;
}

/** The audit records: a separate log group, to which each process and execution environment writes a stream. */
export class AuditLog extends Construct {
  /** The log group. */
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: AuditLogProps) {
    super(scope, id);
    const { options, logs, consumer, ingester, alarms } = props;
    const { records, retention = RetentionDays.ONE_YEAR } = options;
    this.logGroup = logGroup(this, 'Logs', { ...logs, retention });
    // Read by `lib/aws/audit-settings.ts`.
    const variables = { AUDIT: records, AUDIT_LOG_GROUP: this.logGroup.logGroupName };
    for (const [name, value] of Object.entries(variables)) {
      ingester?.taskDefinition.defaultContainer?.addEnvironment(name, value);
      // All records of the consumer are of events.
      if (records === 'all') consumer.function.addEnvironment(name, value);
    }
    if (ingester) this.logGroup.grantWrite(ingester.taskDefinition.taskRole);
    if (records === 'all') this.logGroup.grantWrite(consumer.function);
    addAlarm(alarms);
  }
}

function addAlarm(alarms: Alarms): void {
  const reading = { period: Duration.minutes(5), statistic: Stats.SUM };
  const lost = new MathExpression({
    expression: 'FILL(ingester, 0) + FILL(consumer, 0)',
    usingMetrics: {
      ingester: ingesterMetric(alarms, 'AuditRecordsLost', reading),
      consumer: consumerMetric(alarms, 'AuditRecordsLost', reading),
    },
    period: reading.period,
    label: 'audit records lost',
  });
  alarms.above('AuditRecordsLost', lost, 0, {
    severity: 'warning',
    text: 'CloudWatch Logs did not accept audit records in time. No event is lost. Consumers that are invoked again write the records later; the hash chains show which records are permanently missing. Check the logs of the ingester and the consumer for the error.',
  });
}
