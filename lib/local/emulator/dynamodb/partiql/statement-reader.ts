import type { AwsError } from '../../service.ts';
import { validationError } from '../errors.ts';

/** Longest statement in bytes (PartiQL for DynamoDB quota). */
const MAX_STATEMENT_BYTES = 8_192;

/** One word of a statement: a bare word, a quoted name, a string, a number, `?` or a symbol. */
export interface StatementToken {
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'parameter' | 'symbol' | 'end';
  readonly text: string;
}

const TOKEN =
  /\s*(?:(?<word>[A-Za-z_$][\w$]*)|"(?<name>(?:[^"]|"")*)"|'(?<string>(?:[^']|'')*)'|(?<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?<parameter>\?)|(?<symbol><<|>>|<>|!=|<=|>=|[=<>()[\]{},.:;*+-]))/y;
const KINDS = ['word', 'name', 'string', 'number', 'parameter', 'symbol'] as const;
const END: StatementToken = { kind: 'end', text: 'end of statement' };

/** Reads a PartiQL statement word by word. */
export class StatementReader {
  readonly #tokens: StatementToken[] = [];
  #position = 0;
  /** How many `?` were read so far. */
  parameterCount = 0;

  /** @throws ValidationException where the statement is empty, too long or has a character no word has. */
  constructor(text: string) {
    if (text.trim() === '') throw malformed('The statement is empty');
    if (Buffer.byteLength(text) > MAX_STATEMENT_BYTES)
      throw validationError(
        `1 validation error detected: Value at 'statement' failed to satisfy constraint: Member must have length less than or equal to ${MAX_STATEMENT_BYTES}`,
      );
    const end = text.trimEnd().length;
    for (let position = 0; position < end; position = TOKEN.lastIndex) {
      TOKEN.lastIndex = position;
      const groups = TOKEN.exec(text)?.groups;
      const kind = KINDS.find((candidate) => groups?.[candidate] !== undefined);
      if (groups === undefined || kind === undefined)
        throw malformed(`Unexpected character at ${text.slice(position).trimStart().slice(0, 10)}`);
      const raw = groups[kind] ?? '';
      const unquoted = kind === 'name' ? raw.replaceAll('""', '"') : raw;
      this.#tokens.push({ kind, text: kind === 'string' ? raw.replaceAll("''", "'") : unquoted });
    }
  }

  peek(ahead = 0): StatementToken {
    return this.#tokens[this.#position + ahead] ?? END;
  }

  next(): StatementToken {
    const token = this.peek();
    this.#position += 1;
    if (token.kind === 'parameter') this.parameterCount += 1;
    return token;
  }

  /** Takes a symbol if it is next. */
  takeSymbol(...symbols: string[]): string | undefined {
    const token = this.peek();
    return token.kind === 'symbol' && symbols.includes(token.text) ? this.next().text : undefined;
  }

  expectSymbol(symbol: string): void {
    if (this.takeSymbol(symbol) === undefined) throw this.unexpected(symbol);
  }

  /** Tells whether a keyword is next, in any case of letters. */
  atKeyword(...words: string[]): boolean {
    const token = this.peek();
    return token.kind === 'word' && words.includes(token.text.toUpperCase());
  }

  takeKeyword(word: string): boolean {
    const found = this.atKeyword(word);
    if (found) this.next();
    return found;
  }

  expectKeyword(word: string): void {
    if (!this.takeKeyword(word)) throw this.unexpected(word);
  }

  /** Takes a closing semicolon and refuses anything else. */
  expectEnd(): void {
    this.takeSymbol(';');
    if (this.peek().kind !== 'end') throw malformed('Unexpected token after expression');
  }

  /** The next word should not stand here. */
  unexpected(expected: string): AwsError {
    return malformed(`Expected ${expected} but found ${this.peek().text}`);
  }
}

/** A statement that cannot be read. */
export function malformed(reason: string): AwsError {
  return validationError(`Statement wasn't well formed, can't be processed: ${reason}`);
}
