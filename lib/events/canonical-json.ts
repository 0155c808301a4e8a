/** Deepest nesting that is accepted; Genesys Cloud's deepest bodies have about ten levels. */
export const MAX_DEPTH_LEVELS = 128;

/** A JSON value nested deeper than {@link MAX_DEPTH_LEVELS}. */
export class TooDeepError extends Error {
  readonly code = 'too_deep';
  readonly retriable = false;

  constructor() {
    super(`JSON is nested more than ${MAX_DEPTH_LEVELS} levels deep`);
    this.name = 'TooDeepError';
  }
}

/**
 * The canonical text of a JSON value, by the JSON Canonicalization Scheme (RFC 8785): keys in the order of their
 * UTF-16 code units, no white space, numbers and strings as ECMAScript writes them. Two values that are equal as
 * JSON have the same text, however they were written.
 *
 * @param value - what `JSON.parse` gave
 * @throws {@link TooDeepError} for nesting that would exhaust the stack
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (depth >= MAX_DEPTH_LEVELS) throw new TooDeepError();
  if (Array.isArray(value)) return writeArray(value, depth);
  const record = value as Record<string, unknown>;
  let text = '{';
  for (const key of Object.keys(record).sort()) {
    const member = record[key];
    if (member === undefined) continue;
    text += `${text.length > 1 ? ',' : ''}${JSON.stringify(key)}:${write(member, depth + 1)}`;
  }
  return `${text}}`;
}

function writeArray(values: readonly unknown[], depth: number): string {
  let text = '[';
  for (let index = 0; index < values.length; index++) {
    text += `${index > 0 ? ',' : ''}${write(values[index], depth + 1)}`;
  }
  return `${text}]`;
}
