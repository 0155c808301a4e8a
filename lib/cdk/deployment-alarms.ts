import type { Construct } from 'constructs';
import type { SwitchboardAlarmProps, SwitchboardAlarms } from './alarm-options.ts';
import { Alarms } from './alarms.ts';
import { AUDIT_ALARMS, auditMetrics } from './audit-alarms.ts';
import type { AuditLog } from './audit-log.ts';
import { BACKFILL_ALARMS, backfillMetrics } from './backfill-alarms.ts';
import type { BackfillFunction } from './backfill-function.ts';
import type { ConsumerFunction } from './consumer-function.ts';
import { INGESTER_ALARMS, ingesterMetrics, STANDBY_ALARMS, standbyMetrics } from './ingester-alarms.ts';
import type { GapsQueues, Queues } from './message-queues.ts';
import { PARTNER_ALARMS } from './partner-alarms.ts';
import { partnerMetrics } from './partner-metrics.ts';
import type { PartnerSource } from './partner-source.ts';
import { PIPELINE_ALARMS, pipelineMetrics } from './pipeline-alarms.ts';
import { WEBHOOK_ALARMS, webhookMetrics } from './webhook-alarms.ts';
import type { WebhookEndpoint } from './webhook-endpoint.ts';

/** The parts of a deployment that have alarms. */
export interface MonitoredParts {
  readonly queues: Queues;
  readonly consumer: ConsumerFunction;
  /** Number of ingester tasks. @default - there is no ingester */
  readonly tasks?: number | undefined;
  /** @default - gaps are not filled */
  readonly backfill?: BackfillFunction | undefined;
  /** The queues of the backfill. @default - gaps are not filled */
  readonly gaps?: GapsQueues | undefined;
  /** @default - there is no native integration */
  readonly partner?: PartnerSource | undefined;
  /** @default - there is no webhook */
  readonly webhook?: WebhookEndpoint | undefined;
  /** @default - there are no audit records */
  readonly audit?: AuditLog | undefined;
}

/** Adds the alarms of all parts of a deployment. @returns the alarms by id */
export function addAlarms(
  scope: Construct,
  parts: MonitoredParts,
  props: SwitchboardAlarmProps,
): SwitchboardAlarms {
  const { queues, consumer, tasks, backfill, gaps, partner, webhook, audit } = parts;
  const alarms = new Alarms(scope, 'Alarms', props);
  alarms.add(PIPELINE_ALARMS, pipelineMetrics(queues, consumer.function));
  if (tasks !== undefined) {
    // Half a task of tolerance, because the number of reports in a period can differ by one.
    alarms.add(INGESTER_ALARMS, ingesterMetrics(alarms), { TooFewHealthyTasks: tasks - 0.5 });
    if (tasks >= 2) alarms.add(STANDBY_ALARMS, standbyMetrics(alarms));
  }
  if (backfill && gaps)
    alarms.add(BACKFILL_ALARMS, backfillMetrics(alarms, backfill.function, gaps.deadLetter));
  if (partner) alarms.add(PARTNER_ALARMS, partnerMetrics(partner));
  if (webhook) alarms.add(WEBHOOK_ALARMS, webhookMetrics(alarms, webhook.function));
  if (audit) alarms.add(AUDIT_ALARMS, auditMetrics(alarms));
  return alarms.byId;
}
