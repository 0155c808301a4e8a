import { validationError } from '../errors.ts';
import { type DocumentPath, pathsOverlap } from '../expressions/document-path.ts';
import type { UpdateAction, UpdateValue } from '../expressions/update.ts';
import type { UpdateReturn } from '../update-return.ts';
import { readMap, readStatementOperand, readStatementPath } from './operands.ts';
import type { Statement, StatementOf } from './statement.ts';
import { malformed, StatementReader } from './statement-reader.ts';
import { readWhere } from './where-parser.ts';

/** Most parsed statements kept; above this the oldest is forgotten. */
const MAX_CACHED_STATEMENTS = 500;

const RETURNING: Readonly<Record<string, UpdateReturn>> = {
  'ALL OLD *': 'ALL_OLD',
  'ALL NEW *': 'ALL_NEW',
  'MODIFIED OLD *': 'UPDATED_OLD',
  'MODIFIED NEW *': 'UPDATED_NEW',
};

/** Parses statements, and remembers them by their text: a batch repeats one text with other parameters. */
export class StatementParser {
  readonly #parsed = new Map<string, Statement>();

  /** @throws ValidationException where the statement cannot be read or uses what the emulator has not. */
  parse(text: string): Statement {
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    const statement = parseStatement(text);
    const [oldest] = this.#parsed.keys();
    if (this.#parsed.size >= MAX_CACHED_STATEMENTS && oldest !== undefined) this.#parsed.delete(oldest);
    this.#parsed.set(text, statement);
    return statement;
  }
}

function parseStatement(text: string): Statement {
  const reader = new StatementReader(text);
  const statement = readStatement(reader);
  reader.expectEnd();
  return { ...statement, parameterCount: reader.parameterCount };
}

function readStatement(reader: StatementReader): Statement {
  if (reader.takeKeyword('INSERT')) return readInsert(reader);
  if (reader.takeKeyword('SELECT')) return readSelect(reader);
  if (reader.takeKeyword('UPDATE')) return readUpdate(reader);
  if (reader.takeKeyword('DELETE')) return readDelete(reader);
  throw malformed('Expected data manipulation');
}

function readTableName(reader: StatementReader): string {
  const token = reader.next();
  if (token.kind !== 'name' && token.kind !== 'word')
    throw malformed(`Expected a table name but found ${token.text}`);
  if (reader.takeSymbol('.') !== undefined)
    throw validationError('The emulator has no indexes: name the table alone.');
  const after = reader.peek();
  const isAlias = after.kind === 'name' || (after.kind === 'word' && !reader.atKeyword(...AFTER_TABLE));
  if (isAlias) throw validationError('Aliasing is not supported');
  return token.text;
}

const AFTER_TABLE = ['VALUE', 'WHERE', 'SET', 'REMOVE', 'RETURNING', 'ORDER'];

function readInsert(reader: StatementReader): StatementOf<'insert'> {
  reader.expectKeyword('INTO');
  const tableName = readTableName(reader);
  reader.expectKeyword('VALUE');
  reader.expectSymbol('{');
  return { kind: 'insert', tableName, parameterCount: 0, item: readMap(reader, 0) };
}

function readSelect(reader: StatementReader): StatementOf<'select'> {
  let paths: DocumentPath[] | undefined;
  if (reader.takeSymbol('*') === undefined) {
    paths = [];
    do paths.push(readStatementPath(reader));
    while (reader.takeSymbol(',') !== undefined);
  }
  reader.expectKeyword('FROM');
  const tableName = readTableName(reader);
  const where = reader.takeKeyword('WHERE') ? readWhere(reader) : undefined;
  if (reader.atKeyword('ORDER')) throw validationError('The emulator does not know ORDER BY; use Query.');
  return { kind: 'select', tableName, parameterCount: 0, paths, where };
}

function readUpdate(reader: StatementReader): StatementOf<'update'> {
  const tableName = readTableName(reader);
  const actions: UpdateAction[] = [];
  for (;;) {
    const section = reader.takeKeyword('SET') ? 'set' : reader.takeKeyword('REMOVE') ? 'remove' : undefined;
    if (section === undefined) break;
    do {
      const path = readStatementPath(reader);
      if (actions.some((action) => pathsOverlap(action.path, path)))
        throw validationError(
          'Two document paths overlap with each other; must remove or rewrite one of these paths',
        );
      actions.push(section === 'remove' ? { kind: 'remove', path } : readAssignment(reader, path));
    } while (reader.takeSymbol(',') !== undefined);
  }
  if (actions.length === 0) throw reader.unexpected('SET or REMOVE');
  reader.expectKeyword('WHERE');
  const where = readWhere(reader);
  return { kind: 'update', tableName, parameterCount: 0, actions, where, returning: readReturning(reader) };
}

function readAssignment(reader: StatementReader, path: DocumentPath): UpdateAction {
  reader.expectSymbol('=');
  const left = readUpdateValue(reader);
  const sign = reader.takeSymbol('+', '-');
  if (sign === undefined) return { kind: 'set', path, value: left };
  const right = readUpdateValue(reader);
  return { kind: 'set', path, value: { kind: 'sum', sign: sign === '+' ? 1 : -1, left, right } };
}

function readUpdateValue(reader: StatementReader): UpdateValue {
  const after = reader.peek(1);
  if (!(reader.atKeyword('LIST_APPEND') && after.kind === 'symbol' && after.text === '('))
    return { kind: 'operand', operand: readStatementOperand(reader) };
  reader.next();
  reader.next();
  const first = readUpdateValue(reader);
  reader.expectSymbol(',');
  const second = readUpdateValue(reader);
  reader.expectSymbol(')');
  return { kind: 'list_append', first, second };
}

function readDelete(reader: StatementReader): StatementOf<'delete'> {
  reader.expectKeyword('FROM');
  const tableName = readTableName(reader);
  reader.expectKeyword('WHERE');
  const where = readWhere(reader);
  const returning = readReturning(reader);
  if (returning !== 'NONE' && returning !== 'ALL_OLD')
    throw validationError(
      `Invalid returning clause: RETURNING ${returning.replace('UPDATED', 'MODIFIED').replace('_', ' ')} *. Only RETURNING ALL OLD * is allowed in DELETE statements.`,
    );
  return { kind: 'delete', tableName, parameterCount: 0, where, returning };
}

function readReturning(reader: StatementReader): UpdateReturn {
  if (!reader.takeKeyword('RETURNING')) return 'NONE';
  const words = [reader.next(), reader.next(), reader.next()].map(({ text }) => text.toUpperCase()).join(' ');
  const returning = RETURNING[words];
  if (returning === undefined) throw malformed(`Unknown RETURNING clause: ${words}`);
  return returning;
}
