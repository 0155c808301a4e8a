import type { AwsError } from '../../emulated-service.ts';
import { validationError } from '../dynamodb-errors.ts';

/** Maximum length of an expression in bytes (DynamoDB quota). */
const MAX_EXPRESSION_BYTES = 4_096;

/** The member of the request that contains an expression, which AWS's messages name. */
export type ExpressionKind =
  | 'ConditionExpression'
  | 'KeyConditionExpression'
  | 'ProjectionExpression'
  | 'UpdateExpression';

/** One token of an expression. `placeholder` is `#name`, `value` is `:name`. */
export interface Token {
  readonly kind: 'name' | 'placeholder' | 'value' | 'number' | 'symbol' | 'end';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const TOKEN =
  /\s*(?:(?<name>[A-Za-z_][\w]*)|(?<placeholder>#[\w]+)|(?<value>:[\w]+)|(?<number>\d+)|(?<symbol><>|<=|>=|[=<>()[\].,+-]))/y;

/** Reads an expression token by token, and creates AWS's error messages. */
export class TokenReader {
  readonly kind: ExpressionKind;
  private readonly text: string;
  private readonly tokens: Token[];
  private position = 0;

  /** @throws ValidationException for an expression that is empty, too long or has an invalid character. */
  constructor(kind: ExpressionKind, text: string) {
    this.kind = kind;
    this.text = text;
    if (text.trim() === '') throw this.invalid('The expression can not be empty;');
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_EXPRESSION_BYTES)
      throw this.invalid(`Expression size has exceeded the maximum allowed size; expression size: ${bytes}`);
    this.tokens = [];
    this.split(text);
  }

  private split(text: string): void {
    const end = text.trimEnd().length;
    TOKEN.lastIndex = 0;
    for (let position = 0; position < end; position = TOKEN.lastIndex) {
      TOKEN.lastIndex = position;
      const groups = TOKEN.exec(text)?.groups;
      if (groups === undefined) {
        const start = position + (text.slice(position).length - text.slice(position).trimStart().length);
        const invalid = text.slice(start, start + 1);
        this.tokens.push({ kind: 'symbol', text: invalid, start, end: start + 1 });
        this.position = this.tokens.length - 1;
        throw this.syntaxError();
      }
      const kind = KINDS.find((candidate) => groups[candidate] !== undefined) ?? 'symbol';
      const word = groups[kind] ?? '';
      this.tokens.push({ kind, text: word, start: TOKEN.lastIndex - word.length, end: TOKEN.lastIndex });
    }
    this.tokens.push({ kind: 'end', text: '<EOF>', start: end, end });
  }

  peek(ahead = 0): Token {
    return this.tokens[this.position + ahead] ?? { kind: 'end', text: '<EOF>', start: 0, end: 0 };
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.position += 1;
    return token;
  }

  /** Takes a symbol if it is next. */
  takeSymbol(...symbols: string[]): string | undefined {
    const token = this.peek();
    return token.kind === 'symbol' && symbols.includes(token.text) ? this.next().text : undefined;
  }

  expectSymbol(symbol: string): void {
    if (this.takeSymbol(symbol) === undefined) throw this.syntaxError();
  }

  /** Whether a keyword is next, in upper or lower case. */
  atKeyword(...words: string[]): boolean {
    const token = this.peek();
    return token.kind === 'name' && words.includes(token.text.toUpperCase());
  }

  /** Takes a keyword if it is next. */
  takeKeyword(word: string): boolean {
    const found = this.atKeyword(word);
    if (found) this.next();
    return found;
  }

  /** Whether the next token is the name of a function that is called. */
  isCall(): boolean {
    const after = this.peek(1);
    return this.peek().kind === 'name' && after.kind === 'symbol' && after.text === '(';
  }

  /** @throws ValidationException unless the expression ends here. */
  expectEnd(): void {
    if (this.peek().kind !== 'end') throw this.syntaxError();
  }

  /** The error for an unexpected token. */
  syntaxError(): AwsError {
    const token = this.peek();
    const from = this.tokens[this.position - 1] ?? token;
    const to = this.tokens[this.position + 1] ?? token;
    const near = this.text.slice(from.start, to.end).trim();
    return this.invalid(`Syntax error; token: "${token.text}", near: "${near}"`);
  }

  /** The error for an attribute that is named twice. */
  overlap(name: string): AwsError {
    return this.invalid(
      `Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [${name}], path two: [${name}]`,
    );
  }

  /** An error in this expression. */
  invalid(reason: string): AwsError {
    return validationError(`Invalid ${this.kind}: ${reason}`);
  }
}

const KINDS = ['name', 'placeholder', 'value', 'number', 'symbol'] as const;
