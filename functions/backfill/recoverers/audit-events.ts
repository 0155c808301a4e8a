import type { AuditRecord } from '../../../lib/genesys/recovery/audits.ts';
import type { RecoveredEvent } from '../recovered-event.ts';

/** An audit record as the event of its topic. */
export function auditEvent({ eventDate, ...record }: AuditRecord): RecoveredEvent {
  const { entityType, entity } = record;
  return {
    topicName: `v2.audits.entitytype.${entityType}.entityid.${entity.id}`,
    eventBody: { ...record, eventTime: eventDate },
    atMs: Date.parse(eventDate),
    kind: 'event',
  };
}

/** The entity types in topics of audit records; undefined if every type is wanted. */
export function wantedEntityTypes(topics: Iterable<string>): ReadonlySet<string> | undefined {
  const types = [...topics].flatMap((topic) => /^v2\.audits\.entitytype\.([^.]+)\./.exec(topic)?.[1] ?? []);
  return types.includes('{id}') ? undefined : new Set(types);
}
