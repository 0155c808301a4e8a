/** Where a value is in a JSON text. `end` is exclusive. */
export interface JsonSpan {
  readonly start: number;
  readonly end: number;
}

const WHITESPACE = new Set([' ', '\t', '\n', '\r']);
const END_OF_LITERAL = new Set([',', '}', ']', ...WHITESPACE]);

/**
 * Finds the value of a member of nested objects, so that JSON text can be cut or extended without parsing and
 * serializing it, which would change numbers above 2^53. If several members have the same name, the last one counts, as
 * with `JSON.parse`.
 *
 * @param text valid JSON
 * @param path names of the members, outermost first
 * @returns undefined if there is no such member
 */
export function memberSpan(text: string, path: readonly string[]): JsonSpan | undefined {
  let span: JsonSpan | undefined = valueAt(text, 0);
  for (const name of path) {
    if (span === undefined) return undefined;
    span = memberOf(text, span, name);
  }
  return span;
}

function memberOf(text: string, object: JsonSpan, name: string): JsonSpan | undefined {
  if (text[object.start] !== '{') return undefined;
  let found: JsonSpan | undefined;
  let at = skipWhitespace(text, object.start + 1);
  while (text[at] === '"') {
    const keyEnd = endOfString(text, at);
    const value = valueAt(text, skipWhitespace(text, keyEnd) + 1);
    if (JSON.parse(text.slice(at, keyEnd)) === name) found = value;
    at = skipWhitespace(text, value.end);
    if (text[at] !== ',') break;
    at = skipWhitespace(text, at + 1);
  }
  return found;
}

function valueAt(text: string, from: number): JsonSpan {
  const start = skipWhitespace(text, from);
  const first = text[start];
  if (first === '"') return { start, end: endOfString(text, start) };
  if (first === '{' || first === '[') return { start, end: endOfNested(text, start) };
  let end = start;
  while (end < text.length && !END_OF_LITERAL.has(text[end] ?? '')) end += 1;
  return { start, end };
}

function endOfNested(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at) - 1;
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function skipWhitespace(text: string, from: number): number {
  let at = from;
  while (WHITESPACE.has(text[at] ?? '')) at += 1;
  return at;
}
