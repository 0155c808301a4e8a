import type { AwsError } from '../../service.ts';
import { isAttributeType, TYPE_WORDS, typeOf } from '../values/attribute-value.ts';
import { CONDITION_FUNCTIONS, type Comparator, type Condition, type ConditionFunction } from './condition.ts';
import { type Operand, readOperand } from './operand.ts';
import type { Placeholders } from './placeholders.ts';
import { type ExpressionKind, TokenReader } from './token-reader.ts';

/** Deepest nesting of parentheses and NOT, so that no expression can exhaust the stack. */
const MAX_DEPTH = 300;
/** Most operands of IN (DynamoDB quota). */
const MAX_IN_OPERANDS = 100;
const ORDERED_TYPES = new Set(['S', 'N', 'B']);

/**
 * Parses a condition, filter or key condition.
 * @throws ValidationException with AWS's message for it.
 */
export function parseCondition(kind: ExpressionKind, text: string, placeholders: Placeholders): Condition {
  const parser = new ConditionParser(new TokenReader(kind, text), placeholders);
  return parser.parse();
}

class ConditionParser {
  readonly #reader: TokenReader;
  readonly #placeholders: Placeholders;
  #depth = 0;

  constructor(reader: TokenReader, placeholders: Placeholders) {
    this.#reader = reader;
    this.#placeholders = placeholders;
  }

  parse(): Condition {
    const condition = this.#or();
    this.#reader.expectEnd();
    return condition;
  }

  #or(): Condition {
    let left = this.#and();
    while (this.#reader.takeKeyword('OR')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Condition {
    let left = this.#not();
    while (this.#reader.takeKeyword('AND')) left = { kind: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Condition {
    if (this.#reader.takeKeyword('NOT')) return this.#deeper(() => ({ kind: 'not', condition: this.#not() }));
    if (this.#reader.takeSymbol('(') === undefined) return this.#simple();
    const condition = this.#deeper(() => this.#or());
    this.#reader.expectSymbol(')');
    return condition;
  }

  #deeper(parse: () => Condition): Condition {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH)
      throw this.#reader.invalid(`The expression is nested deeper than ${MAX_DEPTH} levels`);
    const condition = parse();
    this.#depth -= 1;
    return condition;
  }

  #simple(): Condition {
    const token = this.#reader.peek();
    const after = this.#reader.peek(1);
    if (token.kind === 'name' && after.kind === 'symbol' && after.text === '(' && token.text !== 'size')
      return this.#call(token.text);
    const operand = readOperand(this.#reader, this.#placeholders);
    if (this.#reader.takeKeyword('BETWEEN')) return this.#between(operand);
    if (this.#reader.takeKeyword('IN')) return this.#in(operand);
    const comparator = this.#reader.takeSymbol('=', '<>', '<', '<=', '>', '>=');
    if (comparator === undefined) throw this.#reader.syntaxError();
    const right = readOperand(this.#reader, this.#placeholders);
    if (comparator !== '=' && comparator !== '<>')
      for (const side of [operand, right]) this.#checkOrdered(comparator, side);
    return { kind: 'compare', comparator: comparator as Comparator, left: operand, right };
  }

  #between(operand: Operand): Condition {
    const low = readOperand(this.#reader, this.#placeholders);
    if (!this.#reader.takeKeyword('AND')) throw this.#reader.syntaxError();
    const high = readOperand(this.#reader, this.#placeholders);
    for (const bound of [operand, low, high]) this.#checkOrdered('BETWEEN', bound);
    return { kind: 'between', operand, low, high };
  }

  #in(operand: Operand): Condition {
    const list: Operand[] = [];
    this.#reader.expectSymbol('(');
    do list.push(readOperand(this.#reader, this.#placeholders));
    while (this.#reader.takeSymbol(',') !== undefined);
    this.#reader.expectSymbol(')');
    if (list.length > MAX_IN_OPERANDS)
      throw this.#reader.invalid(
        `Invalid number of operands for operator or function; operator or function: IN, number of operands: ${list.length}`,
      );
    return { kind: 'in', operand, list };
  }

  #call(name: string): Condition {
    const reader = this.#reader;
    if (!isConditionFunction(name)) throw reader.invalid(`Invalid function name; function: ${name}`);
    reader.next();
    reader.expectSymbol('(');
    const operands: Operand[] = [];
    do operands.push(readOperand(reader, this.#placeholders));
    while (reader.takeSymbol(',') !== undefined);
    reader.expectSymbol(')');
    if (operands.length !== CONDITION_FUNCTIONS[name])
      throw reader.invalid(
        `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${operands.length}`,
      );
    this.#checkArguments(name, operands);
    return { kind: 'call', name, arguments: operands };
  }

  #checkArguments(name: ConditionFunction, [first, second]: readonly Operand[]): void {
    const reader = this.#reader;
    if (first?.kind !== 'path' && name !== 'begins_with' && name !== 'contains')
      throw reader.invalid(`Operator or function requires a document path; operator or function: ${name}`);
    if (second?.kind !== 'value') return;
    const type = typeOf(second.value);
    if (name === 'begins_with' && type !== 'S' && type !== 'B') throw this.#wrongType(name, type);
    if (name !== 'attribute_type') return;
    if (!('S' in second.value)) throw this.#wrongType(name, type);
    if (!isAttributeType(second.value.S))
      throw reader.invalid(
        `Invalid attribute type name found; type: ${second.value.S}, valid types: {${Object.keys(TYPE_WORDS).join(',')}}`,
      );
  }

  #checkOrdered(operator: string, operand: Operand): void {
    if (operand.kind !== 'value') return;
    const type = typeOf(operand.value);
    if (!ORDERED_TYPES.has(type)) throw this.#wrongType(operator, type);
  }

  #wrongType(operator: string, type: string): AwsError {
    return this.#reader.invalid(
      `Incorrect operand type for operator or function; operator or function: ${operator}, operand type: ${type}`,
    );
  }
}

/** Tells a function of conditions from any other name. */
export function isConditionFunction(name: string): name is ConditionFunction {
  return Object.hasOwn(CONDITION_FUNCTIONS, name);
}
