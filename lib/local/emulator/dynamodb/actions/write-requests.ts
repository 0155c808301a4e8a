import { optionalString } from '../../action-input.ts';
import type { JsonObject } from '../../emulated-service.ts';
import { conditionalCheckFailed, constraintError, validationError } from '../dynamodb-errors.ts';
import { holds } from '../expressions/condition.ts';
import { parseCondition } from '../expressions/condition-parser.ts';
import { applyUpdate, type UpdateAction } from '../expressions/item-update.ts';
import { Placeholders } from '../expressions/placeholders.ts';
import { parseUpdate } from '../expressions/update-parser.ts';
import type { Write } from '../item-write.ts';
import { isKeyAttribute, keyOf, keyOfItem } from '../tables/key-schema.ts';
import type { TableStore } from '../tables/table-store.ts';
import { parseItem } from '../values/parse-value.ts';

/** The write of a PutItem. */
export function putWrite(store: TableStore, input: JsonObject): Write {
  const table = store.of(input);
  const placeholders = new Placeholders(input);
  const refusal = readRefusal(input, placeholders);
  placeholders.checkAllUsed();
  const item = parseItem(input.Item, 'Item');
  return { table, key: keyOfItem(table.schema, item), ...refusal, next: () => item };
}

/** The write of a DeleteItem. */
export function deleteWrite(store: TableStore, input: JsonObject): Write {
  const table = store.of(input);
  const placeholders = new Placeholders(input);
  const refusal = readRefusal(input, placeholders);
  placeholders.checkAllUsed();
  const key = keyOf(table.schema, parseItem(input.Key, 'Key'));
  return { table, key, ...refusal, next: () => undefined };
}

/** The write of an UpdateItem, and the attributes that it names. */
export function updateWrite(store: TableStore, input: JsonObject): { write: Write; names: string[] } {
  const table = store.of(input);
  const placeholders = new Placeholders(input);
  const text = optionalString(input, 'UpdateExpression');
  const actions: UpdateAction[] = text === undefined ? [] : parseUpdate(text, placeholders);
  const refusal = readRefusal(input, placeholders);
  placeholders.checkAllUsed();
  const names = actions.map(({ name }) => name);
  for (const name of names)
    if (isKeyAttribute(table.schema, name))
      throw validationError(
        `One or more parameter values were invalid: Cannot update attribute ${name}. This attribute is part of the key`,
      );
  const key = keyOf(table.schema, parseItem(input.Key, 'Key'));
  const write: Write = {
    table,
    key,
    ...refusal,
    next: (before) => applyUpdate(before ?? {}, before ?? key.attributes, actions),
  };
  return { write, names };
}

/** The refusal required by `ConditionExpression`, with the item if requested. */
function readRefusal(input: JsonObject, placeholders: Placeholders): Pick<Write, 'refusal'> {
  const returned = optionalString(input, 'ReturnValuesOnConditionCheckFailure') ?? 'NONE';
  if (returned !== 'NONE' && returned !== 'ALL_OLD')
    throw constraintError(
      returned,
      'returnValuesOnConditionCheckFailure',
      'satisfy enum value set: [ALL_OLD, NONE]',
    );
  const text = optionalString(input, 'ConditionExpression');
  if (text === undefined) return {};
  const condition = parseCondition('ConditionExpression', text, placeholders);
  return {
    refusal: (before) =>
      holds(condition, before ?? {})
        ? undefined
        : conditionalCheckFailed(returned === 'ALL_OLD' ? before : undefined),
  };
}
