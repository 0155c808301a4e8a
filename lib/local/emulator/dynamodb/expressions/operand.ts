import {
  type AttributeValue,
  type Item,
  isSet,
  setAttribute,
  setElements,
} from '../values/attribute-value.ts';
import { binaryBytes } from '../values/value-size.ts';
import { type DocumentPath, readPath, valueAt } from './document-path.ts';
import type { Placeholders } from './placeholders.ts';
import type { TokenReader } from './token-reader.ts';

/**
 * What a condition or an update works on: a value, a place in the item, the size of what stands there, or, in
 * PartiQL, a parameter and lists and maps with parameters inside.
 */
export type Operand =
  | { readonly kind: 'value'; readonly value: AttributeValue }
  | { readonly kind: 'path'; readonly path: DocumentPath }
  | { readonly kind: 'size'; readonly path: DocumentPath }
  | { readonly kind: 'parameter'; readonly index: number }
  | { readonly kind: 'list'; readonly elements: readonly Operand[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [name: string, Operand])[] };

/** What operands are resolved against. */
export interface Scope {
  /** The item as it stands; empty where there is none. */
  readonly item: Item;
  /** PartiQL parameters; there are at least as many as the statement has. */
  readonly parameters: readonly AttributeValue[];
}

/** Reads a value placeholder, a path or `size(path)`. */
export function readOperand(reader: TokenReader, placeholders: Placeholders): Operand {
  const token = reader.peek();
  if (token.kind === 'value') {
    reader.next();
    return { kind: 'value', value: placeholders.value(reader, token.text) };
  }
  const after = reader.peek(1);
  if (token.kind === 'name' && after.kind === 'symbol' && after.text === '(') {
    if (token.text !== 'size') throw reader.invalid(`Invalid function name; function: ${token.text}`);
    reader.next();
    reader.next();
    const path = readPath(reader, placeholders);
    reader.expectSymbol(')');
    return { kind: 'size', path };
  }
  return { kind: 'path', path: readPath(reader, placeholders) };
}

/** The value of an operand, or undefined where the item has none there. */
export function resolve(operand: Operand, scope: Scope): AttributeValue | undefined {
  switch (operand.kind) {
    case 'value':
      return operand.value;
    case 'path':
      return valueAt(scope.item, operand.path);
    case 'parameter':
      return scope.parameters[operand.index];
    case 'size': {
      const value = valueAt(scope.item, operand.path);
      const size = value === undefined ? undefined : sizeOf(value);
      return size === undefined ? undefined : { N: String(size) };
    }
    case 'list':
      return { L: operand.elements.flatMap((element) => resolve(element, scope) ?? []) };
    case 'map':
      return { M: resolveMap(operand.entries, scope) };
  }
}

/** A loop, and no intermediate lists: every PartiQL INSERT comes through here. */
function resolveMap(entries: readonly (readonly [name: string, Operand])[], scope: Scope): Item {
  const map: Record<string, AttributeValue> = {};
  for (const [name, entry] of entries) {
    const value = resolve(entry, scope);
    if (value !== undefined) setAttribute(map, name, value);
  }
  return map;
}

/** What the `size` function gives: characters, bytes or elements. Numbers, booleans and null have none. */
function sizeOf(value: AttributeValue): number | undefined {
  if ('S' in value) return value.S.length;
  if ('B' in value) return binaryBytes(value.B);
  if ('L' in value) return value.L.length;
  if ('M' in value) return Object.keys(value.M).length;
  return isSet(value) ? setElements(value)?.length : undefined;
}
