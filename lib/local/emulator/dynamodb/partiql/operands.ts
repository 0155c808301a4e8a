import type { DocumentPath } from '../expressions/document-path.ts';
import type { Operand } from '../expressions/operand.ts';
import type { AttributeValue } from '../values/attribute-value.ts';
import { canonicalNumber } from '../values/decimal.ts';
import { parseValue } from '../values/parse-value.ts';
import { malformed, type StatementReader } from './statement-reader.ts';

/** Deepest nesting of lists, maps and parentheses, so that no statement can exhaust the stack. */
export const MAX_STATEMENT_DEPTH = 100;

/** Words that stand for themselves, never for an attribute. */
const KEYWORDS = new Set(
  'AND BETWEEN DELETE FROM IN INSERT INTO IS MISSING NOT NULL OR ORDER REMOVE RETURNING SELECT SET UPDATE VALUE WHERE'.split(
    ' ',
  ),
);

/** Reads a path such as `a.b[0]` or `"a"."b"`. */
export function readStatementPath(reader: StatementReader): DocumentPath {
  const path: [string, ...(string | number)[]] = [readAttributeName(reader)];
  for (;;) {
    if (reader.takeSymbol('.') !== undefined) path.push(readAttributeName(reader));
    else if (reader.takeSymbol('[') !== undefined) {
      const token = reader.next();
      if (token.kind === 'string') path.push(token.text);
      else if (token.kind === 'number' && /^\d+$/.test(token.text)) path.push(Number(token.text));
      else throw malformed(`Expected a list index but found ${token.text}`);
      reader.expectSymbol(']');
    } else return path;
  }
}

function readAttributeName(reader: StatementReader): string {
  const token = reader.peek();
  if (token.kind !== 'name' && (token.kind !== 'word' || KEYWORDS.has(token.text.toUpperCase())))
    throw reader.unexpected('an attribute name');
  return reader.next().text;
}

/** Reads a parameter, a literal, a list, a map, a set, `size(path)` or a path. */
export function readStatementOperand(reader: StatementReader, depth = 0): Operand {
  if (depth > MAX_STATEMENT_DEPTH) throw malformed(`It is nested deeper than ${MAX_STATEMENT_DEPTH} levels`);
  const token = reader.peek();
  switch (token.kind) {
    case 'parameter': {
      const index = reader.parameterCount;
      reader.next();
      return { kind: 'parameter', index };
    }
    case 'string':
      return literal({ S: reader.next().text });
    case 'number':
      return literal({ N: canonicalNumber(reader.next().text) });
    case 'symbol':
      return readStructure(reader, depth);
    case 'word':
      return readWord(reader);
    default:
      return { kind: 'path', path: readStatementPath(reader) };
  }
}

function literal(value: AttributeValue): Operand {
  return { kind: 'value', value };
}

function readWord(reader: StatementReader): Operand {
  if (reader.takeKeyword('TRUE')) return literal({ BOOL: true });
  if (reader.takeKeyword('FALSE')) return literal({ BOOL: false });
  if (reader.takeKeyword('NULL')) return literal({ NULL: true });
  const after = reader.peek(1);
  if (!(reader.atKeyword('SIZE') && after.kind === 'symbol' && after.text === '('))
    return { kind: 'path', path: readStatementPath(reader) };
  reader.next();
  reader.next();
  const path = readStatementPath(reader);
  reader.expectSymbol(')');
  return { kind: 'size', path };
}

function readStructure(reader: StatementReader, depth: number): Operand {
  const opened = reader.takeSymbol('-', '[', '{', '<<');
  switch (opened) {
    case '-': {
      const token = reader.next();
      if (token.kind !== 'number') throw malformed(`Expected a number but found ${token.text}`);
      return literal({ N: canonicalNumber(`-${token.text}`) });
    }
    case '[':
      return { kind: 'list', elements: readList(reader, ']', depth) };
    case '{':
      return readMap(reader, depth);
    case '<<':
      return literal(setLiteral(readList(reader, '>>', depth)));
    default:
      throw reader.unexpected('a value');
  }
}

/** Reads operands up to a closing symbol. */
export function readList(reader: StatementReader, closing: string, depth: number): Operand[] {
  const elements: Operand[] = [];
  if (reader.takeSymbol(closing) !== undefined) return elements;
  do elements.push(readStatementOperand(reader, depth + 1));
  while (reader.takeSymbol(',') !== undefined);
  reader.expectSymbol(closing);
  return elements;
}

/** Reads the rest of `{'name': value, …}`, of which the brace is taken already. */
export function readMap(reader: StatementReader, depth: number): Extract<Operand, { kind: 'map' }> {
  const entries: [string, Operand][] = [];
  if (reader.takeSymbol('}') !== undefined) return { kind: 'map', entries };
  do {
    const name = reader.next();
    if (name.kind !== 'string')
      throw malformed(`Expected an attribute name in quotes but found ${name.text}`);
    reader.expectSymbol(':');
    entries.push([name.text, readStatementOperand(reader, depth + 1)]);
  } while (reader.takeSymbol(',') !== undefined);
  reader.expectSymbol('}');
  return { kind: 'map', entries };
}

/** A set of literal strings or numbers; parameters carry whole sets, never elements. */
function setLiteral(elements: readonly Operand[]): AttributeValue {
  const values = elements.map((element) => {
    if (element.kind !== 'value') throw malformed('A set literal takes strings and numbers only');
    return element.value;
  });
  const texts = values.map((value) => ('S' in value ? value.S : 'N' in value ? value.N : undefined));
  const type = values.every((value) => 'S' in value)
    ? 'SS'
    : values.every((value) => 'N' in value)
      ? 'NS'
      : undefined;
  if (type === undefined) throw malformed('A set literal takes strings or numbers, not both');
  return parseValue({ [type]: texts });
}
