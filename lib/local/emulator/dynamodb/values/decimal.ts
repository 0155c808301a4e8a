import { validationError } from '../dynamodb-errors.ts';

/** Maximum number of significant digits (DynamoDB's data types). */
const MAX_SIGNIFICANT_DIGITS = 38;
/** A number is below 10^126 and, unless it is zero, at least 10^-130. */
const MAX_MAGNITUDE = 125;
const MIN_MAGNITUDE = -130;
/** Exponents above this are refused before any power of ten is computed. */
const MAX_WRITTEN_EXPONENT = 10_000;

/** `coefficient` times ten to the power of `exponent`; the coefficient does not end in zero unless it is zero. */
export interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

const SMALL_INTEGER = /^(0|-?[1-9]\d{0,14})$/;
const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/**
 * Reads a number as DynamoDB does: up to 38 significant digits, no rounding.
 * @throws ValidationException for a string that is not a number, or a number that is too precise, too large or too
 *   small.
 */
export function parseDecimal(text: string): Decimal {
  const match = NUMBER.exec(text);
  const whole = match?.[2] ?? '';
  const fraction = match?.[3] ?? '';
  if (match === null || whole.length + fraction.length === 0)
    throw validationError(`The parameter cannot be converted to a numeric value: ${text}`);
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return { coefficient: 0n, exponent: 0 };
  if (significant.length > MAX_SIGNIFICANT_DIGITS)
    throw validationError('Attempting to store more than 38 significant digits in a Number');
  const written = Math.max(-MAX_WRITTEN_EXPONENT, Math.min(MAX_WRITTEN_EXPONENT, Number(match[4] ?? 0)));
  const exponent = written - fraction.length + (digits.length - significant.length);
  return checkedDecimal(BigInt(`${match[1] === '-' ? '-' : ''}${significant}`), exponent, significant.length);
}

function checkedDecimal(coefficient: bigint, exponent: number, digits: number): Decimal {
  const magnitude = exponent + digits - 1;
  if (magnitude > MAX_MAGNITUDE)
    throw validationError(
      'Number overflow. Attempting to store a number with magnitude larger than supported range',
    );
  if (magnitude < MIN_MAGNITUDE)
    throw validationError(
      'Number underflow. Attempting to store a number with magnitude smaller than supported range',
    );
  return { coefficient, exponent };
}

/** Writes a number without an exponent, so that equal numbers have the same string. */
export function formatDecimal({ coefficient, exponent }: Decimal): string {
  const sign = coefficient < 0n ? '-' : '';
  const digits = (coefficient < 0n ? -coefficient : coefficient).toString();
  if (exponent >= 0) return `${sign}${digits}${'0'.repeat(exponent)}`;
  const point = digits.length + exponent;
  if (point > 0) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  return `${sign}0.${'0'.repeat(-point)}${digits}`;
}

/** The canonical text of a number: `1.0`, `01` and `1e0` all become `1`. */
export function canonicalNumber(text: string): string {
  return SMALL_INTEGER.test(text) ? text : formatDecimal(parseDecimal(text));
}

/** Compares two canonical numbers exactly: negative, zero or positive. */
export function compareNumbers(left: string, right: string): number {
  if (left === right) return 0;
  if (SMALL_INTEGER.test(left) && SMALL_INTEGER.test(right)) return Number(left) - Number(right);
  const [a, b] = aligned(parseDecimal(left), parseDecimal(right));
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Adds two canonical numbers.
 * @throws ValidationException if the result has too many digits or is out of range.
 */
export function addNumbers(left: string, right: string): string {
  const a = parseDecimal(left);
  const b = parseDecimal(right);
  const [x, y] = aligned(a, b);
  return canonicalNumber(formatDecimal({ coefficient: x + y, exponent: Math.min(a.exponent, b.exponent) }));
}

/** Both coefficients at the smaller of the two exponents. */
function aligned(a: Decimal, b: Decimal): [bigint, bigint] {
  const exponent = Math.min(a.exponent, b.exponent);
  return [
    a.coefficient * 10n ** BigInt(a.exponent - exponent),
    b.coefficient * 10n ** BigInt(b.exponent - exponent),
  ];
}
