import type { AwsError } from '../../emulated-service.ts';
import { validationError } from '../dynamodb-errors.ts';
import { type AttributeValue, attributeOf, type Item, typeOf } from '../values/attribute-value.ts';
import { binaryBytes, textBytes } from '../values/value-size.ts';

/** Maximum size of the values of the two key attributes, in bytes (DynamoDB quotas). */
const MAX_HASH_KEY_BYTES = 2_048;
const MAX_RANGE_KEY_BYTES = 1_024;

/** The types a key attribute may have. */
export type KeyType = 'S' | 'N' | 'B';

/** One attribute of a table's primary key. */
export interface KeyAttribute {
  readonly name: string;
  readonly type: KeyType;
}

/** A table's primary key. */
export interface KeySchema {
  readonly hash: KeyAttribute;
  readonly range?: KeyAttribute;
}

/** A primary key: its attributes, and strings that are equal for equal keys. */
export interface PrimaryKey {
  /** Only the key attributes. */
  readonly attributes: Item;
  /** String form of the hash attribute: the same within a partition. */
  readonly partition: string;
  /** String form of the whole key: unique in the table. */
  readonly text: string;
}

/**
 * The key of a whole item.
 * @throws ValidationException for a key attribute that is missing, has the wrong type, is empty or too long.
 */
export function keyOfItem(schema: KeySchema, item: Item): PrimaryKey {
  return primaryKey(schema, item, (attribute, value) =>
    value === undefined
      ? validationError(
          `One or more parameter values were invalid: Missing the key ${attribute.name} in the item`,
        )
      : validationError(
          `One or more parameter values were invalid: Type mismatch for key ${attribute.name} expected: ${attribute.type} actual: ${typeOf(value)}`,
        ),
  );
}

/**
 * The key in a request such as GetItem, which has exactly the key attributes.
 * @throws ValidationException for a key that does not match the schema.
 */
export function keyOf(schema: KeySchema, key: Item): PrimaryKey {
  const mismatch = () => validationError('The provided key element does not match the schema');
  if (Object.keys(key).length !== (schema.range === undefined ? 1 : 2)) throw mismatch();
  return primaryKey(schema, key, mismatch);
}

function primaryKey(
  schema: KeySchema,
  item: Item,
  mismatch: (attribute: KeyAttribute, value: AttributeValue | undefined) => AwsError,
): PrimaryKey {
  const part = (attribute: KeyAttribute) => {
    const value = attributeOf(item, attribute.name);
    if (value === undefined || typeOf(value) !== attribute.type) throw mismatch(attribute, value);
    return value;
  };
  const { hash, range } = schema;
  const hashValue = part(hash);
  const rangeValue = range === undefined ? undefined : part(range);
  checkKeyValue(hashValue, hash.name, 'hash');
  const partition = keyText(hashValue);
  if (range === undefined || rangeValue === undefined)
    return { attributes: { [hash.name]: hashValue }, partition, text: partition };
  checkKeyValue(rangeValue, range.name, 'range');
  return {
    attributes: { [hash.name]: hashValue, [range.name]: rangeValue },
    partition,
    // The length keeps ("a", "bc") apart from ("ab", "c").
    text: `${partition.length}:${partition}${keyText(rangeValue)}`,
  };
}

/** @throws ValidationException for a value that is empty or too long. */
function checkKeyValue(value: AttributeValue, name: string, role: 'hash' | 'range'): void {
  if ('N' in value) return;
  const bytes = 'S' in value ? textBytes(value.S) : binaryBytes(keyText(value));
  if (bytes === 0)
    throw validationError(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ${'S' in value ? 'string' : 'binary'} value. Key: ${name}`,
    );
  if (role === 'hash' && bytes > MAX_HASH_KEY_BYTES)
    throw validationError(
      `One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of${MAX_HASH_KEY_BYTES} bytes`,
    );
  if (role === 'range' && bytes > MAX_RANGE_KEY_BYTES)
    throw validationError(
      `One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of ${MAX_RANGE_KEY_BYTES} bytes`,
    );
}

/** The text of a key attribute's value; its type is fixed by the schema. */
export function keyText(value: AttributeValue): string {
  if ('S' in value) return value.S;
  if ('N' in value) return value.N;
  if ('B' in value) return value.B;
  throw new TypeError(`A value of type ${typeOf(value)} cannot be a key.`);
}

/** Whether an attribute belongs to the key. */
export function isKeyAttribute(schema: KeySchema, name: string): boolean {
  return schema.hash.name === name || schema.range?.name === name;
}
