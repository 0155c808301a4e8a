import fc from 'fast-check';
import {
  addNumbers,
  canonicalNumber,
  compareNumbers,
} from 'switchboard-local/emulator/dynamodb/values/decimal.ts';
import { describe, expect, test } from 'vitest';

/** A number of at most 18 digits as its coefficient and exponent, and one of the ways to write it. */
const decimal = fc.record({
  coefficient: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
  exponent: fc.integer({ min: -9, max: 9 }),
});
const scaled = ({ coefficient, exponent }: { coefficient: bigint; exponent: number }) =>
  coefficient * 10n ** BigInt(exponent + 9);
const written = ({ coefficient, exponent }: { coefficient: bigint; exponent: number }) =>
  `${coefficient}e${exponent}`;

describe('decimals', () => {
  test('Every number has one canonical text, however it is written', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const equal = scaled(a) === scaled(b);
        expect(canonicalNumber(written(a)) === canonicalNumber(written(b))).toBe(equal);
        const shifted = { coefficient: a.coefficient * 10n, exponent: a.exponent - 1 };
        expect(canonicalNumber(written(shifted))).toBe(canonicalNumber(written(a)));
        expect(canonicalNumber(canonicalNumber(written(a)))).toBe(canonicalNumber(written(a)));
      }),
    );
  });

  test('Decimals compare and add like integers of a common scale', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const [left, right] = [canonicalNumber(written(a)), canonicalNumber(written(b))];
        const order = scaled(a) < scaled(b) ? -1 : scaled(a) > scaled(b) ? 1 : 0;
        expect(Math.sign(compareNumbers(left, right))).toBe(order);
        const sum = canonicalNumber(`${scaled(a) + scaled(b)}e-9`);
        expect(addNumbers(left, right)).toBe(sum);
        expect(addNumbers(sum, canonicalNumber(`${-scaled(b)}e-9`))).toBe(left);
      }),
    );
  });

  test('A sum that needs more than 38 digits is refused', () => {
    expect(() => addNumbers('1e30', '1e-30')).toThrow(/38 significant digits/);
    expect(addNumbers('99999999999999999999999999999999999999', '1')).toBe(`1${'0'.repeat(38)}`);
  });

  test('A huge exponent is refused without computing the power', () => {
    expect(() => canonicalNumber('1e999999999999')).toThrow(/overflow/);
    expect(() => canonicalNumber('1e-999999999999')).toThrow(/underflow/);
  });
});
