import type { AwsError } from '../emulated-service.ts';
import { NotEmulatedError } from '../not-emulated.ts';
import { constraintError, validationError } from './dynamodb-errors.ts';
import { type AttributeValue, type Item, setAttribute } from './values/attribute-value.ts';
import { canonicalNumber } from './values/decimal.ts';

/** Longest statement in bytes (PartiQL for DynamoDB quota). */
const MAX_STATEMENT_BYTES = 8_192;
/** Number of parsed statements that are kept. Above this the oldest is forgotten. */
const MAX_CACHED_STATEMENTS = 500;
const OTHER_STATEMENTS = ['SELECT', 'UPDATE', 'DELETE', 'EXISTS'];
const WORD_LITERALS: Readonly<Record<string, AttributeValue>> = {
  TRUE: { BOOL: true },
  FALSE: { BOOL: false },
  NULL: { NULL: true },
};

const TOKEN =
  /\s*(?:(?<word>[A-Za-z_$][\w$]*)|"(?<name>(?:[^"]|"")*)"|'(?<string>(?:[^']|'')*)'|(?<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?<parameter>\?)|(?<symbol><<|[^\s]))/gy;
const KINDS = ['word', 'name', 'string', 'number', 'parameter', 'symbol'] as const;

/** A bare word, a quoted name, a string, a number, `?` or any other character. */
interface Token {
  readonly kind: (typeof KINDS)[number] | 'end';
  readonly text: string;
}

/** `INSERT INTO "table" VALUE {'name': value, …}`, parsed. */
export interface InsertStatement {
  readonly tableName: string;
  readonly parameterCount: number;
  /** Literal values, or the index of a parameter, counted from 0. */
  readonly attributes: readonly (readonly [name: string, AttributeValue | number])[];
}

/** Parses statements and keeps them by their text, because a batch repeats one text with other parameters. */
export class StatementParser {
  private readonly parsed = new Map<string, InsertStatement>();

  /** @throws ValidationException for a malformed statement, NotEmulatedError for any other than INSERT. */
  parse(text: string): InsertStatement {
    const known = this.parsed.get(text);
    if (known !== undefined) return known;
    const statement = parseInsert(text);
    const [oldest] = this.parsed.keys();
    if (this.parsed.size >= MAX_CACHED_STATEMENTS && oldest !== undefined) this.parsed.delete(oldest);
    this.parsed.set(text, statement);
    return statement;
  }
}

/** The item that a statement inserts. @param parameters at least as many as the statement has. */
export function insertedItem(statement: InsertStatement, parameters: readonly AttributeValue[]): Item {
  const item: Record<string, AttributeValue> = {};
  for (const [name, given] of statement.attributes) {
    const value = typeof given === 'number' ? parameters[given] : given;
    if (value !== undefined) setAttribute(item, name, value);
  }
  return item;
}

function parseInsert(text: string): InsertStatement {
  if (Buffer.byteLength(text) > MAX_STATEMENT_BYTES)
    throw constraintError('', 'statement', `have length less than or equal to ${MAX_STATEMENT_BYTES}`);
  const tokens = [...text.matchAll(TOKEN)].map(({ groups = {} }) => toToken(groups));
  const next = (): Token => tokens.shift() ?? { kind: 'end', text: 'end of statement' };
  const expect = (expected: string): void => {
    const token = next();
    if (!['word', 'symbol'].includes(token.kind) || token.text.toUpperCase() !== expected)
      throw malformed(`Expected ${expected} but found ${token.text}`);
  };
  const verb = tokens[0]?.text.toUpperCase() ?? '';
  if (OTHER_STATEMENTS.includes(verb))
    throw new NotEmulatedError({ where: 'PartiQL', kind: 'statement', name: verb, supported: ['INSERT'] });
  if (verb !== 'INSERT') throw malformed('Expected data manipulation');
  next();
  expect('INTO');
  const table = next();
  if (table.kind !== 'name' && table.kind !== 'word')
    throw malformed(`Expected a table name but found ${table.text}`);
  expect('VALUE');
  expect('{');
  const attributes: [string, AttributeValue | number][] = [];
  let parameterCount = 0;
  do {
    if (attributes.length > 0) expect(',');
    const name = next();
    if (name.kind !== 'string')
      throw malformed(`Expected an attribute name in quotes but found ${name.text}`);
    expect(':');
    const value = next();
    attributes.push([name.text, value.kind === 'parameter' ? parameterCount++ : literal(value)]);
  } while (tokens[0]?.text === ',');
  expect('}');
  if (tokens[0]?.text === ';') next();
  if (tokens.length > 0) throw malformed('Unexpected token after expression');
  return { tableName: table.text, parameterCount, attributes };
}

function toToken(groups: Record<string, string | undefined>): Token {
  const kind = KINDS.find((candidate) => groups[candidate] !== undefined) ?? 'symbol';
  const text = groups[kind] ?? '';
  if (kind === 'name') return { kind, text: text.replaceAll('""', '"') };
  return { kind, text: kind === 'string' ? text.replaceAll("''", "'") : text };
}

function literal({ kind, text }: Token): AttributeValue {
  if (kind === 'string') return { S: text };
  if (kind === 'number') return { N: canonicalNumber(text) };
  const value = kind === 'word' ? WORD_LITERALS[text.toUpperCase()] : undefined;
  if (value !== undefined) return value;
  if (kind !== 'symbol' || !['[', '{', '<<'].includes(text))
    throw malformed(`Expected a value but found ${text}`);
  const supported = ['parameters (?)', 'strings', 'numbers', 'TRUE', 'FALSE', 'NULL'];
  throw new NotEmulatedError({ where: 'PartiQL', kind: 'literal', name: `${text}…`, supported });
}

function malformed(reason: string): AwsError {
  return validationError(`Statement wasn't well formed, can't be processed: ${reason}`);
}
