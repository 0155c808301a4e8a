import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { AlarmDefinition, AlarmMetrics } from './alarm-definition.ts';
import { consumerMetric, ingesterMetric } from './cloudwatch-metrics.ts';

const TOTAL = { period: Duration.minutes(5), statistic: Stats.SUM };

/** The alarm of the audit records. */
export const AUDIT_ALARMS = {
  AuditRecordsLost: {
    severity: 'warning',
    threshold: 0,
    unit: 'records in five minutes',
    text: 'CloudWatch Logs did not accept audit records in time. No event is lost. Consumers that are invoked again write the records later; the hash chains show which records are permanently missing. Check the logs of the ingester and the consumer for the error.',
  },
} as const satisfies Record<string, AlarmDefinition>;

/** Returns the metric of this alarm: records of the ingester and the consumer. @param scope - a construct of the deployment */
export function auditMetrics(scope: Construct): AlarmMetrics<typeof AUDIT_ALARMS> {
  return {
    AuditRecordsLost: new MathExpression({
      expression: 'FILL(ingester, 0) + FILL(consumer, 0)',
      usingMetrics: {
        ingester: ingesterMetric(scope, 'AuditRecordsLost', TOTAL),
        consumer: consumerMetric(scope, 'AuditRecordsLost', TOTAL),
      },
      period: TOTAL.period,
      label: 'audit records lost',
    }),
  };
}
