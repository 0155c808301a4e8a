export type { LogLevel } from '../aws/log-level.ts';
export type {
  BackfillMetricName,
  ConsumerMetricName,
  DeliveryMetricName,
  DeliveryOrderMetricName,
  IngesterMetricName,
  ProtocolMetricName,
  WebhookMetricName,
} from '../aws/metric-names.ts';
export type { Field, FieldMappingOptions, FieldType } from '../events/field-mapping.ts';
export type { GenesysDomain } from '../genesys/regions.ts';
export type {
  AlarmOptions,
  ConditionAlarmOptions,
  SwitchboardAlarmProps,
  SwitchboardAlarms,
  ThresholdAlarmOptions,
} from './alarm-options.ts';
export type { AlarmId, ThresholdAlarmId } from './alarm-table.ts';
export type { AuditLog } from './audit-log.ts';
export type { AuditOptions } from './audit-options.ts';
export type { BackfillFunction } from './backfill-function.ts';
export type { BackfillOptions } from './backfill-options.ts';
export type { MetricReading } from './cloudwatch-metrics.ts';
export type { ComputeProps } from './compute-props.ts';
export { DEFAULTS, LIMITS } from './configuration.ts';
export { SwitchboardConfigurationError } from './configuration-error.ts';
export type { ConsumerFunction } from './consumer-function.ts';
export type { Dashboard } from './dashboard.ts';
export type { DeliveryAlarmId } from './delivery-alarms.ts';
export type * from './delivery-options.ts';
export type { DeliveryOrder } from './delivery-order.ts';
export { DETAIL_TYPES, type DetailType } from './detail-types.ts';
export type { Tables } from './dynamodb-tables.ts';
export type { Delivery } from './event-delivery.ts';
export { type EventMatch, EventMatchError, eventPattern } from './event-match.ts';
export type { FunctionOptions } from './function-options.ts';
export type { GenesysSecret } from './genesys-secret.ts';
export type { SwitchboardAttributes } from './imported-switchboard.ts';
export type { IngesterOptions } from './ingester-options.ts';
export type { IngesterService } from './ingester-service.ts';
export type { GapsQueues, Queues } from './message-queues.ts';
export { type Overrides, overrides } from './overrides.ts';
export type { OversizeBucket } from './oversize-bucket.ts';
export type { PartnerSource } from './partner-source.ts';
export type { ProtocolProperty } from './protocol-variables.ts';
export type { RedactionOptions } from './redaction-options.ts';
export type { RedactionSettings } from './redaction-settings.ts';
export type { ShardOptions } from './shard-options.ts';
export type * from './stream-protocols.ts';
export { Switchboard } from './switchboard.ts';
export type { GrantedResources, ISwitchboard, SwitchboardBase } from './switchboard-base.ts';
export type { SwitchboardProps } from './switchboard-props.ts';
export type { WebhookEndpoint } from './webhook-endpoint.ts';
export type { WebhookOptions } from './webhook-options.ts';
