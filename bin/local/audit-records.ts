import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Emulator } from 'switchboard-local/emulator/emulator.ts';
import type { AuditLevel } from '../../lib/events/audit-record.ts';
import { NAMES } from './resources.ts';

/** Environment variables of the ingester and the consumer. */
export function auditEnvironment(level: AuditLevel): Record<string, string> {
  return level === 'off' ? {} : { AUDIT: level, AUDIT_LOG_GROUP: NAMES.auditLogGroup };
}

/** Creates the log group for audit records in the local AWS. */
export function createAuditLog({ logs }: Emulator): void {
  logs.actions.CreateLogGroup?.({ logGroupName: NAMES.auditLogGroup });
}

/** Writes the audit records in the local AWS to a file, one JSON object per line. */
export async function writeAuditFile({ logs }: Emulator, file: string): Promise<void> {
  const lines = logs.events(NAMES.auditLogGroup).map(({ message }) => `${message}\n`);
  await pipeline(Readable.from(lines), createWriteStream(file));
}
