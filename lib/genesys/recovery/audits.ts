import * as z from 'zod';
import type { Interval } from '../interval.ts';
import type { RestClient } from '../rest-client.ts';
import { isoInterval } from './interval-query.ts';

const PAGE_SIZE = 100;
/** Pages of a service and interval. */
const MAX_PAGES = 100;

const auditSchema = z.looseObject({
  id: z.string(),
  eventDate: z.iso.datetime({ offset: true }),
  entityType: z.string(),
  entity: z.looseObject({ id: z.string() }),
});
/** An audit record (`AuditLogMessage` of platform SDK 262, in part). */
export type AuditRecord = z.infer<typeof auditSchema>;

const mappingSchema = z.object({
  services: z.array(z.object({ name: z.string(), entities: z.array(z.object({ name: z.string() })) })),
});

/**
 * The services whose audit records of the last 14 days can be read, by entity type.
 *
 * @throws {@link GenesysError} if the call fails
 */
export async function auditServices(rest: RestClient, signal?: AbortSignal): Promise<Map<string, string>> {
  const path = '/api/v2/audits/query/realtime/servicemapping';
  const { services } = mappingSchema.parse(
    await rest.call({ method: 'GET', path, ...(signal ? { signal } : {}) }),
  );
  return new Map(services.flatMap(({ name, entities }) => entities.map((entity) => [entity.name, name])));
}

/**
 * The audit records of a service in an interval.
 *
 * @returns undefined if there are too many: cut the interval
 * @throws {@link GenesysError} if the call fails
 */
export async function queryAudits(
  rest: RestClient,
  serviceName: string,
  interval: Interval,
  signal?: AbortSignal,
): Promise<readonly AuditRecord[] | undefined> {
  const found = new Map<string, AuditRecord>();
  const pageSchema = z.looseObject({ entities: z.array(auditSchema).default([]) });
  for (let pageNumber = 1; pageNumber <= MAX_PAGES; pageNumber++) {
    const { entities } = pageSchema.parse(
      await rest.call({
        method: 'POST',
        path: '/api/v2/audits/query/realtime',
        body: { interval: isoInterval(interval), serviceName, pageNumber, pageSize: PAGE_SIZE },
        ...(signal ? { signal } : {}),
      }),
    );
    for (const audit of entities) found.set(audit.id, audit);
    if (entities.length < PAGE_SIZE) return [...found.values()];
  }
  return undefined;
}
