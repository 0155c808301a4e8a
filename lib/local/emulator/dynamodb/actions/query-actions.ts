import { optionalNumber } from '../../action-input.ts';
import type { Action, JsonObject } from '../../emulated-service.ts';
import { readUnits } from '../capacity.ts';
import { constraintError, validationError } from '../dynamodb-errors.ts';
import { type Condition, holds } from '../expressions/condition.ts';
import { readKeyCondition } from '../expressions/key-condition.ts';
import { Placeholders } from '../expressions/placeholders.ts';
import { project, readProjection } from '../expressions/projection.ts';
import type { StoredItem } from '../tables/item-history.ts';
import { keyOf, type PrimaryKey } from '../tables/key-schema.ts';
import type { Table } from '../tables/table.ts';
import type { Item } from '../values/attribute-value.ts';
import { parseItem } from '../values/parse-value.ts';
import { type ActionContext, requestCapacity } from './action-context.ts';

/** A page of Query or Scan ends after reading this much (DynamoDB quota). */
const MAX_PAGE_BYTES = 1_048_576;

interface PageRequest {
  /** Items in reading order, after the start key. */
  readonly items: readonly StoredItem[];
  /** Which items are read: the range condition of a query. */
  readonly within?: Condition | undefined;
}

interface Page {
  readonly items: readonly Item[];
  readonly bytes: number;
  /** Key of the last item read, if the page ended before the items did. */
  readonly lastKey?: Item;
}

/** Query and Scan. */
export function queryActions(context: ActionContext): Record<string, Action> {
  return {
    Query: (input) => {
      const table = context.store.of(input);
      const placeholders = new Placeholders(input);
      const { partition, range } = readKeyCondition(input, table.schema, placeholders);
      const start = readStart(table, input);
      if (start !== undefined && start.partition !== partition)
        throw validationError(
          'The provided starting key is outside query boundaries based on provided conditions',
        );
      const backward = input.ScanIndexForward === false;
      const items = table.readPartition(partition, input.ConsistentRead === true);
      if (backward) items.reverse();
      const request = { items: itemsAfter(table, items, start, backward), within: range };
      return answer(context, table, input, placeholders, request);
    },
    Scan: (input) => {
      const table = context.store.of(input);
      const placeholders = new Placeholders(input);
      const items = itemsAfter(table, table.all(), readStart(table, input), false);
      return answer(context, table, input, placeholders, { items });
    },
  };
}

function answer(
  context: ActionContext,
  table: Table,
  input: JsonObject,
  placeholders: Placeholders,
  request: PageRequest,
): JsonObject {
  const names = readProjection(input, placeholders);
  placeholders.checkAllUsed();
  const limit = optionalNumber(input, 'Limit');
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 1))
    throw constraintError(String(limit), 'limit', 'have value greater than or equal to 1');
  const page = readPage(request, limit);
  const capacity = requestCapacity(context, input);
  capacity.read(table.name, readUnits(page.bytes, input.ConsistentRead === true));
  return {
    Items: page.items.map((item) => project(item, names)),
    Count: page.items.length,
    ScannedCount: page.items.length,
    ...(page.lastKey === undefined ? {} : { LastEvaluatedKey: page.lastKey }),
    ...capacity.one(),
  };
}

/** Reads up to the limit, 1 MB or the end. */
function readPage({ items, within }: PageRequest, limit: number | undefined): Page {
  const read: Item[] = [];
  let bytes = 0;
  let lastKey: Item | undefined;
  for (const { item, key, bytes: size } of items) {
    if (within !== undefined && !holds(within, item)) continue;
    if (lastKey !== undefined && bytes >= MAX_PAGE_BYTES) return { items: read, bytes, lastKey };
    bytes += size;
    lastKey = key.attributes;
    read.push(item);
    if (read.length === limit) return { items: read, bytes, lastKey };
  }
  return { items: read, bytes };
}

function readStart(table: Table, input: JsonObject): PrimaryKey | undefined {
  if (input.ExclusiveStartKey === undefined || input.ExclusiveStartKey === null) return undefined;
  return keyOf(table.schema, parseItem(input.ExclusiveStartKey, 'ExclusiveStartKey'));
}

/** The items after a key in reading order. The key itself need not exist. */
function itemsAfter(
  table: Table,
  items: readonly StoredItem[],
  start: PrimaryKey | undefined,
  backward: boolean,
): readonly StoredItem[] {
  if (start === undefined) return items;
  const from = items.findIndex(({ key }) => (backward ? -1 : 1) * table.compare(key, start) > 0);
  return from < 0 ? [] : items.slice(from);
}
