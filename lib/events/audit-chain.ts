import { randomUUID } from 'node:crypto';
import { type AuditEntry, type AuditRecord, type AuditService, recordHash } from './audit-record.ts';
import { redact } from './redaction.ts';

/** Longer reasons are truncated. They can quote a server. */
const MAX_REASON_CHARACTERS = 500;

/**
 * The hash chain of one session: each record contains its position and the hash of the previous record, so that a
 * missing, changed or moved record is detected.
 */
export class AuditChain {
  readonly session: string = randomUUID();
  private readonly service: AuditService;
  private index = 0;
  private previous: string | null = null;

  constructor(service: AuditService) {
    this.service = service;
  }

  /** Adds a record with the current time. Secrets in its reason are removed (P7). */
  append({ reason, ...entry }: AuditEntry): AuditRecord {
    const { session, service, index, previous } = this;
    const record = {
      auditId: randomUUID(),
      time: new Date().toISOString(),
      session,
      service,
      index,
      ...entry,
      ...(reason ? { reason: redact(reason).slice(0, MAX_REASON_CHARACTERS) } : {}),
      previous,
    };
    const hash = recordHash(record);
    this.index += 1;
    this.previous = hash;
    return { ...record, hash };
  }
}
