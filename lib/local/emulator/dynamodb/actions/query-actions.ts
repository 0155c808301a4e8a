import { optionalNumber, optionalString } from '../../input.ts';
import type { Action, JsonObject } from '../../service.ts';
import { readUnits } from '../capacity.ts';
import { validationError } from '../errors.ts';
import type { Condition } from '../expressions/condition.ts';
import { parseCondition } from '../expressions/condition-parser.ts';
import { attributesIn, readKeyCondition } from '../expressions/key-condition.ts';
import { Placeholders } from '../expressions/placeholders.ts';
import { readProjection } from '../expressions/projection.ts';
import { isKeyAttribute, keyOf, type PrimaryKey } from '../tables/key-schema.ts';
import type { StoredItem, Table } from '../tables/table.ts';
import { parseItem } from '../values/parse-value.ts';
import { type ActionContext, refuseUnsupported, requestCapacity } from './context.ts';
import { type PageRequest, readPage } from './read-page.ts';

/** Query and Scan. */
export function queryActions(context: ActionContext): Record<string, Action> {
  return {
    Query: (input) => {
      refuseUnsupported(input);
      const table = context.store.of(input);
      const placeholders = new Placeholders(input);
      const { partition, range } = readKeyCondition(input, table.schema, placeholders);
      const filter = readFilter(input, placeholders);
      for (const name of filter === undefined ? [] : attributesIn(filter))
        if (isKeyAttribute(table.schema, name))
          throw validationError(
            `Filter Expression can only contain non-primary key attributes: Primary key attribute: ${name}`,
          );
      const start = readStart(table, input);
      if (start !== undefined && start.partition !== partition)
        throw validationError(
          'The provided starting key is outside query boundaries based on provided conditions',
        );
      const backward = input.ScanIndexForward === false;
      const items = table.partition(partition);
      if (backward) items.reverse();
      return answer(context, table, input, placeholders, {
        items: after(table, items, start, backward),
        within: range,
        filter,
      });
    },
    Scan: (input) => {
      refuseUnsupported(input);
      const table = context.store.of(input);
      const placeholders = new Placeholders(input);
      const filter = readFilter(input, placeholders);
      const items = after(table, table.all(), readStart(table, input), false);
      return answer(context, table, input, placeholders, { items, filter });
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
  const paths = readProjection(input, placeholders);
  placeholders.checkAllUsed();
  const select = optionalString(input, 'Select');
  if (select === 'ALL_PROJECTED_ATTRIBUTES')
    throw validationError('ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName');
  if (paths !== undefined && select !== undefined && select !== 'SPECIFIC_ATTRIBUTES')
    throw validationError(`Cannot specify the ProjectionExpression when choosing to get ${select}`);
  const limit = optionalNumber(input, 'Limit');
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 1))
    throw validationError(
      `1 validation error detected: Value '${limit}' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1`,
    );
  const page = readPage({ ...request, paths, limit });
  const capacity = requestCapacity(context, input);
  capacity.read(table.name, readUnits(page.bytes, input.ConsistentRead === true));
  return {
    ...(select === 'COUNT' ? {} : { Items: page.items }),
    Count: page.items.length,
    ScannedCount: page.scanned,
    ...(page.lastKey === undefined ? {} : { LastEvaluatedKey: page.lastKey }),
    ...capacity.one(),
  };
}

function readFilter(input: JsonObject, placeholders: Placeholders): Condition | undefined {
  const text = optionalString(input, 'FilterExpression');
  return text === undefined ? undefined : parseCondition('FilterExpression', text, placeholders);
}

function readStart(table: Table, input: JsonObject): PrimaryKey | undefined {
  if (input.ExclusiveStartKey === undefined || input.ExclusiveStartKey === null) return undefined;
  return keyOf(table.schema, parseItem(input.ExclusiveStartKey, 'ExclusiveStartKey'));
}

/** The items behind a key in reading order; the key itself need not exist any more. */
export function* after(
  table: Table,
  items: readonly StoredItem[],
  start: PrimaryKey | undefined,
  backward: boolean,
): Generator<StoredItem> {
  let from = 0;
  if (start !== undefined) {
    const behind = (stored: StoredItem) => (backward ? -1 : 1) * table.compare(stored.key, start) > 0;
    // Binary search for the first item behind the key.
    let to = items.length;
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      const stored = items[middle];
      if (stored !== undefined && behind(stored)) to = middle;
      else from = middle + 1;
    }
  }
  for (let index = from; index < items.length; index++) {
    const stored = items[index];
    if (stored !== undefined) yield stored;
  }
}
