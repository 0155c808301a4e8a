import { AUDIT_ALARMS } from './audit-alarms.ts';
import { BACKFILL_ALARMS } from './backfill-alarms.ts';
import { INGESTER_ALARMS, STANDBY_ALARMS } from './ingester-alarms.ts';
import { PARTNER_ALARMS } from './partner-alarms.ts';
import { PIPELINE_ALARMS } from './pipeline-alarms.ts';
import { WEBHOOK_ALARMS } from './webhook-alarms.ts';

/** Every alarm, by the part of a deployment that it belongs to. */
export const ALARM_GROUPS = {
  pipeline: PIPELINE_ALARMS,
  ingester: INGESTER_ALARMS,
  standby: STANDBY_ALARMS,
  backfill: BACKFILL_ALARMS,
  webhook: WEBHOOK_ALARMS,
  partner: PARTNER_ALARMS,
  audit: AUDIT_ALARMS,
};
/** A part of a deployment that has alarms. */
export type AlarmGroup = keyof typeof ALARM_GROUPS;

/** What a deployment must have for the alarms of a part. All others exist in every deployment. */
export const ALARM_REQUIREMENTS: Readonly<Record<Exclude<AlarmGroup, 'pipeline'>, string>> = {
  ingester: 'topics or protocols',
  standby: 'at least 2 tasks',
  backfill: 'backfill',
  webhook: 'webhook',
  partner: 'partnerEventSource',
  audit: 'audit',
};

/** Every alarm, by its id. */
export const ALARMS = {
  ...PIPELINE_ALARMS,
  ...INGESTER_ALARMS,
  ...STANDBY_ALARMS,
  ...BACKFILL_ALARMS,
  ...WEBHOOK_ALARMS,
  ...PARTNER_ALARMS,
  ...AUDIT_ALARMS,
};

/** Id of an alarm. */
export type AlarmId = keyof typeof ALARMS;

/** Id of an alarm with a threshold. */
export type ThresholdAlarmId = {
  [Id in AlarmId]: (typeof ALARMS)[Id] extends { readonly threshold: number } ? Id : never;
}[AlarmId];
