import { InvalidEventPatternError } from './pattern-error.ts';

/**
 * Compiles a `wildcard` pattern. `*` stands for any run of characters, the empty one too; `\*` and `\\` stand for
 * themselves. The test takes time proportional to the text times the literal parts, whatever the pattern.
 *
 * @throws InvalidEventPatternError for `**` and for a backslash before anything else.
 */
export function compileWildcard(pattern: string, path: string): (text: string) => boolean {
  const parts = literalParts(pattern, path);
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return (text) => text === first;
  const middle = parts.slice(1, -1);
  return (text) => {
    if (text.length < first.length + last.length) return false;
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let position = first.length;
    // The leftmost place of each part leaves the most room for the parts after it, so no backtracking is needed.
    for (const part of middle) {
      const found = text.indexOf(part, position);
      if (found === -1 || found + part.length > end) return false;
      position = found + part.length;
    }
    return true;
  };
}

/** The literal text between the wildcards: one part more than there are wildcards. */
function literalParts(pattern: string, path: string): string[] {
  const parts: string[] = [];
  let literal = '';
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern.charAt(index);
    const next = pattern.charAt(index + 1);
    if (character === '\\') {
      if (next !== '*' && next !== '\\')
        throw new InvalidEventPatternError(
          `Invalid escape character at pos ${index}: only \\* and \\\\ are escapes`,
          path,
        );
      literal += next;
      index += 1;
    } else if (character === '*') {
      if (next === '*')
        throw new InvalidEventPatternError(`Consecutive wildcard characters at pos ${index}`, path);
      parts.push(literal);
      literal = '';
    } else {
      literal += character;
    }
  }
  parts.push(literal);
  return parts;
}
