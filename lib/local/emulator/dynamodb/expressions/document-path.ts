import { type AttributeValue, attributeOf, type Item } from '../values/attribute-value.ts';
import type { Placeholders } from './placeholders.ts';
import { RESERVED_WORDS } from './reserved-words.ts';
import type { TokenReader } from './token-reader.ts';

/** Where a value stands in an item: attribute name first, then names in maps and indexes in lists. */
export type DocumentPath = readonly [attribute: string, ...steps: (string | number)[]];

/** Reads `a.b[0].#c`. */
export function readPath(reader: TokenReader, placeholders: Placeholders): DocumentPath {
  const path: [string, ...(string | number)[]] = [readName(reader, placeholders)];
  for (;;) {
    if (reader.takeSymbol('.') !== undefined) path.push(readName(reader, placeholders));
    else if (reader.takeSymbol('[') !== undefined) {
      if (reader.peek().kind !== 'number') throw reader.syntaxError();
      path.push(Number(reader.next().text));
      reader.expectSymbol(']');
    } else return path;
  }
}

function readName(reader: TokenReader, placeholders: Placeholders): string {
  const token = reader.peek();
  if (token.kind === 'placeholder') {
    reader.next();
    return placeholders.name(reader, token.text);
  }
  if (token.kind !== 'name') throw reader.syntaxError();
  if (RESERVED_WORDS.has(token.text.toUpperCase()))
    throw reader.invalid(`Attribute name is a reserved keyword; reserved keyword: ${token.text}`);
  reader.next();
  return token.text;
}

/** The value at a path, or undefined where there is none. */
export function valueAt(item: Item, path: DocumentPath): AttributeValue | undefined {
  let value = attributeOf(item, path[0]);
  for (let step = 1; step < path.length && value !== undefined; step++) value = child(value, path[step]);
  return value;
}

/** What a name or index leads to inside a map or list. */
export function child(parent: AttributeValue, step: string | number | undefined): AttributeValue | undefined {
  if (typeof step === 'string') return 'M' in parent ? attributeOf(parent.M, step) : undefined;
  return step !== undefined && 'L' in parent ? parent.L[step] : undefined;
}

/** Tells whether one path leads into or is the other, so that both cannot be written at once. */
export function pathsOverlap(a: DocumentPath, b: DocumentPath): boolean {
  const shared = Math.min(a.length, b.length);
  for (let step = 0; step < shared; step++) if (a[step] !== b[step]) return false;
  return true;
}

/** A path as AWS's messages show it: `[a, b, [0]]`. */
export function pathText(path: DocumentPath): string {
  return `[${path.map((step) => (typeof step === 'number' ? `[${step}]` : step)).join(', ')}]`;
}
