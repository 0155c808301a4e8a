import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import * as z from 'zod';
import { AUDIT_LEVELS, type AuditLevel } from '../events/audit-record.ts';
import { AuditLogStream } from './audit-log-stream.ts';
import { AuditTrail, type AuditTrailOptions } from './audit-trail.ts';

/** Environment variables of the audit records. */
export const auditVariables = {
  AUDIT: z
    .enum(AUDIT_LEVELS, `is not one of ${AUDIT_LEVELS.join(', ')}`)
    .default('off')
    .meta({
      description:
        'Which audit records are written: none, records about connections and subscriptions, or also one per published or quarantined event.',
    }),
  AUDIT_LOG_GROUP: z.string().min(1).optional().meta({
    description: 'Name of the CloudWatch Logs log group for audit records.',
    defaultText: 'required unless `AUDIT` is `off`',
  }),
};

/** Which audit records are written, and where. */
export interface AuditSettings {
  readonly level: Exclude<AuditLevel, 'off'>;
  readonly logGroup: string;
}

/** The problem with the variables, if there is one. */
export function auditProblems({ AUDIT, AUDIT_LOG_GROUP }: AuditVariables): string[] {
  if (AUDIT === undefined || AUDIT === 'off' || AUDIT_LOG_GROUP) return [];
  return [`AUDIT_LOG_GROUP is missing: the log group for audit records, required by AUDIT=${AUDIT}`];
}

interface AuditVariables {
  readonly AUDIT?: AuditLevel | undefined;
  readonly AUDIT_LOG_GROUP?: string | undefined;
}

/** @returns undefined if no audit records are written */
export function auditSettings({ AUDIT, AUDIT_LOG_GROUP }: AuditVariables): AuditSettings | undefined {
  if (AUDIT === undefined || AUDIT === 'off' || !AUDIT_LOG_GROUP) return undefined;
  return { level: AUDIT, logGroup: AUDIT_LOG_GROUP };
}

/**
 * The trail of a new session, which writes to its own log stream: `<service>/<session>`.
 *
 * @param client - called only if audit records are written
 */
export function auditTrail(
  settings: AuditSettings | undefined,
  client: () => CloudWatchLogsClient,
  options: Pick<AuditTrailOptions, 'service' | 'log' | 'writes'>,
): AuditTrail | undefined {
  if (!settings) return undefined;
  const { level, logGroup } = settings;
  const stream = (session: string) => new AuditLogStream(client(), logGroup, `${options.service}/${session}`);
  return new AuditTrail({ ...options, level, stream });
}
