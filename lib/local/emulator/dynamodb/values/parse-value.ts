import { isJsonObject, serializationError } from '../../action-input.ts';
import { validationError } from '../dynamodb-errors.ts';
import { type AttributeValue, type Item, isAttributeType, setAttribute } from './attribute-value.ts';
import { canonicalNumber } from './decimal.ts';

/** Maximum nesting of lists and maps in an attribute (DynamoDB quota). */
const MAX_NESTING = 32;

/** Reads an item, a key or a map. */
export function parseItem(input: unknown, name: string, depth = 0): Item {
  if (!isJsonObject(input)) throw serializationError(name, 'an object', input);
  const item: Record<string, AttributeValue> = {};
  for (const attribute in input) {
    setAttribute(item, attribute, parseValue(input[attribute], attribute, depth));
  }
  return item;
}

/**
 * Reads a value and makes it canonical.
 * @throws ValidationException with AWS's message.
 */
export function parseValue(input: unknown, name = 'AttributeValue', depth = 0): AttributeValue {
  if (!isJsonObject(input)) throw serializationError(name, 'an object', input);
  if (depth > MAX_NESTING)
    throw validationError(
      'Nesting Levels have exceeded supported limits: Attributes have nested levels beyond supported limit',
    );
  let type: string | undefined;
  for (const member in input) {
    if (input[member] === undefined || input[member] === null) continue;
    if (type !== undefined)
      throw validationError(
        'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
      );
    type = member;
  }
  if (type === undefined || !isAttributeType(type))
    throw validationError(
      'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes',
    );
  const value = input[type];
  switch (type) {
    case 'S':
      return { S: text(value, name) };
    case 'N':
      return { N: canonicalNumber(text(value, name)) };
    case 'B':
      return { B: binary(value, name) };
    case 'BOOL':
      if (typeof value !== 'boolean') throw serializationError(name, 'a boolean', value);
      return { BOOL: value };
    case 'NULL':
      if (value !== true) throw invalidParameter('Null attribute value types must have the value of true');
      return { NULL: true };
    case 'M':
      return { M: parseItem(value, name, depth + 1) };
    case 'L':
      return { L: list(value, name).map((element) => parseValue(element, name, depth + 1)) };
    case 'SS':
      return { SS: elements(value, name, 'An string set  may not be empty', text) };
    case 'NS':
      return { NS: elements(value, name, 'An number set  may not be empty', numberText) };
    case 'BS':
      return { BS: elements(value, name, 'Binary sets should not be empty', binary) };
  }
}

function invalidParameter(reason: string) {
  return validationError(`One or more parameter values were invalid: ${reason}`);
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw serializationError(name, 'a string', value);
  return value;
}

function numberText(value: unknown, name: string): string {
  return canonicalNumber(text(value, name));
}

/** Canonical Base64, so that equal binaries have the same string. */
function binary(value: unknown, name: string): string {
  return Buffer.from(text(value, name), 'base64').toString('base64');
}

function list(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw serializationError(name, 'a list', value);
  return value;
}

function elements(
  value: unknown,
  name: string,
  whenEmpty: string,
  read: (element: unknown, name: string) => string,
): string[] {
  const parsed = list(value, name).map((element) => read(element, name));
  if (parsed.length === 0) throw invalidParameter(whenEmpty);
  if (new Set(parsed).size !== parsed.length)
    throw invalidParameter(`Input collection [${parsed.join(', ')}] contains duplicates.`);
  return parsed;
}
