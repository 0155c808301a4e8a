import { validationError } from '../errors.ts';
import {
  type AttributeValue,
  attributeOf,
  type Item,
  isSet,
  type SetValue,
  setElements,
  setOf,
  typeOf,
} from '../values/attribute-value.ts';
import { addNumbers } from '../values/decimal.ts';
import { child, type DocumentPath, valueAt } from './document-path.ts';
import { type Operand, resolve, type Scope } from './operand.ts';

/** What SET may assign. */
export type UpdateValue =
  | { readonly kind: 'operand'; readonly operand: Operand }
  | { readonly kind: 'sum'; readonly sign: 1 | -1; readonly left: UpdateValue; readonly right: UpdateValue }
  | { readonly kind: 'if_not_exists'; readonly path: DocumentPath; readonly otherwise: UpdateValue }
  | { readonly kind: 'list_append'; readonly first: UpdateValue; readonly second: UpdateValue };

/** One change of an update, parsed. */
export type UpdateAction =
  | { readonly kind: 'set'; readonly path: DocumentPath; readonly value: UpdateValue }
  | { readonly kind: 'remove'; readonly path: DocumentPath }
  | { readonly kind: 'add'; readonly path: DocumentPath; readonly value: AttributeValue }
  | { readonly kind: 'delete'; readonly path: DocumentPath; readonly value: SetValue };

/**
 * Applies an update to an item and returns the new one. Every value is computed from the item as it was before.
 * @param base what is changed: the item, or its key attributes alone where it is new.
 * @throws ValidationException where a type does not fit, a value is missing or a path leads nowhere.
 */
export function applyUpdate(base: Item, actions: readonly UpdateAction[], scope: Scope): Item {
  let root: AttributeValue = { M: base };
  const removals: DocumentPath[] = [];
  for (const action of actions) {
    if (action.kind === 'remove') {
      removals.push(action.path);
      continue;
    }
    const value = newValue(action, scope);
    if (value === undefined) removals.push(action.path);
    else root = withValue(root, action.path, 0, value);
  }
  // The last element of a list first, so that the indexes of those before it stay right.
  for (const path of removals.sort(lastFirst)) root = withoutValue(root, path, 0);
  return 'M' in root ? root.M : base;
}

/** Undefined where nothing is left: the last elements of a set are deleted. */
function newValue(
  action: Exclude<UpdateAction, { kind: 'remove' }>,
  scope: Scope,
): AttributeValue | undefined {
  if (action.kind === 'set') return assigned(action.value, scope);
  const current = valueAt(scope.item, action.path);
  if (action.kind === 'add') return current === undefined ? action.value : sumOrUnion(current, action.value);
  if (current === undefined) return undefined;
  const elements = setElements(current);
  if (elements === undefined || !isSet(current) || typeOf(current) !== typeOf(action.value))
    throw wrongType();
  const gone = new Set(setElements(action.value));
  const left = elements.filter((element) => !gone.has(element));
  return left.length === 0 ? undefined : setOf(current, left);
}

function sumOrUnion(current: AttributeValue, added: AttributeValue): AttributeValue {
  if ('N' in current && 'N' in added) return { N: addNumbers(current.N, added.N, 1) };
  if (!isSet(current) || typeOf(current) !== typeOf(added)) throw wrongType();
  return setOf(current, [...new Set([...(setElements(current) ?? []), ...(setElements(added) ?? [])])]);
}

function assigned(value: UpdateValue, scope: Scope): AttributeValue {
  switch (value.kind) {
    case 'operand': {
      const found = resolve(value.operand, scope);
      if (found === undefined)
        throw validationError(
          'The provided expression refers to an attribute that does not exist in the item',
        );
      return found;
    }
    case 'if_not_exists':
      return valueAt(scope.item, value.path) ?? assigned(value.otherwise, scope);
    case 'list_append': {
      const first = assigned(value.first, scope);
      const second = assigned(value.second, scope);
      if (!('L' in first && 'L' in second)) throw wrongType();
      return { L: [...first.L, ...second.L] };
    }
    case 'sum': {
      const left = assigned(value.left, scope);
      const right = assigned(value.right, scope);
      if (!('N' in left && 'N' in right)) throw wrongType();
      return { N: addNumbers(left.N, right.N, value.sign) };
    }
  }
}

function wrongType() {
  return validationError('An operand in the update expression has an incorrect data type');
}

function invalidPath() {
  return validationError('The document path provided in the update expression is invalid for update');
}

/** A copy of `parent` with a value at a path; what lies beside the path is shared with the old one. */
function withValue(
  parent: AttributeValue,
  path: DocumentPath,
  depth: number,
  value: AttributeValue,
): AttributeValue {
  const step = path[depth];
  if (step === undefined) return value;
  const current = child(parent, step);
  if (current === undefined && depth < path.length - 1) throw invalidPath();
  const next = current === undefined ? value : withValue(current, path, depth + 1, value);
  if (typeof step === 'string' && 'M' in parent) return { M: { ...parent.M, [step]: next } };
  // An index beyond the end appends.
  if (typeof step === 'number' && 'L' in parent)
    return { L: step >= parent.L.length ? [...parent.L, next] : parent.L.with(step, next) };
  throw invalidPath();
}

function withoutValue(parent: AttributeValue, path: DocumentPath, depth: number): AttributeValue {
  const step = path[depth];
  const last = depth === path.length - 1;
  if (typeof step === 'string' && 'M' in parent) {
    const current = attributeOf(parent.M, step);
    if (!last && current === undefined) throw invalidPath();
    if (current === undefined) return parent;
    if (!last) return { M: { ...parent.M, [step]: withoutValue(current, path, depth + 1) } };
    const { [step]: _gone, ...rest } = parent.M;
    return { M: rest };
  }
  if (typeof step !== 'number' || !('L' in parent)) throw invalidPath();
  const current = parent.L[step];
  if (current === undefined) {
    if (!last) throw invalidPath();
    return parent;
  }
  return {
    L: last ? parent.L.toSpliced(step, 1) : parent.L.with(step, withoutValue(current, path, depth + 1)),
  };
}

function lastFirst(a: DocumentPath, b: DocumentPath): number {
  for (let step = 0; step < Math.min(a.length, b.length); step++) {
    const left = a[step];
    const right = b[step];
    if (left !== right && typeof left === 'number' && typeof right === 'number') return right - left;
    if (left !== right) return 0;
  }
  return 0;
}
