import { isUtf8 } from 'node:buffer';
import { gunzipSync } from 'node:zlib';

/** Something that a run has written, and where. */
export interface Written {
  readonly where: string;
  readonly base64: string;
}

/** Maximum number of nested encodings that are decoded. */
const MAX_LAYERS = 5;
/** Shorter texts in base64 have none of the values. */
const MIN_BASE64_CHARACTERS = 12;
const NOT_BASE64 = /[^A-Za-z0-9+/_-]+/;
const GZIP_MAGIC = [0x1f, 0x8b];

/**
 * The values that a text contains: as they are, as numbers, escaped in JSON any number of times, in base64, compressed
 * with gzip, or any of these within another.
 */
export function valuesIn(content: Buffer, values: ReadonlyMap<string, string>, layer = 0): Set<string> {
  const found = new Set<string>();
  const text = content.toString('utf8');
  for (let plain = text, round = 0; round < MAX_LAYERS; round++) {
    for (const [name, value] of values) if (plain.includes(value)) found.add(name);
    const next = unescaped(plain);
    if (next === plain) break;
    plain = next;
  }
  // Most of what looks like base64 is an id, which decodes to noise.
  const isEncoded = isUtf8(content) || isGzip(content);
  if (layer === MAX_LAYERS || !isEncoded) return found;
  for (const inner of encodedIn(content, text))
    for (const name of valuesIn(inner, values, layer + 1)) found.add(name);
  return found;
}

/** What a text is encoded from, if it is base64 or compressed. */
function encodedIn(content: Buffer, text: string): Buffer[] {
  if (isGzip(content)) {
    try {
      return [gunzipSync(content)];
    } catch {
      return [];
    }
  }
  // A repetition in the expression would exhaust the stack in a text of several MiB.
  const words = text.split(NOT_BASE64).filter((word) => word.length >= MIN_BASE64_CHARACTERS);
  return words.map((word) => Buffer.from(word, 'base64'));
}

function isGzip(content: Buffer): boolean {
  return GZIP_MAGIC.every((byte, index) => content[index] === byte);
}

/** A text with one level of JSON escapes less. */
function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, code: string | undefined, character: string) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    const controls: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
    return controls[character] ?? character;
  });
}
