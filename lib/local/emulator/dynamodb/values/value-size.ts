import type { AttributeValue, Item } from './attribute-value.ts';

/** Bytes that a list or map adds, and that each of its elements adds (DynamoDB item sizes). */
const CONTAINER_BYTES = 3;
const ELEMENT_BYTES = 1;

/** Size of an item in bytes by DynamoDB's rules: names and values in UTF-8. */
export function itemBytes(item: Item): number {
  let bytes = 0;
  for (const name in item) {
    const value = item[name];
    if (value !== undefined) bytes += textBytes(name) + valueBytes(value);
  }
  return bytes;
}

/** Size of a value in bytes, without its name. */
export function valueBytes(value: AttributeValue): number {
  if ('S' in value) return textBytes(value.S);
  if ('N' in value) return numberBytes(value.N);
  if ('B' in value) return binaryBytes(value.B);
  if ('BOOL' in value || 'NULL' in value) return 1;
  if ('SS' in value) return sum(value.SS, textBytes);
  if ('NS' in value) return sum(value.NS, numberBytes);
  if ('BS' in value) return sum(value.BS, binaryBytes);
  if ('L' in value) return CONTAINER_BYTES + sum(value.L, (element) => ELEMENT_BYTES + valueBytes(element));
  return CONTAINER_BYTES + itemBytes(value.M) + ELEMENT_BYTES * Object.keys(value.M).length;
}

/** Size of a string in UTF-8 bytes. */
export function textBytes(text: string): number {
  return Buffer.byteLength(text);
}

/** Number of bytes that a canonical base64 text encodes. */
export function binaryBytes(base64: string): number {
  return Buffer.byteLength(base64, 'base64');
}

/** One byte per two digits, one for the exponent, and one for a minus sign. */
function numberBytes(canonical: string): number {
  const digits = canonical.replace(/[-.]/g, '').replace(/^0+|0+$/g, '').length;
  return Math.ceil(digits / 2) + 1 + (canonical.startsWith('-') ? 1 : 0);
}

function sum<T>(elements: readonly T[], bytes: (element: T) => number): number {
  let total = 0;
  for (const element of elements) total += bytes(element);
  return total;
}
