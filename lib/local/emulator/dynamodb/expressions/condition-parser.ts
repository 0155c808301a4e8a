import type { AwsError } from '../../emulated-service.ts';
import { NotEmulatedError } from '../../not-emulated.ts';
import { typeOf } from '../values/attribute-value.ts';
import { CONDITION_FUNCTIONS, type Comparator, type Condition, type ConditionFunction } from './condition.ts';
import { type Operand, readOperand, unknownFunction } from './operand.ts';
import type { Placeholders } from './placeholders.ts';
import { type ExpressionKind, TokenReader } from './token-reader.ts';

/** Maximum nesting of parentheses and NOT, so that no expression can exhaust the stack. */
const MAX_DEPTH = 300;
const OPERATORS = ['=', '<>', '<', '<=', '>', '>=', 'BETWEEN', 'AND', 'OR', 'NOT'];
const ORDERED_TYPES = new Set(['S', 'N', 'B']);

/**
 * Parses a condition or key condition.
 * @throws ValidationException with AWS's message.
 */
export function parseCondition(kind: ExpressionKind, text: string, placeholders: Placeholders): Condition {
  const parser = new ConditionParser(new TokenReader(kind, text), placeholders);
  return parser.parse();
}

class ConditionParser {
  private readonly reader: TokenReader;
  private readonly placeholders: Placeholders;
  private depth = 0;

  constructor(reader: TokenReader, placeholders: Placeholders) {
    this.reader = reader;
    this.placeholders = placeholders;
  }

  parse(): Condition {
    const condition = this.or();
    this.reader.expectEnd();
    return condition;
  }

  private or(): Condition {
    let left = this.and();
    while (this.reader.takeKeyword('OR')) left = { kind: 'or', left, right: this.and() };
    return left;
  }

  private and(): Condition {
    let left = this.not();
    while (this.reader.takeKeyword('AND')) left = { kind: 'and', left, right: this.not() };
    return left;
  }

  private not(): Condition {
    if (this.reader.takeKeyword('NOT')) return this.deeper(() => ({ kind: 'not', condition: this.not() }));
    if (this.reader.takeSymbol('(') === undefined) return this.simple();
    const condition = this.deeper(() => this.or());
    this.reader.expectSymbol(')');
    return condition;
  }

  private deeper(parse: () => Condition): Condition {
    this.depth += 1;
    if (this.depth > MAX_DEPTH)
      throw this.reader.invalid(`The expression is nested deeper than ${MAX_DEPTH} levels`);
    const condition = parse();
    this.depth -= 1;
    return condition;
  }

  private simple(): Condition {
    if (this.reader.isCall()) return this.call(this.reader.peek().text);
    const operand = readOperand(this.reader, this.placeholders);
    if (this.reader.takeKeyword('BETWEEN')) return this.between(operand);
    if (this.reader.takeKeyword('IN'))
      throw new NotEmulatedError({
        where: this.reader.kind,
        kind: 'operator',
        name: 'IN',
        supported: OPERATORS,
      });
    const comparator = this.reader.takeSymbol('=', '<>', '<', '<=', '>', '>=');
    if (comparator === undefined) throw this.reader.syntaxError();
    const right = readOperand(this.reader, this.placeholders);
    if (comparator !== '=' && comparator !== '<>')
      for (const side of [operand, right]) this.checkOrdered(comparator, side);
    return { kind: 'compare', comparator: comparator as Comparator, left: operand, right };
  }

  private between(operand: Operand): Condition {
    const low = readOperand(this.reader, this.placeholders);
    if (!this.reader.takeKeyword('AND')) throw this.reader.syntaxError();
    const high = readOperand(this.reader, this.placeholders);
    for (const bound of [operand, low, high]) this.checkOrdered('BETWEEN', bound);
    return { kind: 'between', operand, low, high };
  }

  private call(name: string): Condition {
    const reader = this.reader;
    if (!isConditionFunction(name)) throw unknownFunction(reader, name, Object.keys(CONDITION_FUNCTIONS));
    reader.next();
    reader.expectSymbol('(');
    const operands: Operand[] = [];
    do operands.push(readOperand(reader, this.placeholders));
    while (reader.takeSymbol(',') !== undefined);
    reader.expectSymbol(')');
    if (operands.length !== CONDITION_FUNCTIONS[name])
      throw reader.invalid(
        `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${operands.length}`,
      );
    this.checkArguments(name, operands);
    return { kind: 'call', name, arguments: operands };
  }

  private checkArguments(name: ConditionFunction, [first, second]: readonly Operand[]): void {
    if (first?.kind !== 'attribute' && name !== 'begins_with')
      throw this.reader.invalid(
        `Operator or function requires a document path; operator or function: ${name}`,
      );
    if (second?.kind !== 'value') return;
    const type = typeOf(second.value);
    if (name === 'begins_with' && type !== 'S' && type !== 'B') throw this.wrongType(name, type);
  }

  private checkOrdered(operator: string, operand: Operand): void {
    if (operand.kind !== 'value') return;
    const type = typeOf(operand.value);
    if (!ORDERED_TYPES.has(type)) throw this.wrongType(operator, type);
  }

  private wrongType(operator: string, type: string): AwsError {
    return this.reader.invalid(
      `Incorrect operand type for operator or function; operator or function: ${operator}, operand type: ${type}`,
    );
  }
}

function isConditionFunction(name: string): name is ConditionFunction {
  return Object.hasOwn(CONDITION_FUNCTIONS, name);
}
