import { isJsonObject } from '../action-input.ts';
import type { Scalar } from './match-expression.ts';

/** Maximum nesting of JSON that PutEvents looks into (API reference of PutEvents). */
const MAX_NESTING_LEVELS = 1_100;

/**
 * The array elements that contain a leaf: for each array on its path, the array and the index. Two leaves can match
 * together unless they are in different elements of the same array.
 */
export type ArrayMembership = readonly { readonly arrayId: number; readonly index: number }[];

/** One leaf of an event. */
export interface EventField {
  value: Scalar;
  membership: ArrayMembership;
}

/** The dotted names in a pattern, and all their prefixes. */
export interface FieldNames {
  leaves: ReadonlySet<string>;
  steps: ReadonlySet<string>;
}

/** Collects names for {@link eventFields}. */
export function fieldNames(names: Iterable<string>): FieldNames {
  const leaves = new Set(names);
  const steps = new Set<string>();
  for (const name of leaves) {
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1))
      steps.add(name.slice(0, dot));
  }
  return { leaves, steps };
}

/**
 * The leaves of an event with the given names, flattened as by AWS's matcher: names are joined with dots, each element
 * of an array is a leaf with the array's name, and empty arrays and objects have no leaves.
 */
export function eventFields(event: object, names: FieldNames): Map<string, EventField[]> {
  const fields = new Map<string, EventField[]>();
  let arrays = 0;

  function visit(value: unknown, name: string, membership: ArrayMembership): void {
    if (Array.isArray(value)) {
      if (membership.length >= MAX_NESTING_LEVELS) return;
      const arrayId = arrays++;
      value.forEach((element: unknown, index) => {
        const nested = typeof element === 'object' && element !== null;
        visit(element, name, nested ? [...membership, { arrayId, index }] : membership);
      });
    } else if (isJsonObject(value)) {
      if (names.steps.has(name)) visitMembers(value, `${name}.`, membership);
    } else if (names.leaves.has(name)) {
      const found = fields.get(name);
      const field = { value: value as Scalar, membership };
      if (found === undefined) fields.set(name, [field]);
      else found.push(field);
    }
  }

  function visitMembers(object: object, prefix: string, membership: ArrayMembership): void {
    for (const [key, value] of Object.entries(object)) {
      const name = prefix + key;
      if (names.leaves.has(name) || names.steps.has(name)) visit(value, name, membership);
    }
  }

  visitMembers(event, '', []);
  return fields;
}

/** Both memberships combined: the first one if the second adds nothing, undefined if they contradict each other. */
export function joinMemberships(one: ArrayMembership, other: ArrayMembership): ArrayMembership | undefined {
  let joined = one;
  for (const place of other) {
    const known = one.find(({ arrayId }) => arrayId === place.arrayId);
    if (known === undefined) joined = [...joined, place];
    else if (known.index !== place.index) return undefined;
  }
  return joined;
}
