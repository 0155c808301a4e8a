import { type AttributeValue, setElements, typeOf } from '../values/attribute-value.ts';
import { compareValues, valuesEqual } from '../values/compare.ts';
import { type Operand, resolve, type Scope } from './operand.ts';

/** Comparison signs. */
export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

/** Functions that give true or false, with how many arguments they take. */
export const CONDITION_FUNCTIONS = {
  attribute_exists: 1,
  attribute_not_exists: 1,
  attribute_type: 2,
  begins_with: 2,
  contains: 2,
} as const;

export type ConditionFunction = keyof typeof CONDITION_FUNCTIONS;

/** A condition, filter or key condition, parsed. */
export type Condition =
  | {
      readonly kind: 'compare';
      readonly comparator: Comparator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | { readonly kind: 'between'; readonly operand: Operand; readonly low: Operand; readonly high: Operand }
  | { readonly kind: 'in'; readonly operand: Operand; readonly list: readonly Operand[] }
  | { readonly kind: 'call'; readonly name: ConditionFunction; readonly arguments: readonly Operand[] }
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly condition: Condition };

/** Tells whether a condition holds. A missing value makes any comparison false, except that it differs (`<>`). */
export function holds(condition: Condition, scope: Scope): boolean {
  switch (condition.kind) {
    case 'and':
      return holds(condition.left, scope) && holds(condition.right, scope);
    case 'or':
      return holds(condition.left, scope) || holds(condition.right, scope);
    case 'not':
      return !holds(condition.condition, scope);
    case 'compare':
      return compare(condition.comparator, resolve(condition.left, scope), resolve(condition.right, scope));
    case 'between': {
      const value = resolve(condition.operand, scope);
      return (
        compare('>=', value, resolve(condition.low, scope)) &&
        compare('<=', value, resolve(condition.high, scope))
      );
    }
    case 'in': {
      const value = resolve(condition.operand, scope);
      return condition.list.some((element) => compare('=', value, resolve(element, scope)));
    }
    case 'call':
      return call(condition.name, condition.arguments, scope);
  }
}

function compare(
  comparator: Comparator,
  left: AttributeValue | undefined,
  right: AttributeValue | undefined,
): boolean {
  if (left === undefined || right === undefined) return comparator === '<>';
  if (comparator === '=') return valuesEqual(left, right);
  if (comparator === '<>') return !valuesEqual(left, right);
  const order = compareValues(left, right);
  if (order === undefined) return false;
  switch (comparator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function call(name: ConditionFunction, operands: readonly Operand[], scope: Scope): boolean {
  const [first, second] = operands.map((operand) => resolve(operand, scope));
  switch (name) {
    case 'attribute_exists':
      return first !== undefined;
    case 'attribute_not_exists':
      return first === undefined;
    case 'attribute_type':
      return first !== undefined && second !== undefined && 'S' in second && typeOf(first) === second.S;
    case 'begins_with':
      return first !== undefined && second !== undefined && beginsWith(first, second);
    case 'contains':
      return first !== undefined && second !== undefined && contains(first, second);
  }
}

function beginsWith(value: AttributeValue, prefix: AttributeValue): boolean {
  if ('S' in value && 'S' in prefix) return value.S.startsWith(prefix.S);
  if (!('B' in value && 'B' in prefix)) return false;
  const bytes = Buffer.from(value.B, 'base64');
  const start = Buffer.from(prefix.B, 'base64');
  return bytes.subarray(0, start.length).equals(start);
}

function contains(value: AttributeValue, part: AttributeValue): boolean {
  if ('S' in value) return 'S' in part && value.S.includes(part.S);
  if ('B' in value)
    return 'B' in part && Buffer.from(value.B, 'base64').includes(Buffer.from(part.B, 'base64'));
  if ('L' in value) return value.L.some((element) => valuesEqual(element, part));
  // A set of strings is asked for a string, and so on: SS and S.
  const elements = setElements(value);
  if (elements === undefined || typeOf(value) !== `${typeOf(part)}S`) return false;
  return elements.includes('S' in part ? part.S : 'N' in part ? part.N : 'B' in part ? part.B : '');
}
