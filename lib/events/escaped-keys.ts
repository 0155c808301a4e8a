import { randomUUID } from 'node:crypto';

const QUOTATION_MARK = 0x22;
const BACKSLASH = 0x5c;

/** JSON text in which no key has an escape sequence, and the original keys of the names that replace them. */
export interface PlainKeys {
  readonly text: string;
  readonly keys: ReadonlyMap<string, string>;
}

/**
 * Replaces keys that contain an escape sequence. `JSON.parse` of V8 can confuse such a key with one that contains a
 * backslash in an object that it parsed before: after `{"h":0,"\\":0}`, the key `"\n"` of `{"h":0,"\n":0}` becomes a
 * backslash (nodejs/node issue 63785; Node.js 24 and 26). Keys without escape sequences and all values are correct.
 *
 * @returns undefined if no key has an escape sequence, as in nearly all texts
 * @throws SyntaxError if such a key is not valid JSON
 */
export function plainKeys(text: string): PlainKeys | undefined {
  const names = new Map<string, string>();
  const parts: string[] = [];
  // Nobody can send a name that is random.
  let prefix: string | undefined;
  let copied = 0;
  let end: number;
  // In JSON, a backslash can only be in a string.
  for (let at = text.indexOf('\\'); at !== -1; at = text.indexOf('\\', end)) {
    end = endOfString(text, at);
    if (!isBeforeColon(text, end)) continue;
    const start = text.lastIndexOf('"', at);
    const key = JSON.parse(text.slice(start, end)) as string;
    prefix ??= randomUUID();
    const name = names.get(key) ?? `${prefix}-${names.size}`;
    names.set(key, name);
    parts.push(text.slice(copied, start), `"${name}"`);
    copied = end;
  }
  if (names.size === 0) return undefined;
  const keys = new Map([...names].map(([key, name]) => [name, key]));
  return { text: parts.join('') + text.slice(copied), keys };
}

/** The same value with its original keys. `isLeaf` is true for objects that are kept as they are. */
export function withKeys(
  value: unknown,
  keys: ReadonlyMap<string, string>,
  isLeaf: (value: object) => boolean,
): unknown {
  if (typeof value !== 'object' || value === null || isLeaf(value)) return value;
  if (Array.isArray(value)) return value.map((member) => withKeys(member, keys, isLeaf));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [keys.get(name) ?? name, withKeys(member, keys, isLeaf)]),
  );
}

/** The index after the quotation mark that ends the string, or after the end of the text. */
function endOfString(text: string, inside: number): number {
  let at = inside;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTATION_MARK) break;
    if (code === BACKSLASH) at += 1;
  }
  return at + 1;
}

function isBeforeColon(text: string, end: number): boolean {
  let at = end;
  while (/[\t\n\r ]/.test(text[at] ?? '')) at += 1;
  return text[at] === ':';
}
