import { type LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { AuditOptions } from './audit-options.ts';
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
}

/** The audit records: a separate log group, to which each process and execution environment writes a stream. */
export class AuditLog extends Construct {
  /** The log group. */
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: AuditLogProps) {
    super(scope, id);
    const { options, logs, consumer, ingester } = props;
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
  }
}
