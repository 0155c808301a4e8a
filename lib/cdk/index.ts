export type {
  AlarmOptions,
  ConditionAlarmOptions,
  SwitchboardAlarmProps,
  SwitchboardAlarms,
  ThresholdAlarmOptions,
} from './alarm-options.ts';
export type { AlarmId, ThresholdAlarmId } from './alarm-table.ts';
export type { AuditOptions } from './audit-options.ts';
export type { BackfillOptions } from './backfill-options.ts';
export type { MetricReading } from './cloudwatch-metrics.ts';
export type { ComputeProps } from './compute-props.ts';
export { DEFAULTS, LIMITS } from './configuration.ts';
export { SwitchboardConfigurationError } from './configuration-error.ts';
export { DETAIL_TYPES, type DetailType } from './detail-types.ts';
export { type EventMatch, EventMatchError, eventPattern } from './event-match.ts';
export type { FunctionOptions } from './function-options.ts';
export type { SwitchboardAttributes } from './imported-switchboard.ts';
export type { IngesterOptions } from './ingester-options.ts';
export { type Overrides, overrides } from './overrides.ts';
export type { RedactionOptions } from './redaction-options.ts';
export type { ShardOptions } from './shard-options.ts';
export type * from './stream-protocols.ts';
export { Switchboard } from './switchboard.ts';
export type { ISwitchboard } from './switchboard-base.ts';
export type { SwitchboardProps } from './switchboard-props.ts';
export type { WebhookOptions } from './webhook-options.ts';
