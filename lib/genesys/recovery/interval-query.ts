import * as z from 'zod';
import { GenesysError } from '../genesys-error.ts';
import type { Interval } from '../interval.ts';
import type { RestClient } from '../rest-client.ts';

/** Results per page: the maximum of the analytics API. */
const PAGE_SIZE = 100;
/** Results of all pages of a query that the analytics API allows (status 400 beyond). */
export const MAX_QUERY_RESULTS = 100_000;

/** A query of the analytics API whose results overlap an interval. */
export interface IntervalQuery<T> {
  readonly path: string;
  /** Name of the list in the response. */
  readonly list: string;
  readonly schema: z.ZodType<T>;
  readonly keyOf: (result: T) => string;
  readonly body?: Readonly<Record<string, unknown>>;
}

/**
 * Reads all results of a query. A result that appears on two pages, because others were added meanwhile, counts once.
 *
 * @param maxResults - at most {@link MAX_QUERY_RESULTS}
 * @returns undefined if there are more results: cut the interval
 * @throws {@link GenesysError} if a page cannot be read
 */
export async function queryInterval<T>(
  rest: RestClient,
  query: IntervalQuery<T>,
  interval: Interval,
  { maxResults, signal }: { maxResults: number; signal?: AbortSignal | undefined },
): Promise<readonly T[] | undefined> {
  const { path, list, schema, keyOf, body } = query;
  const page = z.looseObject({ [list]: z.array(schema).default([]), totalHits: z.number().default(0) });
  const found = new Map<string, T>();
  for (let pageNumber = 1; ; pageNumber++) {
    const paging = { pageSize: PAGE_SIZE, pageNumber };
    const answer = await rest.call({
      method: 'POST',
      path,
      body: { interval: isoInterval(interval), order: 'asc', ...body, paging },
      ...(signal ? { signal } : {}),
    });
    const { results, totalHits } = parsePage(page.safeParse(answer), list, path);
    for (const result of results as T[]) found.set(keyOf(result), result);
    if (Math.max(totalHits, found.size) > maxResults) return undefined;
    if (results.length < PAGE_SIZE) return [...found.values()];
    if (pageNumber * PAGE_SIZE >= maxResults) return undefined;
  }
}

/** The `interval` of a query: two ISO 8601 times. */
export function isoInterval({ fromMs, toMs }: Interval): string {
  return `${new Date(fromMs).toISOString()}/${new Date(toMs).toISOString()}`;
}

function parsePage(
  parsed: z.ZodSafeParseResult<Record<string, unknown>>,
  list: string,
  path: string,
): { results: readonly unknown[]; totalHits: number } {
  if (!parsed.success)
    throw new GenesysError('unexpected_answer', `POST ${path} returned an unexpected response`, {
      retriable: true,
      cause: parsed.error,
    });
  return { results: parsed.data[list] as unknown[], totalHits: parsed.data.totalHits as number };
}
