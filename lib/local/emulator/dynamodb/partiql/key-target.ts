import type { Condition } from '../expressions/condition.ts';
import { conjuncts } from '../expressions/key-condition.ts';
import { type Operand, resolve } from '../expressions/operand.ts';
import {
  type KeyAttribute,
  type KeySchema,
  keyOf,
  keyOfItem,
  type PrimaryKey,
} from '../tables/key-schema.ts';
import type { AttributeValue } from '../values/attribute-value.ts';

/** What a WHERE clause says about the key. */
export interface KeyTarget {
  /** The one item, where every key attribute has to equal something. */
  readonly key?: PrimaryKey;
  /** Text of the partition, where at least the hash attribute has to. */
  readonly partition?: string;
  /** What else has to hold; undefined for nothing. */
  readonly rest: Condition | undefined;
}

/**
 * Splits WHERE into the key and the rest.
 * @throws ValidationException where a key attribute is compared with what no key can be.
 */
export function keyTarget(
  schema: KeySchema,
  where: Condition | undefined,
  parameters: readonly AttributeValue[],
): KeyTarget {
  const parts = where === undefined ? [] : conjuncts(where);
  const equal = (attribute: KeyAttribute | undefined) => {
    const part = parts.find((candidate) => equalTo(candidate, attribute) !== undefined);
    const operand = part === undefined ? undefined : equalTo(part, attribute);
    const value = operand === undefined ? undefined : resolve(operand, { item: {}, parameters });
    return part === undefined || value === undefined ? undefined : { part, value };
  };
  const hash = equal(schema.hash);
  const range = equal(schema.range);
  const rest = (...taken: Condition[]) => joined(parts.filter((part) => !taken.includes(part)));
  if (hash === undefined) return { rest: where };
  if (schema.range === undefined) {
    const key = keyOf(schema, { [schema.hash.name]: hash.value });
    return { key, partition: key.partition, rest: rest(hash.part) };
  }
  if (range === undefined) {
    const { partition } = keyOfItem({ hash: schema.hash }, { [schema.hash.name]: hash.value });
    return { partition, rest: rest(hash.part) };
  }
  const key = keyOf(schema, { [schema.hash.name]: hash.value, [schema.range.name]: range.value });
  return { key, partition: key.partition, rest: rest(hash.part, range.part) };
}

/** The operand that a condition sets an attribute equal to. */
function equalTo(condition: Condition, attribute: KeyAttribute | undefined): Operand | undefined {
  if (condition.kind !== 'compare' || condition.comparator !== '=' || attribute === undefined)
    return undefined;
  const { left, right } = condition;
  if (isAttribute(left, attribute.name) && right.kind !== 'path' && right.kind !== 'size') return right;
  if (isAttribute(right, attribute.name) && left.kind !== 'path' && left.kind !== 'size') return left;
  return undefined;
}

function isAttribute(operand: Operand, name: string): boolean {
  return operand.kind === 'path' && operand.path.length === 1 && operand.path[0] === name;
}

function joined(parts: readonly Condition[]): Condition | undefined {
  const [first, ...others] = parts;
  return others.reduce<Condition | undefined>(
    (left, right) => (left === undefined ? right : { kind: 'and', left, right }),
    first,
  );
}
