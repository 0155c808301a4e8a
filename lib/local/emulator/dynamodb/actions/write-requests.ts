import { optionalString } from '../../input.ts';
import type { JsonObject } from '../../service.ts';
import { validationError } from '../errors.ts';
import { parseCondition } from '../expressions/condition-parser.ts';
import { Placeholders } from '../expressions/placeholders.ts';
import type { UpdateAction } from '../expressions/update.ts';
import { parseUpdate } from '../expressions/update-parser.ts';
import { keyOf, keyOfItem } from '../tables/key-schema.ts';
import type { TableStore } from '../tables/table-store.ts';
import type { Item } from '../values/attribute-value.ts';
import { parseItem } from '../values/parse-value.ts';
import type { Write } from '../write.ts';
import { refuseKeyChange, unless, updated } from '../write-rules.ts';
import { refuseUnsupported } from './context.ts';

/** A put as in PutItem and in a transaction. */
export function putWrite(store: TableStore, input: JsonObject): Write {
  refuseUnsupported(input);
  const table = store.of(input);
  const placeholders = new Placeholders(input);
  const refusal = readRefusal(input, placeholders);
  placeholders.checkAllUsed();
  const item = parseItem(input.Item, 'Item');
  return { table, key: keyOfItem(table.schema, item), ...refusal, next: () => item };
}

/** A deletion as in DeleteItem and in a transaction. */
export function deleteWrite(store: TableStore, input: JsonObject): Write {
  refuseUnsupported(input);
  const table = store.of(input);
  const placeholders = new Placeholders(input);
  const refusal = readRefusal(input, placeholders);
  placeholders.checkAllUsed();
  const key = keyOf(table.schema, parseItem(input.Key, 'Key'));
  return { table, key, ...refusal, next: () => undefined };
}

/** A condition on an item that a transaction leaves as it is. */
export function conditionCheck(store: TableStore, input: JsonObject): Write {
  if (optionalString(input, 'ConditionExpression') === undefined)
    throw validationError(
      "The parameter 'ConditionExpression' is required but was not present in the request",
    );
  return { ...deleteWrite(store, input), next: (before) => before };
}

/** An update as in UpdateItem and in a transaction; `actions` tell which parts it touches. */
export function updateWrite(
  store: TableStore,
  input: JsonObject,
): { write: Write; actions: readonly UpdateAction[] } {
  refuseUnsupported(input);
  const table = store.of(input);
  const placeholders = new Placeholders(input);
  const text = optionalString(input, 'UpdateExpression');
  const actions = text === undefined ? [] : parseUpdate(text, placeholders);
  const refusal = readRefusal(input, placeholders);
  placeholders.checkAllUsed();
  refuseKeyChange(table.schema, actions);
  const key = keyOf(table.schema, parseItem(input.Key, 'Key'));
  const next = (before: Item | undefined) => updated(before, key.attributes, actions, []);
  return { write: { table, key, ...refusal, next }, actions };
}

/** The refusal that `ConditionExpression` asks for, with the item where the request wants it. */
function readRefusal(input: JsonObject, placeholders: Placeholders): Pick<Write, 'refusal'> {
  const returned = optionalString(input, 'ReturnValuesOnConditionCheckFailure') ?? 'NONE';
  if (returned !== 'NONE' && returned !== 'ALL_OLD')
    throw validationError(
      `1 validation error detected: Value '${returned}' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]`,
    );
  const text = optionalString(input, 'ConditionExpression');
  if (text === undefined) return {};
  const condition = parseCondition('ConditionExpression', text, placeholders);
  return { refusal: unless(condition, returned === 'ALL_OLD', []) };
}
