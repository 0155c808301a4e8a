import { conditionalCheckFailed, duplicateItem, validationError } from '../errors.ts';
import { holds } from '../expressions/condition.ts';
import { resolve } from '../expressions/operand.ts';
import { keyOfItem } from '../tables/key-schema.ts';
import type { TableStore } from '../tables/table-store.ts';
import { returnedByUpdate } from '../update-return.ts';
import type { AttributeValue, Item } from '../values/attribute-value.ts';
import type { Write, WriteOutcome } from '../write.ts';
import { refuseKeyChange, unless, updated } from '../write-rules.ts';
import { keyTarget } from './key-target.ts';
import type { Statement, StatementOf } from './statement.ts';

/** A statement that writes, ready to be carried out, and what it gives back. */
export interface StatementWrite {
  readonly write: Write;
  readonly returned: (outcome: WriteOutcome) => Item | undefined;
}

/** The statements that write. */
export type WriteStatement = Exclude<Statement, { kind: 'select' }>;

/**
 * Makes a write of a statement and its parameters.
 * @param withItem whether a failed condition shows the item.
 * @throws ValidationException or ResourceNotFoundException where it can never be carried out.
 */
export function statementWrite(
  store: TableStore,
  statement: WriteStatement,
  parameters: readonly AttributeValue[],
  withItem: boolean,
): StatementWrite {
  switch (statement.kind) {
    case 'insert':
      return insertion(store, statement, parameters);
    case 'update':
      return update(store, statement, parameters, withItem);
    case 'delete':
      return deletion(store, statement, parameters, withItem);
  }
}

function insertion(
  store: TableStore,
  statement: StatementOf<'insert'>,
  parameters: readonly AttributeValue[],
): StatementWrite {
  const table = store.get(statement.tableName);
  const value = resolve(statement.item, { item: {}, parameters });
  const item = value !== undefined && 'M' in value ? value.M : {};
  return {
    write: {
      table,
      key: keyOfItem(table.schema, item),
      refusal: (before) => (before === undefined ? undefined : duplicateItem()),
      next: () => item,
    },
    returned: () => undefined,
  };
}

function update(
  store: TableStore,
  { tableName, actions, where, returning }: StatementOf<'update'>,
  parameters: readonly AttributeValue[],
  withItem: boolean,
): StatementWrite {
  const table = store.get(tableName);
  refuseKeyChange(table.schema, actions);
  const { key, rest } = keyTarget(table.schema, where, parameters);
  if (key === undefined) throw missingKey();
  const refuse = rest === undefined ? undefined : unless(rest, withItem, parameters);
  return {
    write: {
      table,
      key,
      // Unlike UpdateItem, UPDATE creates nothing.
      refusal: (before) => (before === undefined ? conditionalCheckFailed() : refuse?.(before)),
      next: (before) => updated(before, key.attributes, actions, parameters),
    },
    returned: (outcome) => returnedByUpdate(returning, actions, outcome),
  };
}

function deletion(
  store: TableStore,
  { tableName, where, returning }: StatementOf<'delete'>,
  parameters: readonly AttributeValue[],
  withItem: boolean,
): StatementWrite {
  const table = store.get(tableName);
  const { key, rest } = keyTarget(table.schema, where, parameters);
  if (key === undefined) throw missingKey();
  return {
    write: {
      table,
      key,
      // Where there is no item, DELETE succeeds and does nothing, whatever else WHERE asks for.
      refusal: (before) =>
        before === undefined || rest === undefined || holds(rest, { item: before, parameters })
          ? undefined
          : conditionalCheckFailed(withItem ? before : undefined),
      next: () => undefined,
    },
    returned: ({ before }) => (returning === 'ALL_OLD' ? before?.item : undefined),
  };
}

function missingKey() {
  return validationError('Where clause does not contain a mandatory equality on all key attributes');
}
