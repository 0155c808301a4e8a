import { CONDITION_FUNCTIONS, type Comparator, type Condition } from '../expressions/condition.ts';
import { isConditionFunction } from '../expressions/condition-parser.ts';
import type { Operand } from '../expressions/operand.ts';
import { MAX_STATEMENT_DEPTH, readList, readStatementOperand } from './operands.ts';
import { malformed, type StatementReader } from './statement-reader.ts';

/** Reads what stands after WHERE. */
export function readWhere(reader: StatementReader, depth = 0): Condition {
  let left = readAnd(reader, depth);
  while (reader.takeKeyword('OR')) left = { kind: 'or', left, right: readAnd(reader, depth) };
  return left;
}

function readAnd(reader: StatementReader, depth: number): Condition {
  let left = readNot(reader, depth);
  while (reader.takeKeyword('AND')) left = { kind: 'and', left, right: readNot(reader, depth) };
  return left;
}

function readNot(reader: StatementReader, depth: number): Condition {
  if (depth > MAX_STATEMENT_DEPTH) throw malformed(`It is nested deeper than ${MAX_STATEMENT_DEPTH} levels`);
  if (reader.takeKeyword('NOT')) return { kind: 'not', condition: readNot(reader, depth + 1) };
  if (reader.takeSymbol('(') === undefined) return readSimple(reader);
  const condition = readWhere(reader, depth + 1);
  reader.expectSymbol(')');
  return condition;
}

function readSimple(reader: StatementReader): Condition {
  const name = reader.peek();
  const after = reader.peek(1);
  const isCall = name.kind === 'word' && after.kind === 'symbol' && after.text === '(';
  if (isCall && name.text.toLowerCase() !== 'size') return readCall(reader, name.text);
  const operand = readStatementOperand(reader);
  if (reader.takeKeyword('IS')) return readIs(reader, operand);
  if (reader.takeKeyword('BETWEEN')) {
    const low = readStatementOperand(reader);
    reader.expectKeyword('AND');
    return { kind: 'between', operand, low, high: readStatementOperand(reader) };
  }
  if (reader.takeKeyword('IN')) {
    const opened = reader.takeSymbol('[', '(');
    if (opened === undefined) throw reader.unexpected('a list after IN');
    return { kind: 'in', operand, list: readList(reader, opened === '[' ? ']' : ')', 0) };
  }
  const comparator = reader.takeSymbol('=', '<>', '!=', '<', '<=', '>', '>=');
  if (comparator === undefined) throw reader.unexpected('a comparison');
  return {
    kind: 'compare',
    comparator: comparator === '!=' ? '<>' : (comparator as Comparator),
    left: operand,
    right: readStatementOperand(reader),
  };
}

function readIs(reader: StatementReader, operand: Operand): Condition {
  const negated = reader.takeKeyword('NOT');
  if (reader.takeKeyword('MISSING'))
    return {
      kind: 'call',
      name: negated ? 'attribute_exists' : 'attribute_not_exists',
      arguments: [operand],
    };
  reader.expectKeyword('NULL');
  const type: Operand = { kind: 'value', value: { S: 'NULL' } };
  const condition: Condition = { kind: 'call', name: 'attribute_type', arguments: [operand, type] };
  return negated ? { kind: 'not', condition } : condition;
}

function readCall(reader: StatementReader, word: string): Condition {
  const name = word.toLowerCase();
  if (!isConditionFunction(name)) throw malformed(`Unknown function ${word}`);
  reader.next();
  reader.expectSymbol('(');
  const operands = readList(reader, ')', 0);
  if (operands.length !== CONDITION_FUNCTIONS[name])
    throw malformed(`${name} takes ${CONDITION_FUNCTIONS[name]} arguments, not ${operands.length}`);
  return { kind: 'call', name, arguments: operands };
}
