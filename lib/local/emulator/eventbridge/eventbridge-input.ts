import { optionalString } from '../action-input.ts';
import { AwsError, type JsonObject } from '../emulated-service.ts';

/** The error for a value that is invalid. */
export function validationError(message: string): AwsError {
  return new AwsError('ValidationException', message);
}

/** The error for something that does not exist. */
export function notFoundError(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message);
}

/** The error for exceeding a quota. */
export function limitExceededError(message: string): AwsError {
  return new AwsError('LimitExceededException', message);
}

/** A string that must not be absent or empty. */
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

/** The items of a listing whose name starts with `NamePrefix` of the input, sorted by name. */
export function listed<Item>(
  items: Iterable<Item>,
  nameOf: (item: Item) => string,
  input: JsonObject,
): Item[] {
  const prefix = optionalString(input, 'NamePrefix') ?? '';
  return [...items]
    .filter((item) => nameOf(item).startsWith(prefix))
    .sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
}
