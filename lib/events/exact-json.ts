import { plainKeys, withKeys } from './escaped-keys.ts';

/**
 * A number that a double cannot represent. Its digits are kept, and `JSON.stringify` writes it exactly as in the
 * source.
 */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** JSON.parse source text access, an ECMAScript feature in Node.js 22 for which TypeScript has no types. */
interface SourceTextAccess {
  parse(text: string, revive: (key: string, value: unknown, context: { source: string }) => unknown): unknown;
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
}
const json = JSON as unknown as SourceTextAccess;

/** A double can represent every number with up to 15 digits and an exponent of up to two digits. */
const LONG_NUMBER = /[\d.]{16}|[eE][-+]?\d{3}/;
/** Finds text that may contain a {@link LONG_NUMBER}. The characters around it exclude nearly all strings. */
const MAY_HAVE_LONG_NUMBER = /[[:,]\s*-?(?:[\d.]{16}|[\d.]+[eE][-+]?\d{3,}\s*[,\]}])/;

/**
 * `JSON.parse`, except that a number of 16 or more digits that would not be written with the same digits again becomes
 * an {@link ExactNumber}, and that keys with escape sequences are always right (see `escaped-keys.ts`). Text without
 * long numbers and such keys takes hardly longer than with `JSON.parse`; other text takes several times as long.
 *
 * @throws SyntaxError if the text is not JSON
 */
export function parseExactJson(text: string): unknown {
  try {
    const plain = plainKeys(text);
    return plain ? withKeys(parseNumbers(plain.text), plain.keys, isExactNumber) : parseNumbers(text);
  } catch {
    // Thousands of levels exhaust the stack. Such a value is refused later because of its depth, and text that is not
    // JSON fails here again.
    return JSON.parse(text);
  }
}

function parseNumbers(text: string): unknown {
  if (!MAY_HAVE_LONG_NUMBER.test(text)) return JSON.parse(text);
  return json.parse(text, (_, value, { source }) =>
    typeof value === 'number' && LONG_NUMBER.test(source) && String(value) !== source
      ? json.rawJSON(source)
      : value,
  );
}

/** An integer as JSON writes it: a number, or an {@link ExactNumber} if a double cannot represent it. */
export function exactInteger(value: bigint): number | ExactNumber {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : json.rawJSON(String(value));
}

/** Whether a value is an {@link ExactNumber} and not an object from the JSON text. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return json.isRawJSON(value);
}
