import { isDeepStrictEqual } from 'node:util';
import { type AttributeValue, setElements, typeOf } from './attribute-value.ts';
import { compareNumbers } from './decimal.ts';

/** Deep equality. The order of a set's elements does not count, except for a set inside a list or a map. */
export function valuesEqual(left: AttributeValue, right: AttributeValue): boolean {
  const elements = setElements(left);
  if (elements === undefined) return isDeepStrictEqual(left, right);
  const others = new Set(setElements(right));
  return (
    typeOf(left) === typeOf(right) &&
    elements.length === others.size &&
    elements.every((element) => others.has(element))
  );
}

/**
 * Order of two strings (by UTF-8 bytes), numbers (by value) or binaries (by unsigned bytes): negative, zero or
 * positive. Undefined if the types differ or have no order.
 */
export function compareValues(left: AttributeValue, right: AttributeValue): number | undefined {
  if ('S' in left && 'S' in right) return compareTexts(left.S, right.S);
  if ('N' in left && 'N' in right) return compareNumbers(left.N, right.N);
  if ('B' in left && 'B' in right)
    return Buffer.compare(Buffer.from(left.B, 'base64'), Buffer.from(right.B, 'base64'));
  return undefined;
}

const SURROGATE = /[\uD800-\uDFFF]/;

/** Order by UTF-8 bytes, which differs from JavaScript's only for surrogates. */
export function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  if (SURROGATE.test(left) || SURROGATE.test(right))
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  return left < right ? -1 : 1;
}
