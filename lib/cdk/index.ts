export type { AuditOptions } from './audit-options.ts';
export { DEFAULTS, LIMITS, SwitchboardConfigurationError } from './configuration.ts';
export { DETAIL_TYPES, type DetailType } from './detail-types.ts';
export { type EventMatch, EventMatchError, eventPattern } from './event-match.ts';
export { type Overrides, overrides } from './overrides.ts';
export type * from './stream-protocols.ts';
export { Switchboard } from './switchboard.ts';
export type { SwitchboardProps } from './switchboard-props.ts';
export type { WebhookOptions } from './webhook-options.ts';
