import { isJsonObject } from '../action-input.ts';
import type { JsonObject } from '../emulated-service.ts';
import {
  compileMatchExpression,
  MATCH_OPERATORS,
  onlyEntry,
  type Scalar,
  type ScalarTest,
} from './match-expression.ts';
import { InvalidEventPatternError } from './pattern-error.ts';

/** Maximum number of combinations of all `$or`s of a pattern (EventBridge user guide, `$or` matching). */
export const MAX_OR_COMBINATIONS = 1_000;

/** The condition on one field of an event. */
export interface FieldCondition {
  /** Tests a value that is present. */
  test: ScalarTest;
  /** Whether the field may, or must, be absent (`exists: false`). */
  absent: boolean;
}

/** Field conditions by dotted name that must all hold. */
export type Conjunction = ReadonlyMap<string, FieldCondition>;

/** The alternatives of a pattern: one, unless it uses `$or`. */
export function parsePattern(pattern: JsonObject): Conjunction[] {
  return parseObject(pattern, '', [new Map()]);
}

/** Adds the conditions of one object to every alternative. If a field is named twice, the later condition counts, as in AWS. */
function parseObject(object: JsonObject, path: string, alternatives: Conjunction[]): Conjunction[] {
  const entries = Object.entries(object);
  if (entries.length === 0) throw new InvalidEventPatternError('Empty objects are not allowed', path);
  let result = alternatives;
  for (const [key, value] of entries) {
    const name = path === '' ? key : `${path}.${key}`;
    if (key === '$or' && isOr(value)) result = parseOr(value, path, result);
    else if (isJsonObject(value)) result = parseObject(value, name, result);
    else if (Array.isArray(value)) {
      const condition = parseLeaf(value, name);
      result = result.map((conjunction) => new Map(conjunction).set(name, condition));
    } else throw new InvalidEventPatternError(`"${key}" must be an object or an array`, name);
  }
  return result;
}

/** `$or` is an operator only with at least two objects whose keys are not operators. Otherwise it is a field name. */
function isOr(value: unknown): value is JsonObject[] {
  return (
    Array.isArray(value) &&
    value.length >= 2 &&
    value.every((branch) => isJsonObject(branch) && !Object.keys(branch).some(isReserved))
  );
}

function isReserved(key: string): boolean {
  return MATCH_OPERATORS.has(key);
}

function parseOr(branches: JsonObject[], path: string, alternatives: Conjunction[]): Conjunction[] {
  const result: Conjunction[] = [];
  for (const branch of branches) {
    result.push(...parseObject(branch, path, alternatives));
    if (result.length > MAX_OR_COMBINATIONS)
      throw new InvalidEventPatternError(
        `the $or conditions result in more than ${MAX_OR_COMBINATIONS} combinations`,
        path === '' ? '$or' : `${path}.$or`,
      );
  }
  return result;
}

function parseLeaf(values: readonly unknown[], path: string): FieldCondition {
  if (values.length === 0) throw new InvalidEventPatternError('Empty arrays are not allowed', path);
  const exact = new Set<Scalar>();
  const tests: ScalarTest[] = [];
  let absent = false;
  for (const value of values) {
    if (Array.isArray(value))
      throw new InvalidEventPatternError('Match value must be String, number, true, false, or null', path);
    if (!isJsonObject(value)) exact.add(value as Scalar);
    else if ('exists' in value) {
      if (parseExists(value, path)) tests.push(() => true);
      else absent = true;
    } else tests.push(compileMatchExpression(value, path));
  }
  return { test: (value) => exact.has(value) || tests.some((test) => test(value)), absent };
}

function parseExists(expression: JsonObject, path: string): boolean {
  const [, expected] = onlyEntry(expression, path);
  if (typeof expected !== 'boolean')
    throw new InvalidEventPatternError('exists match pattern must be either true or false.', path);
  return expected;
}
