import { optionalString } from '../../action-input.ts';
import type { JsonObject } from '../../emulated-service.ts';
import { validationError } from '../dynamodb-errors.ts';
import { type KeyAttribute, type KeySchema, keyOfItem, keyText } from '../tables/key-schema.ts';
import { type AttributeValue, typeOf } from '../values/attribute-value.ts';
import type { Condition } from './condition.ts';
import { parseCondition } from './condition-parser.ts';
import type { Operand } from './operand.ts';
import type { Placeholders } from './placeholders.ts';

/** What a query reads: one partition, or the items in it for which the range condition holds. */
export interface KeyCondition {
  /** Text of the hash attribute's value. */
  readonly partition: string;
  readonly range?: Condition;
}

/**
 * Reads `KeyConditionExpression`: equality on the hash attribute and at most one condition on the range attribute.
 * @throws ValidationException for any other expression.
 */
export function readKeyCondition(
  input: JsonObject,
  schema: KeySchema,
  placeholders: Placeholders,
): KeyCondition {
  const text = optionalString(input, 'KeyConditionExpression');
  if (text === undefined)
    throw validationError(
      'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
    );
  const parts = conjuncts(parseCondition('KeyConditionExpression', text, placeholders));
  if (parts.length > 2) throw validationError('Conditions can be of length 1 or 2 only');
  const hash = parts.find((part) => subject(part)?.name === schema.hash.name);
  if (hash === undefined)
    throw validationError(`Query condition missed key schema element: ${schema.hash.name}`);
  if (hash.kind !== 'compare' || hash.comparator !== '=')
    throw validationError('Query key condition not supported');
  const hashValue = operandValue(hash.right, schema.hash);
  // Checks that the value is neither empty nor too long for a key.
  keyOfItem({ hash: schema.hash }, { [schema.hash.name]: hashValue });
  const partition = keyText(hashValue);
  const range = parts.find((part) => part !== hash);
  if (range === undefined) return { partition };
  if (schema.range === undefined || subject(range)?.name !== schema.range.name)
    throw validationError(
      schema.range === undefined
        ? 'Query key condition not supported'
        : `Query condition missed key schema element: ${schema.range.name}`,
    );
  checkRange(range, schema.range);
  return { partition, range };
}

/** The parts that AND joins. */
function conjuncts(condition: Condition): Condition[] {
  return condition.kind === 'and'
    ? [...conjuncts(condition.left), ...conjuncts(condition.right)]
    : [condition];
}

/** The attribute that a simple condition tests. */
function subject(condition: Condition): Extract<Operand, { kind: 'attribute' }> | undefined {
  const operand =
    condition.kind === 'compare'
      ? condition.left
      : condition.kind === 'between'
        ? condition.operand
        : condition.kind === 'call'
          ? condition.arguments[0]
          : undefined;
  return operand?.kind === 'attribute' ? operand : undefined;
}

function checkRange(condition: Condition, attribute: KeyAttribute): void {
  if (condition.kind === 'between') {
    operandValue(condition.low, attribute);
    operandValue(condition.high, attribute);
  } else if (condition.kind === 'compare' && condition.comparator !== '<>') {
    operandValue(condition.right, attribute);
  } else if (condition.kind === 'call' && condition.name === 'begins_with') {
    const prefix = condition.arguments[1];
    if (prefix !== undefined) operandValue(prefix, attribute);
  } else throw validationError('Query key condition not supported');
}

function operandValue(operand: Operand, attribute: KeyAttribute): AttributeValue {
  if (operand.kind !== 'value') throw validationError('Query key condition not supported');
  if (typeOf(operand.value) !== attribute.type)
    throw validationError(
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    );
  return operand.value;
}
