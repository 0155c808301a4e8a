import { isJsonObject } from '../action-input.ts';
import type { JsonObject } from '../emulated-service.ts';
import {
  type ArrayMembership,
  type EventField,
  eventFields,
  fieldNames,
  joinMemberships,
} from './event-fields.ts';
import { InvalidEventPatternError } from './pattern-error.ts';
import { type FieldCondition, parsePattern } from './pattern-syntax.ts';

/** Quota "Event pattern size" of EventBridge, in characters. */
export const MAX_PATTERN_CHARACTERS = 2_048;

/** Whether a parsed event matches. */
export type EventMatcher = (event: object) => boolean;

/**
 * Compiles an event pattern. It matches like AWS's own matcher (github.com/aws/event-ruler), except that numbers are
 * compared as doubles, to 15 digits or more.
 *
 * @param text the pattern as JSON text.
 * @throws InvalidEventPatternError that names the reason and the path.
 */
export function compileEventPattern(text: string): EventMatcher {
  if (text.length > MAX_PATTERN_CHARACTERS)
    throw new InvalidEventPatternError(
      `it has ${text.length} characters, and at most ${MAX_PATTERN_CHARACTERS} are allowed`,
    );
  const alternatives = parsePattern(patternObject(text)).map((conditions) =>
    // AWS visits fields in the order of names, on which the result for an absent field depends.
    [...conditions].sort(([one], [other]) => (one < other ? -1 : 1)),
  );
  const names = fieldNames(alternatives.flatMap((conditions) => conditions.map(([name]) => name)));
  return (event) => {
    const fields = eventFields(event, names);
    return alternatives.some((conditions) => matchesFrom(0, conditions, fields, []));
  };
}

function patternObject(text: string): JsonObject {
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch (error) {
    throw new InvalidEventPatternError(
      `it is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (!isJsonObject(pattern)) throw new InvalidEventPatternError('Filter is not an object');
  return pattern;
}

/** Whether the conditions from `position` can hold together within the array elements chosen so far. */
function matchesFrom(
  position: number,
  conditions: readonly (readonly [string, FieldCondition])[],
  fields: ReadonlyMap<string, EventField[]>,
  membership: ArrayMembership,
): boolean {
  const named = conditions[position];
  if (named === undefined) return true;
  const [name, condition] = named;
  let present = false;
  let tried = false;
  for (const field of fields.get(name) ?? []) {
    const joined = joinMemberships(membership, field.membership);
    if (joined === undefined) continue;
    present = true;
    // Fields that do not narrow the membership lead to the same result, so only one of them is tried.
    if (joined === membership && tried) continue;
    if (!condition.test(field.value)) continue;
    if (joined === membership) tried = true;
    if (matchesFrom(position + 1, conditions, fields, joined)) return true;
  }
  return condition.absent && !present && matchesFrom(position + 1, conditions, fields, membership);
}
