import { optionalNumber, optionalString } from '../input.ts';
import { AwsError, type JsonObject } from '../service.ts';

/** Most items that one page of a listing holds; also what a listing without `Limit` gives. */
export const PAGE_ITEMS_MAX = 100;

/** The answer to input that has the right types and an unusable value. */
export function validationError(message: string): AwsError {
  return new AwsError('ValidationException', message);
}

/** The answer to a name that stands for nothing. */
export function notFoundError(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message);
}

/** The answer to what would pass a quota. */
export function limitExceededError(message: string): AwsError {
  return new AwsError('LimitExceededException', message);
}

/** A string that must be there and not be empty. */
export function requiredString(input: JsonObject, name: string): string {
  const value = optionalString(input, name);
  if (value === undefined || value === '')
    throw validationError(`${name} is required and must not be empty.`);
  return value;
}

/** A new name of a bus (slashes allowed), rule or target: letters, digits, `.`, `-`, `_`, at most `maxLength`. */
export function requiredName(
  input: JsonObject,
  name: string,
  maxLength: number,
  pattern = /^[.\-_A-Za-z0-9]+$/,
) {
  const value = requiredString(input, name);
  if (value.length > maxLength || !pattern.test(value))
    throw validationError(
      `${name} '${value}' must have at most ${maxLength} characters and match ${pattern.source}.`,
    );
  return value;
}

/**
 * One page of a listing that is sorted by `nameOf`, as `NamePrefix`, `Limit` and `NextToken` of the input ask.
 *
 * @returns the items, and the members of the output that carry the token of the next page.
 */
export function page<Item>(
  items: Iterable<Item>,
  nameOf: (item: Item) => string,
  input: JsonObject,
): { items: Item[]; next: { NextToken?: string } } {
  const prefix = optionalString(input, 'NamePrefix') ?? '';
  const limit = optionalNumber(input, 'Limit') ?? PAGE_ITEMS_MAX;
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_ITEMS_MAX)
    throw validationError(`Limit must be an integer from 1 to ${PAGE_ITEMS_MAX}, not ${limit}.`);
  const token = optionalString(input, 'NextToken');
  const after = token === undefined ? undefined : Buffer.from(token, 'base64url').toString();
  const rest = [...items]
    .filter((item) => nameOf(item).startsWith(prefix) && (after === undefined || nameOf(item) > after))
    .sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  const last = rest[limit - 1];
  const more = last !== undefined && rest.length > limit;
  return {
    items: rest.slice(0, limit),
    next: more ? { NextToken: Buffer.from(nameOf(last)).toString('base64url') } : {},
  };
}
