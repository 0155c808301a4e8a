import { type Condition, holds } from '../expressions/condition.ts';
import type { DocumentPath } from '../expressions/document-path.ts';
import { project } from '../expressions/projection.ts';
import type { StoredItem } from '../tables/table.ts';
import type { AttributeValue, Item } from '../values/attribute-value.ts';

/** One answer of Query or Scan ends when so much was read (DynamoDB quota). */
export const MAX_PAGE_BYTES = 1_048_576;

/** What to take from a sequence of items. */
export interface PageRequest {
  /** Items in reading order, after the start key. */
  readonly items: Iterable<StoredItem>;
  /** Which items count as read: the range condition of a query. */
  readonly within?: Condition | undefined;
  /** Which of those read are returned. */
  readonly filter?: Condition | undefined;
  readonly paths?: readonly DocumentPath[] | undefined;
  /** Most items to read. */
  readonly limit?: number | undefined;
  readonly parameters?: readonly AttributeValue[];
}

/** One page. */
export interface Page {
  readonly items: Item[];
  /** Items read, before the filter. */
  readonly scanned: number;
  /** Bytes read. */
  readonly bytes: number;
  /** Key of the last item read, where the page ended before the sequence. */
  readonly lastKey?: Item;
}

/** Reads until the limit, 1 MB or the end. */
export function readPage({ items, within, filter, paths, limit, parameters = [] }: PageRequest): Page {
  const found: Item[] = [];
  let scanned = 0;
  let bytes = 0;
  let last: StoredItem | undefined;
  for (const stored of items) {
    const scope = { item: stored.item, parameters };
    if (within !== undefined && !holds(within, scope)) continue;
    if (last !== undefined && bytes >= MAX_PAGE_BYTES)
      return { items: found, scanned, bytes, lastKey: last.key.attributes };
    scanned += 1;
    bytes += stored.bytes;
    last = stored;
    if (filter === undefined || holds(filter, scope)) found.push(project(stored.item, paths));
    if (scanned === limit) return { items: found, scanned, bytes, lastKey: stored.key.attributes };
  }
  return { items: found, scanned, bytes };
}
