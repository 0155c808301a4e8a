import { isJsonObject } from '../action-input.ts';
import type { JsonObject } from '../emulated-service.ts';
import { NotEmulatedError } from '../not-emulated.ts';
import { InvalidEventPatternError } from './pattern-error.ts';

/** A leaf value of an event. */
export type Scalar = string | number | boolean | null;

/** Tells whether a leaf value of an event satisfies a pattern. */
export type ScalarTest = (value: Scalar) => boolean;

const SUPPORTED_OPERATORS = ['prefix', 'suffix', 'anything-but', 'exists'];
const OTHER_OPERATORS = ['equals-ignore-case', 'numeric', 'wildcard', 'cidr'];

/** Every key that starts a match expression. An object with one of these as a field is not an `$or` branch. */
export const MATCH_OPERATORS: ReadonlySet<string> = new Set([...SUPPORTED_OPERATORS, ...OTHER_OPERATORS]);

/**
 * Compiles one match expression, such as `{"prefix": "v2."}`. `exists` is handled by the pattern, because absence is
 * not a property of a value.
 */
export function compileMatchExpression(expression: JsonObject, path: string): ScalarTest {
  const [type, operand] = onlyEntry(expression, path);
  switch (type) {
    case 'prefix':
    case 'suffix':
      return onStrings(textTest(type, operand, path));
    case 'anything-but':
      return compileAnythingBut(operand, path);
    default:
      throw unknownOperator(type, path, 'Unrecognized match type');
  }
}

/** The only member that a match expression may have. */
export function onlyEntry(expression: JsonObject, path: string): [string, unknown] {
  const [entry, ...more] = Object.entries(expression);
  if (entry === undefined) throw new InvalidEventPatternError('Empty objects are not allowed', path);
  if (more.length > 0) throw new InvalidEventPatternError('Only one key allowed in match expression', path);
  return entry;
}

function compileAnythingBut(operand: unknown, path: string): ScalarTest {
  if (isJsonObject(operand)) {
    const name = `anything-but with ${onlyEntry(operand, path)[0]}`;
    throw new NotEmulatedError({ where: `event patterns (at ${path})`, kind: 'pattern operator', name });
  }
  const values: unknown[] = Array.isArray(operand) ? operand : [operand];
  const excluded = new Set<unknown>();
  for (const value of values) {
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new InvalidEventPatternError(
        'Value of anything-but must be a string, a number, a list of either, or one operator',
        path,
      );
    excluded.add(value);
  }
  if (new Set(values.map((value) => typeof value)).size !== 1)
    throw new InvalidEventPatternError(
      'Inside anything-but list, either all values are number or string, mixed or no values are not supported',
      path,
    );
  // A value of another type differs from all of these: 5 matches anything-but ["5"], and so does null.
  return (value) => !excluded.has(value);
}

function textTest(type: 'prefix' | 'suffix', operand: unknown, path: string): (text: string) => boolean {
  if (isJsonObject(operand)) {
    const [inner] = onlyEntry(operand, path);
    throw unknownOperator(inner, path, `Unsupported ${type} pattern:`);
  }
  if (typeof operand !== 'string')
    throw new InvalidEventPatternError(`${type} match pattern must be a string`, path);
  return type === 'prefix' ? (text) => text.startsWith(operand) : (text) => text.endsWith(operand);
}

function onStrings(test: (text: string) => boolean): ScalarTest {
  return (value) => typeof value === 'string' && test(value);
}

/** An operator of AWS that is missing here, or one that AWS does not have either. */
function unknownOperator(name: string, path: string, reason: string): Error {
  if (!OTHER_OPERATORS.includes(name)) return new InvalidEventPatternError(`${reason} ${name}`, path);
  const where = `event patterns (at ${path})`;
  return new NotEmulatedError({ where, kind: 'pattern operator', name, supported: SUPPORTED_OPERATORS });
}
