/** A number whose digits are kept: a double cannot hold it. `JSON.stringify` writes it as it was written. */
export interface ExactNumber {
  readonly rawJSON: string;
}

/** JSON.parse source text access, an ECMAScript feature of Node.js 22 that TypeScript has no types for. */
interface SourceTextAccess {
  parse(text: string, revive: (key: string, value: unknown, context: { source: string }) => unknown): unknown;
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
}
const json = JSON as unknown as SourceTextAccess;

/** A double holds every number of up to 15 digits whose exponent has up to two. */
const LONG_NUMBER = /[\d.]{16}|[eE][-+]?\d{3}/;
/** Where a text can contain a {@link LONG_NUMBER}. What surrounds a number excludes nearly all strings. */
const MAY_HAVE_LONG_NUMBER = /[[:,]\s*-?(?:[\d.]{16}|[\d.]+[eE][-+]?\d{3,}\s*[,\]}])/;

/**
 * `JSON.parse`, except that a number of 16 or more digits that would not be written with the same digits again becomes
 * an {@link ExactNumber}. A text without long numbers takes hardly longer than with `JSON.parse`, others five times as
 * long.
 *
 * @throws SyntaxError if the text is not JSON
 */
export function parseExactJson(text: string): unknown {
  if (!MAY_HAVE_LONG_NUMBER.test(text)) return JSON.parse(text);
  try {
    return json.parse(text, (_, value, { source }) =>
      typeof value === 'number' && LONG_NUMBER.test(source) && String(value) !== source
        ? json.rawJSON(source)
        : value,
    );
  } catch {
    // Several thousand levels exhaust the stack. Such a value is refused later for its depth, and a text that is not JSON
    // is refused here again.
    return JSON.parse(text);
  }
}

/** An integer as JSON writes it: a number, or an {@link ExactNumber} if a double cannot hold it. */
export function exactInteger(value: bigint): number | ExactNumber {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : json.rawJSON(String(value));
}

/** Whether a value is an {@link ExactNumber}, and not an object of the JSON text. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return json.isRawJSON(value);
}
