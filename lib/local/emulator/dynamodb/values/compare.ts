import { type AttributeValue, type Item, setElements, typeOf } from './attribute-value.ts';
import { compareNumbers } from './decimal.ts';

/** Deep equality: the order of a set's elements and of a map's names does not count. */
export function valuesEqual(left: AttributeValue, right: AttributeValue): boolean {
  if (left === right) return true;
  if ('S' in left) return 'S' in right && left.S === right.S;
  if ('N' in left) return 'N' in right && left.N === right.N;
  if ('B' in left) return 'B' in right && left.B === right.B;
  if ('BOOL' in left) return 'BOOL' in right && left.BOOL === right.BOOL;
  if ('NULL' in left) return 'NULL' in right;
  if ('L' in left)
    return (
      'L' in right &&
      left.L.length === right.L.length &&
      left.L.every((element, index) => {
        const other = right.L[index];
        return other !== undefined && valuesEqual(element, other);
      })
    );
  if ('M' in left) return 'M' in right && itemsEqual(left.M, right.M);
  if (typeOf(left) !== typeOf(right)) return false;
  const others = new Set(setElements(right));
  const elements = setElements(left) ?? [];
  return elements.length === others.size && elements.every((element) => others.has(element));
}

function itemsEqual(left: Item, right: Item): boolean {
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => {
      const a = left[name];
      const b = Object.hasOwn(right, name) ? right[name] : undefined;
      return a !== undefined && b !== undefined && valuesEqual(a, b);
    })
  );
}

/**
 * Order of two strings (by UTF-8 bytes), numbers (by value) or binaries (by unsigned bytes): negative, zero or
 * positive. Undefined where the types differ or have no order.
 */
export function compareValues(left: AttributeValue, right: AttributeValue): number | undefined {
  if ('S' in left && 'S' in right) return compareTexts(left.S, right.S);
  if ('N' in left && 'N' in right) return compareNumbers(left.N, right.N);
  if ('B' in left && 'B' in right)
    return Buffer.compare(Buffer.from(left.B, 'base64'), Buffer.from(right.B, 'base64'));
  return undefined;
}

const SURROGATE = /[\uD800-\uDFFF]/;

/** Order by UTF-8 bytes, which differs from JavaScript's only where surrogates are. */
export function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  if (SURROGATE.test(left) || SURROGATE.test(right))
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  return left < right ? -1 : 1;
}
