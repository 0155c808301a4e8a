import { AwsError, type JsonObject } from './emulated-service.ts';

/** The error for a member whose JSON type differs from the service's model. */
export function serializationError(name: string, expected: string, value: unknown): AwsError {
  const found = Array.isArray(value) ? 'a list' : value === null ? 'null' : `a ${typeof value}`;
  return new AwsError(
    'com.amazon.coral.service#SerializationException',
    `${name} must be ${expected}, not ${found}.`,
  );
}

/** Whether a value is a JSON object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A string member, or undefined if it is absent. */
export function optionalString(input: JsonObject, name: string): string | undefined {
  const value = input[name] ?? undefined;
  if (value !== undefined && typeof value !== 'string') throw serializationError(name, 'a string', value);
  return value;
}

/** A finite number member, or undefined if it is absent. */
export function optionalNumber(input: JsonObject, name: string): number | undefined {
  const value = input[name] ?? undefined;
  if (value !== undefined && (typeof value !== 'number' || !Number.isFinite(value)))
    throw serializationError(name, 'a number', value);
  return value;
}

/** An object member, or undefined if it is absent. */
export function optionalObject(input: JsonObject, name: string): JsonObject | undefined {
  const value = input[name] ?? undefined;
  if (value !== undefined && !isJsonObject(value)) throw serializationError(name, 'an object', value);
  return value;
}

/** A list of objects, or undefined if it is absent. */
export function optionalObjects(input: JsonObject, name: string): JsonObject[] | undefined {
  const value = input[name] ?? undefined;
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw serializationError(name, 'a list', value);
  return value.map((element: unknown, index) => {
    if (!isJsonObject(element)) throw serializationError(`${name}[${index}]`, 'an object', element);
    return element;
  });
}

/** A list of strings, or an empty one if it is absent. */
export function optionalStrings(input: JsonObject, name: string): string[] {
  const value = input[name] ?? undefined;
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw serializationError(name, 'a list', value);
  return value.map((element: unknown, index) => {
    if (typeof element !== 'string') throw serializationError(`${name}[${index}]`, 'a string', element);
    return element;
  });
}
