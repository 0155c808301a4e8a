import { optionalNumber, optionalString } from '../../input.ts';
import type { Action, JsonObject } from '../../service.ts';
import { readUnits } from '../capacity.ts';
import { validationError } from '../errors.ts';
import { keyTarget } from '../partiql/key-target.ts';
import type { StatementOf } from '../partiql/statement.ts';
import { StatementParser } from '../partiql/statement-parser.ts';
import { statementWrite, type WriteStatement } from '../partiql/statement-write.ts';
import { keyOf } from '../tables/key-schema.ts';
import type { AttributeValue, Item } from '../values/attribute-value.ts';
import { parseItem } from '../values/parse-value.ts';
import { performWrite } from '../write.ts';
import { type ActionContext, requestCapacity } from './context.ts';
import { after } from './query-actions.ts';
import { readPage } from './read-page.ts';
import { readStatement } from './read-statement.ts';
import { executeBatch } from './statement-batch.ts';

/** ExecuteStatement and BatchExecuteStatement. */
export function statementActions(context: ActionContext): Record<string, Action> {
  const parser = new StatementParser();
  return {
    ExecuteStatement: (input) => {
      const { statement, parameters } = readStatement(parser, input);
      return statement.kind === 'select'
        ? select(context, statement, parameters, input)
        : writeOne(context, statement, parameters, input);
    },
    BatchExecuteStatement: (input) => executeBatch(context, parser, input),
  };
}

function writeOne(
  context: ActionContext,
  statement: WriteStatement,
  parameters: readonly AttributeValue[],
  input: JsonObject,
): JsonObject {
  const withItem = optionalString(input, 'ReturnValuesOnConditionCheckFailure') === 'ALL_OLD';
  const { write, returned } = statementWrite(context.store, statement, parameters, withItem);
  const capacity = requestCapacity(context, input);
  const item = returned(performWrite(write, capacity));
  return { Items: item === undefined || Object.keys(item).length === 0 ? [] : [item], ...capacity.one() };
}

function select(
  context: ActionContext,
  { tableName, where, paths }: StatementOf<'select'>,
  parameters: readonly AttributeValue[],
  input: JsonObject,
): JsonObject {
  const table = context.store.get(tableName);
  const { key, partition, rest } = keyTarget(table.schema, where, parameters);
  const one = key === undefined ? undefined : table.get(key);
  const many = partition === undefined ? table.all() : table.partition(partition);
  const items = key === undefined ? many : one === undefined ? [] : [one];
  const token = optionalString(input, 'NextToken');
  const start = token === undefined ? undefined : keyOf(table.schema, readToken(token));
  const limit = optionalNumber(input, 'Limit');
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 1))
    throw validationError('Limit must be an integer of at least 1');
  const page = readPage({ items: after(table, items, start, false), filter: rest, paths, limit, parameters });
  const capacity = requestCapacity(context, input);
  capacity.read(table.name, readUnits(page.bytes, input.ConsistentRead === true));
  return { Items: page.items, ...nextPage(page.lastKey), ...capacity.one() };
}

function nextPage(lastKey: Item | undefined): JsonObject {
  if (lastKey === undefined) return {};
  const NextToken = Buffer.from(JSON.stringify(lastKey)).toString('base64url');
  return { NextToken, LastEvaluatedKey: lastKey };
}

function readToken(token: string): Item {
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch (error) {
    if (error instanceof SyntaxError)
      throw validationError('Invalid NextToken: use the one of the last answer.');
    throw error;
  }
  return parseItem(decoded, 'NextToken');
}
