import { optionalObject, serializationError } from '../../action-input.ts';
import type { JsonObject } from '../../emulated-service.ts';
import { validationError } from '../dynamodb-errors.ts';
import type { AttributeValue } from '../values/attribute-value.ts';
import { parseValue } from '../values/parse-value.ts';
import type { TokenReader } from './token-reader.ts';

/**
 * `ExpressionAttributeNames` and `ExpressionAttributeValues` of one request. Placeholders that no
 * expression uses are refused, as in AWS.
 */
export class Placeholders {
  private readonly names = new Map<string, string>();
  private readonly values = new Map<string, AttributeValue>();
  private readonly used = new Set<string>();

  /** @throws ValidationException for a malformed placeholder or an invalid value. */
  constructor(input: JsonObject) {
    for (const [key, name] of entries(input, 'ExpressionAttributeNames', /^#\w+$/)) {
      if (typeof name !== 'string') throw serializationError(key, 'a string', name);
      this.names.set(key, name);
    }
    for (const [key, value] of entries(input, 'ExpressionAttributeValues', /^:\w+$/))
      this.values.set(key, parseValue(value, key));
  }

  /** The attribute's name behind `#placeholder`. */
  name(reader: TokenReader, placeholder: string): string {
    const name = this.names.get(placeholder);
    if (name === undefined)
      throw reader.invalid(
        `An expression attribute name used in the document path is not defined; attribute name: ${placeholder}`,
      );
    this.used.add(placeholder);
    return name;
  }

  /** The value behind `:placeholder`. */
  value(reader: TokenReader, placeholder: string): AttributeValue {
    const value = this.values.get(placeholder);
    if (value === undefined)
      throw reader.invalid(
        `An expression attribute value used in expression is not defined; attribute value: ${placeholder}`,
      );
    this.used.add(placeholder);
    return value;
  }

  /** @throws ValidationException that names the unused placeholders. */
  checkAllUsed(): void {
    this.checkUsed('ExpressionAttributeNames', this.names.keys());
    this.checkUsed('ExpressionAttributeValues', this.values.keys());
  }

  private checkUsed(member: string, keys: Iterable<string>): void {
    const unused = [...keys].filter((key) => !this.used.has(key));
    if (unused.length > 0)
      throw validationError(
        `Value provided in ${member} unused in expressions: keys: {${unused.join(', ')}}`,
      );
  }
}

function entries(input: JsonObject, member: string, syntax: RegExp): [string, unknown][] {
  const given = optionalObject(input, member);
  if (given === undefined) return [];
  const found = Object.entries(given);
  if (found.length === 0) throw validationError(`${member} must not be empty`);
  for (const [key] of found)
    if (!syntax.test(key))
      throw validationError(`${member} contains invalid key: Syntax error; key: "${key}"`);
  return found;
}
