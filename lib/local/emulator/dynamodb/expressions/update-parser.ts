import { isSet, TYPE_WORDS, typeOf } from '../values/attribute-value.ts';
import { type DocumentPath, pathsOverlap, pathText, readPath } from './document-path.ts';
import { readOperand } from './operand.ts';
import type { Placeholders } from './placeholders.ts';
import { TokenReader } from './token-reader.ts';
import type { UpdateAction, UpdateValue } from './update.ts';

const SECTIONS = ['SET', 'REMOVE', 'ADD', 'DELETE'] as const;
type Section = (typeof SECTIONS)[number];

/** Deepest nesting of functions, so that no expression can exhaust the stack. */
const MAX_DEPTH = 100;

/**
 * Parses `UpdateExpression`.
 * @throws ValidationException with AWS's message for it.
 */
export function parseUpdate(text: string, placeholders: Placeholders): UpdateAction[] {
  const reader = new TokenReader('UpdateExpression', text);
  const seen = new Set<Section>();
  const actions: UpdateAction[] = [];
  do {
    const section = SECTIONS.find((word) => reader.takeKeyword(word));
    if (section === undefined) throw reader.syntaxError();
    if (seen.has(section))
      throw reader.invalid(`The "${section}" section can only be used once in an update expression;`);
    seen.add(section);
    do {
      const action = readAction(section, reader, placeholders);
      checkOverlap(reader, actions, action.path);
      actions.push(action);
    } while (reader.takeSymbol(',') !== undefined);
  } while (reader.peek().kind !== 'end');
  return actions;
}

function checkOverlap(reader: TokenReader, actions: readonly UpdateAction[], path: DocumentPath): void {
  const other = actions.find((action) => pathsOverlap(action.path, path));
  if (other !== undefined)
    throw reader.invalid(
      `Two document paths overlap with each other; must remove or rewrite one of these paths; path one: ${pathText(other.path)}, path two: ${pathText(path)}`,
    );
}

function readAction(section: Section, reader: TokenReader, placeholders: Placeholders): UpdateAction {
  const path = readPath(reader, placeholders);
  if (section === 'REMOVE') return { kind: 'remove', path };
  if (section === 'SET') {
    reader.expectSymbol('=');
    return { kind: 'set', path, value: readSum(reader, placeholders) };
  }
  const token = reader.peek();
  if (token.kind !== 'value') throw reader.syntaxError();
  reader.next();
  const value = placeholders.value(reader, token.text);
  if (section === 'DELETE' && isSet(value)) return { kind: 'delete', path, value };
  if (section === 'ADD' && (isSet(value) || 'N' in value)) return { kind: 'add', path, value };
  throw reader.invalid(
    `Incorrect operand type for operator or function; operator: ${section}, operand type: ${TYPE_WORDS[typeOf(value)]}, typeSet: ALLOWED_FOR_${section}_OPERAND`,
  );
}

function readSum(reader: TokenReader, placeholders: Placeholders): UpdateValue {
  const left = readValue(reader, placeholders, 0);
  const sign = reader.takeSymbol('+', '-');
  if (sign === undefined) return left;
  return { kind: 'sum', sign: sign === '+' ? 1 : -1, left, right: readValue(reader, placeholders, 0) };
}

function readValue(reader: TokenReader, placeholders: Placeholders, depth: number): UpdateValue {
  if (depth > MAX_DEPTH) throw reader.invalid(`The expression is nested deeper than ${MAX_DEPTH} levels`);
  const name = reader.peek();
  const after = reader.peek(1);
  const isCall = name.kind === 'name' && after.kind === 'symbol' && after.text === '(';
  if (!isCall) return { kind: 'operand', operand: readOperand(reader, placeholders) };
  if (name.text !== 'if_not_exists' && name.text !== 'list_append')
    throw reader.invalid(
      name.text === 'size' || name.text.startsWith('attribute_')
        ? `The function is not allowed in an update expression; function: ${name.text}`
        : `Invalid function name; function: ${name.text}`,
    );
  reader.next();
  reader.next();
  const value = readArguments(name.text, reader, placeholders, depth);
  reader.expectSymbol(')');
  return value;
}

function readArguments(
  name: 'if_not_exists' | 'list_append',
  reader: TokenReader,
  placeholders: Placeholders,
  depth: number,
): UpdateValue {
  if (name === 'if_not_exists') {
    const path = readPath(reader, placeholders);
    reader.expectSymbol(',');
    return { kind: 'if_not_exists', path, otherwise: readValue(reader, placeholders, depth + 1) };
  }
  const first = readValue(reader, placeholders, depth + 1);
  reader.expectSymbol(',');
  return { kind: 'list_append', first, second: readValue(reader, placeholders, depth + 1) };
}
