import type { RetentionDays } from 'aws-cdk-lib/aws-logs';

/** Options of the audit records. */
export interface AuditOptions {
  /** `connections`: changes of connections, coverage and subscriptions. `all`: also one record per published or quarantined event. */
  readonly records: 'connections' | 'all';

  /**
   * Retention of the audit records.
   *
   * @default RetentionDays.ONE_YEAR
   */
  readonly retention?: RetentionDays;
}
