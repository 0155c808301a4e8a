import { hash } from 'node:crypto';
import * as z from 'zod';
import { canonicalJson, TooDeepError } from './canonical-json.ts';

/** Which audit records are written. */
export const AUDIT_LEVELS = ['off', 'connections', 'all'] as const;
/** Which audit records are written. */
export type AuditLevel = (typeof AUDIT_LEVELS)[number];

/** What is recorded: the lowest level that includes it, and its meaning. */
export const AUDIT_ACTIONS = {
  'session.started': { level: 'connections', meaning: 'A process or execution environment started' },
  'session.ended': { level: 'connections', meaning: 'It stopped cleanly: the chain has no later records' },
  'connection.opened': { level: 'connections', meaning: 'A WebSocket was opened' },
  'connection.ready': { level: 'connections', meaning: 'The connection delivers events' },
  'connection.moving': { level: 'connections', meaning: 'The server asked for another connection' },
  'connection.closed': {
    level: 'connections',
    meaning: 'The connection ended, or could not be opened: code, meaning and recovery',
  },
  'coverage.started': { level: 'connections', meaning: 'A subscription has a live connection' },
  'coverage.ended': { level: 'connections', meaning: 'It no longer has one: a gap, which began at `since`' },
  'subscription.added': { level: 'connections', meaning: 'Topics were added to a subscription' },
  'subscription.removed': { level: 'connections', meaning: 'Topics were removed from a subscription' },
  'subscription.rejected': { level: 'connections', meaning: 'The server refuses topics' },
  'event.published': { level: 'all', meaning: 'EventBridge accepted an event' },
  'event.quarantined': { level: 'all', meaning: 'An item was moved to the quarantine queue' },
} as const satisfies Record<string, { level: AuditLevel; meaning: string }>;
/** What is recorded. */
export type AuditAction = keyof typeof AUDIT_ACTIONS;

/** Parts of Switchboard that write audit records. */
export const AUDIT_SERVICES = ['ingester', 'consumer'] as const;
/** A part of Switchboard that writes audit records. */
export type AuditService = (typeof AUDIT_SERVICES)[number];

/** What a record says about its action. It contains no secrets, channel ids or event content. */
const entrySchema = z.object({
  action: z.enum(Object.keys(AUDIT_ACTIONS) as [AuditAction, ...AuditAction[]]),
  protocol: z.string().optional(),
  subscription: z.string().optional(),
  /** Number of the connection within its subscription and session, from 1. */
  connection: z.number().optional(),
  topics: z.array(z.string()).optional(),
  /** Close code or HTTP status. */
  code: z.number().optional(),
  /** What the code means, from the table of ends. */
  meaning: z.string().optional(),
  recovery: z.string().optional(),
  reason: z.string().optional(),
  /** ISO 8601. */
  since: z.string().optional(),
  eventId: z.string().optional(),
  sequence: z.number().optional(),
  /** For an event: time since its frame was read. For a connection that became ready: time since it was opened. */
  latencyMs: z.number().optional(),
  /** SHA-256 of the canonical payload, in hex: of the published `detail`, or of the quarantined item. */
  sha256: z.string().optional(),
});
/** What a record says about its action. */
export type AuditEntry = z.infer<typeof entrySchema>;

/** One audit record, a link of the hash chain of its session. */
export const auditRecordSchema = entrySchema.extend({
  auditId: z.uuid(),
  /** ISO 8601. */
  time: z.iso.datetime(),
  session: z.uuid(),
  service: z.enum(AUDIT_SERVICES),
  /** Position in the session, from 0. */
  index: z.number().int().nonnegative(),
  /** `hash` of the record before it; null for the first one. */
  previous: z.string().nullable(),
  /** {@link recordHash} of this record. */
  hash: z.string(),
});
/** One audit record, a link of the hash chain of its session. */
export type AuditRecord = z.infer<typeof auditRecordSchema>;

/** Whether a level includes an action. */
export function isAudited(level: AuditLevel, action: AuditAction): boolean {
  return AUDIT_LEVELS.indexOf(level) >= AUDIT_LEVELS.indexOf(AUDIT_ACTIONS[action].level);
}

/** The hash of a record: SHA-256, in hex, of the canonical JSON of all its members except `hash`. */
export function recordHash({ hash: _, ...rest }: Readonly<Record<string, unknown>>): string {
  return hash('sha256', canonicalJson(rest));
}

/** SHA-256, in hex, of the canonical JSON of a payload; undefined if it is nested too deeply to be canonical. */
export function payloadHash(payload: unknown): string | undefined {
  try {
    return hash('sha256', canonicalJson(payload));
  } catch (error) {
    if (error instanceof TooDeepError) return undefined;
    throw error;
  }
}
