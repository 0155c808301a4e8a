import { InvalidEventPatternError } from './pattern-error.ts';

/** Numeric comparison works from -5e9 to 5e9, both included (README of AWS's event-ruler). */
export const NUMERIC_MAGNITUDE_MAX = 5e9;

/** Tells whether a number is one that EventBridge can compare. */
export function isComparable(value: number): boolean {
  return Math.abs(value) <= NUMERIC_MAGNITUDE_MAX;
}

/** A number of a pattern, checked to be comparable. */
export function comparableNumber(value: unknown, what: string, path: string): number {
  if (typeof value !== 'number') throw new InvalidEventPatternError(`Value of ${what} must be numeric`, path);
  if (!isComparable(value))
    throw new InvalidEventPatternError(
      `Value must be between -${NUMERIC_MAGNITUDE_MAX} and ${NUMERIC_MAGNITUDE_MAX}, inclusive, not ${value}`,
      path,
    );
  return value;
}

const COMPARISONS: Record<string, (value: number, bound: number) => boolean> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

/**
 * Compiles a `numeric` pattern: `[operator, number]`, or a range such as `[">", 0, "<=", 5]` whose first bound is
 * the lower one. There is no `!=`: that is `anything-but`.
 */
export function compileNumeric(terms: unknown, path: string): (value: number) => boolean {
  if (!Array.isArray(terms)) throw new InvalidEventPatternError('Value of numeric must be an array', path);
  const [operator, operand, upperOperator, upperOperand]: unknown[] = terms;
  const lower = comparison(operator, path);
  const bound = comparableNumber(operand, String(operator), path);
  if (terms.length === 2) return (value) => isComparable(value) && lower(value, bound);
  if (operator !== '>' && operator !== '>=')
    throw new InvalidEventPatternError('Too many elements in numeric expression', path);
  if (upperOperator !== '<' && upperOperator !== '<=')
    throw new InvalidEventPatternError(`Bad numeric range operator: ${String(upperOperator)}`, path);
  const upper = comparison(upperOperator, path);
  const top = comparableNumber(upperOperand, upperOperator, path);
  if (terms.length > 4)
    throw new InvalidEventPatternError('Too many terms in numeric range expression', path);
  if (bound >= top) throw new InvalidEventPatternError('Bottom must be less than top', path);
  return (value) => isComparable(value) && lower(value, bound) && upper(value, top);
}

function comparison(operator: unknown, path: string): (value: number, bound: number) => boolean {
  if (typeof operator !== 'string')
    throw new InvalidEventPatternError(
      'Invalid member in numeric match: an operator must come before each number',
      path,
    );
  const compare = Object.hasOwn(COMPARISONS, operator) ? COMPARISONS[operator] : undefined;
  if (compare === undefined)
    throw new InvalidEventPatternError(
      `Unrecognized numeric range operator: ${operator} (one of = < <= > >= is)`,
      path,
    );
  return compare;
}
