import { validationError } from '../dynamodb-errors.ts';
import {
  type AttributeValue,
  attributeOf,
  type Item,
  isSet,
  type SetValue,
  setAttribute,
  setElements,
  setOf,
  typeOf,
} from '../values/attribute-value.ts';
import { addNumbers } from '../values/decimal.ts';
import { type Operand, resolve } from './operand.ts';

/** One change of an update, parsed. */
export type UpdateAction =
  | { readonly kind: 'set'; readonly name: string; readonly value: Operand }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'add'; readonly name: string; readonly value: AttributeValue }
  | { readonly kind: 'delete'; readonly name: string; readonly value: SetValue };

/**
 * Applies an update to an item and returns the new one. Every value is computed from the item as it was before the
 * update.
 * @param before the item; empty if there is none.
 * @param base what is changed: the item, or the key attributes of a new one.
 * @throws ValidationException for an operand of the wrong type or a missing attribute.
 */
export function applyUpdate(before: Item, base: Item, actions: readonly UpdateAction[]): Item {
  const after = { ...base };
  for (const action of actions) {
    const value = newValue(action, before);
    if (value === undefined) delete after[action.name];
    else setAttribute(after, action.name, value);
  }
  return after;
}

/** Undefined if the attribute is removed, for example the last element of a set. */
function newValue(action: UpdateAction, before: Item): AttributeValue | undefined {
  if (action.kind === 'remove') return undefined;
  if (action.kind === 'set') {
    const value = resolve(action.value, before);
    if (value !== undefined) return value;
    throw validationError('The provided expression refers to an attribute that does not exist in the item');
  }
  const current = attributeOf(before, action.name);
  if (action.kind === 'add') return current === undefined ? action.value : sumOrUnion(current, action.value);
  if (current === undefined) return undefined;
  if (!isSet(current) || typeOf(current) !== typeOf(action.value)) throw wrongType();
  const removed = new Set(setElements(action.value));
  const left = setElements(current)?.filter((element) => !removed.has(element)) ?? [];
  return left.length === 0 ? undefined : setOf(current, left);
}

function sumOrUnion(current: AttributeValue, added: AttributeValue): AttributeValue {
  if ('N' in current && 'N' in added) return { N: addNumbers(current.N, added.N) };
  if (!isSet(current) || typeOf(current) !== typeOf(added)) throw wrongType();
  return setOf(current, [...new Set([...(setElements(current) ?? []), ...(setElements(added) ?? [])])]);
}

function wrongType() {
  return validationError('An operand in the update expression has an incorrect data type');
}
