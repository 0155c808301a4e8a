import * as z from 'zod';
import { GenesysError } from './genesys-error.ts';
import type { RestClient } from './rest-client.ts';

/** Entities a page; the platform's largest. */
const PAGE_SIZE = 100;
/** Pages of one listing that are read at the most: 100,000 entities. */
const PAGE_LIMIT = 1_000;

const pageSchema = z.object({
  entities: z.array(z.object({ id: z.string().min(1) })).default([]),
  pageCount: z.number().int().nonnegative().optional(),
});

/** What a topic's `{id}` can stand for, and where the platform lists it. */
export const LISTINGS = {
  users: { path: '/api/v2/users', query: { state: 'active' }, permission: 'Directory > User > View' },
  queues: { path: '/api/v2/routing/queues', query: {}, permission: 'Routing > Queue > View' },
} as const;
/** Name of a listing. */
export type Listing = keyof typeof LISTINGS;

/**
 * The ids of all entities of a listing, 100 a page.
 *
 * @throws {@link GenesysError}; `missing_permission` names the permission that the OAuth client's role lacks
 */
export async function listIds(rest: RestClient, listing: Listing, signal?: AbortSignal): Promise<string[]> {
  const { path, query, permission } = LISTINGS[listing];
  const ids = new Set<string>();
  for (let pageNumber = 1; pageNumber <= PAGE_LIMIT; pageNumber++) {
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
  throw new GenesysError('unexpected_answer', `GET ${path} has more than ${PAGE_LIMIT} pages`, {
    retriable: false,
  });
}

function explain(error: unknown, listing: Listing, permission: string): unknown {
  if (error instanceof GenesysError && error.code === 'missing_permission') {
    return new GenesysError(
      'missing_permission',
      `Topics with {id} need the list of ${listing}: give the OAuth client's role the permission ${permission}. ${error.message}`,
      { retriable: false, status: 403, cause: error },
    );
  }
  if (error instanceof z.ZodError) {
    return new GenesysError('unexpected_answer', `GET ${LISTINGS[listing].path}: unexpected answer`, {
      retriable: true,
      cause: error,
    });
  }
  return error;
}
