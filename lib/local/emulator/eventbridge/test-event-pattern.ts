import { isJsonObject } from '../input.ts';
import type { JsonObject } from '../service.ts';
import { compileEventPattern } from './event-pattern.ts';
import { requiredString, validationError } from './parameters.ts';

/** What an event given to TestEventPattern must have (API reference of TestEventPattern). */
const REQUIRED_FIELDS = ['id', 'account', 'source', 'time', 'region', 'resources', 'detail-type'] as const;

/** The action TestEventPattern: tells whether `Event` matches `EventPattern`. */
export function testEventPattern(input: JsonObject): JsonObject {
  const matches = compileEventPattern(requiredString(input, 'EventPattern'));
  return { Result: matches(readEvent(requiredString(input, 'Event'))) };
}

function readEvent(text: string): JsonObject {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch (error) {
    throw invalidEvent(`it is not JSON: ${String(error)}`);
  }
  if (!isJsonObject(event)) throw invalidEvent('it is not an object.');
  const missing = REQUIRED_FIELDS.filter((field) => !(field in event));
  if (missing.length > 0) throw invalidEvent(`it lacks ${missing.join(', ')}.`);
  return event;
}

function invalidEvent(reason: string): Error {
  return validationError(`Parameter Event is not valid. Reason: ${reason}`);
}
