/**
 * A DynamoDB value in the wire format: one member, named by its type. Binary values are base64. Numbers are canonical
 * (`canonicalNumber`), so equal numbers have the same string. Values are never changed in place.
 */
export type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly M: Item }
  | { readonly L: readonly AttributeValue[] }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly string[] };

/** An item or a map: attributes by name. */
export type Item = { readonly [name: string]: AttributeValue };

/** Name of a type on the wire. */
export type AttributeType = 'S' | 'N' | 'B' | 'BOOL' | 'NULL' | 'M' | 'L' | 'SS' | 'NS' | 'BS';

/** A set of strings, numbers or binaries. */
export type SetValue = Extract<
  AttributeValue,
  { readonly SS: unknown } | { readonly NS: unknown } | { readonly BS: unknown }
>;

/** Every type with its name in AWS's messages. */
export const TYPE_WORDS: Readonly<Record<AttributeType, string>> = {
  S: 'STRING',
  N: 'NUMBER',
  B: 'BINARY',
  BOOL: 'BOOLEAN',
  NULL: 'NULL',
  M: 'MAP',
  L: 'LIST',
  SS: 'STRING_SET',
  NS: 'NUMBER_SET',
  BS: 'BINARY_SET',
};

/** Whether a string is the name of a type. */
export function isAttributeType(name: string): name is AttributeType {
  return Object.hasOwn(TYPE_WORDS, name);
}

/** The type of a value. */
export function typeOf(value: AttributeValue): AttributeType {
  for (const name in value) if (isAttributeType(name)) return name;
  throw new TypeError(`${JSON.stringify(value)} is not an attribute value.`);
}

/** An attribute of an item, or undefined if the item does not have it. */
export function attributeOf(item: Item, name: string): AttributeValue | undefined {
  return Object.hasOwn(item, name) ? item[name] : undefined;
}

/** Sets an attribute of an item that is being built. A plain assignment of `__proto__` would set the prototype. */
export function setAttribute(
  item: Record<string, AttributeValue>,
  name: string,
  value: AttributeValue,
): void {
  if (name === '__proto__') Object.defineProperty(item, name, { value, enumerable: true });
  else item[name] = value;
}

/** The elements of a set as strings, or undefined if the value is not a set. */
export function setElements(value: AttributeValue): readonly string[] | undefined {
  if ('SS' in value) return value.SS;
  if ('NS' in value) return value.NS;
  if ('BS' in value) return value.BS;
  return undefined;
}

/** A set of the same type as `like`. */
export function setOf(like: SetValue, elements: readonly string[]): SetValue {
  if ('SS' in like) return { SS: elements };
  if ('NS' in like) return { NS: elements };
  return { BS: elements };
}

/** Whether a value is a set. */
export function isSet(value: AttributeValue): value is SetValue {
  return 'SS' in value || 'NS' in value || 'BS' in value;
}
