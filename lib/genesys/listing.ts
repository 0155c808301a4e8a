import * as z from 'zod';
import { GenesysError } from './genesys-error.ts';
import type { RestClient } from './rest-client.ts';

/** Entities per page. 100 is the maximum of the platform API. */
const PAGE_SIZE = 100;
/** Pages read per listing, which is 100,000 entities. */
const MAX_PAGES = 1_000;

const pageSchema = z.object({
  entities: z.array(z.object({ id: z.string().min(1) })).default([]),
  pageCount: z.number().int().nonnegative().optional(),
});

/** Entities that a topic's `{id}` can stand for, and how the platform API lists them. */
export const LISTINGS = {
  users: { path: '/api/v2/users', query: { state: 'active' }, permission: 'Directory > User > View' },
  queues: { path: '/api/v2/routing/queues', query: {}, permission: 'Routing > Queue > View' },
} as const;
/** Name of a listing. */
export type Listing = keyof typeof LISTINGS;

/**
 * Lists the ids of all entities, 100 per page.
 *
 * @throws {@link GenesysError} if a page cannot be read; the message of `missing_permission` names the permission that
 *   the role of the OAuth client needs
 */
export async function listIds(rest: RestClient, listing: Listing, signal?: AbortSignal): Promise<string[]> {
  const { path, query, permission } = LISTINGS[listing];
  const ids = new Set<string>();
  for (let pageNumber = 1; pageNumber <= MAX_PAGES; pageNumber++) {
    let page: z.infer<typeof pageSchema>;
    try {
      const answer = await rest.call({
        method: 'GET',
        path,
        query: { ...query, pageSize: String(PAGE_SIZE), pageNumber: String(pageNumber) },
        ...(signal ? { signal } : {}),
      });
      page = pageSchema.parse(answer);
    } catch (error) {
      throw explain(error, listing, permission);
    }
    for (const { id } of page.entities) ids.add(id);
    const isLast =
      page.pageCount === undefined ? page.entities.length < PAGE_SIZE : pageNumber >= page.pageCount;
    if (isLast) return [...ids];
  }
  throw new GenesysError('unexpected_answer', `GET ${path} returned more than ${MAX_PAGES} pages`, {
    retriable: false,
  });
}

function explain(error: unknown, listing: Listing, permission: string): unknown {
  if (error instanceof GenesysError && error.code === 'missing_permission') {
    return new GenesysError(
      'missing_permission',
      `Topics with {id} require the list of ${listing}: add the permission ${permission} to the role of the OAuth client. ${error.message}`,
      { retriable: false, status: 403, cause: error },
    );
  }
  if (error instanceof z.ZodError) {
    return new GenesysError(
      'unexpected_answer',
      `GET ${LISTINGS[listing].path} returned an unexpected response`,
      {
        retriable: true,
        cause: error,
      },
    );
  }
  return error;
}
