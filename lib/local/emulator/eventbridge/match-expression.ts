import { isJsonObject } from '../input.ts';
import type { JsonObject } from '../service.ts';
import { compileCidr } from './cidr.ts';
import { comparableNumber, compileNumeric } from './numeric.ts';
import { InvalidEventPatternError } from './pattern-error.ts';
import { compileWildcard } from './wildcard.ts';

/** What a leaf of an event can hold. */
export type Scalar = string | number | boolean | null;

/** Tells whether one leaf value of an event satisfies a pattern. */
export type ScalarTest = (value: Scalar) => boolean;

/** Every key that begins a match expression; an object with one of these as a field is no `$or` branch. */
export const MATCH_TYPES: ReadonlySet<string> = new Set([
  'prefix',
  'suffix',
  'equals-ignore-case',
  'wildcard',
  'anything-but',
  'numeric',
  'cidr',
]);

/**
 * Compiles one match expression, such as `{"prefix": "v2."}`. `exists` is not among them: absence is no property of
 * a value, so the pattern handles it.
 */
export function compileMatchExpression(expression: JsonObject, path: string): ScalarTest {
  const [type, operand] = onlyEntry(expression, path);
  switch (type) {
    case 'prefix':
    case 'suffix':
      return isJsonObject(operand)
        ? onStrings(affixIgnoringCase(type, operand, path))
        : onStrings(affix(type, stringOperand(type, operand, path)));
    case 'equals-ignore-case':
      return onStrings(equalsIgnoreCase(stringOperand(type, operand, path)));
    case 'wildcard':
      return onStrings(compileWildcard(stringOperand(type, operand, path), path));
    case 'cidr':
      return onStrings(compileCidr(stringOperand(type, operand, path), path));
    case 'numeric': {
      const test = compileNumeric(operand, path);
      return (value) => typeof value === 'number' && test(value);
    }
    case 'anything-but':
      return compileAnythingBut(operand, path);
    default:
      throw new InvalidEventPatternError(`Unrecognized match type ${type}`, path);
  }
}

/** The one member that a match expression may have. */
export function onlyEntry(expression: JsonObject, path: string): [string, unknown] {
  const [entry, ...more] = Object.entries(expression);
  if (entry === undefined) throw new InvalidEventPatternError('Empty objects are not allowed', path);
  if (more.length > 0) throw new InvalidEventPatternError('Only one key allowed in match expression', path);
  return entry;
}

function compileAnythingBut(operand: unknown, path: string): ScalarTest {
  if (isJsonObject(operand)) return compileAnythingButOperator(operand, path);
  const values: unknown[] = Array.isArray(operand) ? operand : [operand];
  const excluded = new Set<unknown>();
  for (const value of values) {
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new InvalidEventPatternError(
        'Value of anything-but must be a string, a number, a list of either, or one operator',
        path,
      );
    excluded.add(typeof value === 'number' ? comparableNumber(value, 'anything-but', path) : value);
  }
  if (new Set(values.map((value) => typeof value)).size !== 1)
    throw new InvalidEventPatternError(
      'Inside anything-but list, either all values are number or string, mixed or no values are not supported',
      path,
    );
  // A value of another type is something else than all of these: 5 passes anything-but ["5"], and so does null.
  return (value) => !excluded.has(value);
}

function compileAnythingButOperator(expression: JsonObject, path: string): ScalarTest {
  const [type, operand] = onlyEntry(expression, path);
  const texts: unknown[] = Array.isArray(operand) ? operand : [operand];
  if (texts.length === 0)
    throw new InvalidEventPatternError(`anything-but ${type} needs at least one value`, path);
  const tests = texts.map((text) => excludedTest(type, text, path));
  return (value) => typeof value !== 'string' || !tests.some((test) => test(value));
}

function excludedTest(type: string, operand: unknown, path: string): (text: string) => boolean {
  switch (type) {
    case 'prefix':
    case 'suffix': {
      const text = stringOperand(`anything-but ${type}`, operand, path);
      if (text === '') throw new InvalidEventPatternError('Null prefix/suffix not allowed', path);
      return affix(type, text);
    }
    case 'equals-ignore-case':
      return equalsIgnoreCase(stringOperand(`anything-but ${type}`, operand, path));
    case 'wildcard':
      return compileWildcard(stringOperand(`anything-but ${type}`, operand, path), path);
    default:
      throw new InvalidEventPatternError(`Unsupported anything-but pattern: ${type}`, path);
  }
}

function affixIgnoringCase(type: 'prefix' | 'suffix', expression: JsonObject, path: string) {
  const [inner, operand] = onlyEntry(expression, path);
  if (inner !== 'equals-ignore-case')
    throw new InvalidEventPatternError(`Unsupported ${type} pattern: ${inner}`, path);
  const test = affix(type, stringOperand(`${type} ${inner}`, operand, path).toLowerCase());
  return (text: string) => test(text.toLowerCase());
}

function affix(type: 'prefix' | 'suffix', part: string): (text: string) => boolean {
  return type === 'prefix' ? (text) => text.startsWith(part) : (text) => text.endsWith(part);
}

function equalsIgnoreCase(expected: string): (text: string) => boolean {
  const lower = expected.toLowerCase();
  return (text) => text.toLowerCase() === lower;
}

function onStrings(test: (text: string) => boolean): ScalarTest {
  return (value) => typeof value === 'string' && test(value);
}

function stringOperand(type: string, operand: unknown, path: string): string {
  if (typeof operand !== 'string')
    throw new InvalidEventPatternError(`${type} match pattern must be a string`, path);
  return operand;
}
