import { isJsonObject } from '../action-input.ts';
import type { Scalar } from './match-expression.ts';

/** PutEvents looks no deeper than this into nested JSON (API reference of PutEvents). */
const MAX_NESTING_LEVELS = 1_100;

/**
 * The array elements that a leaf lies in: for each array on its way, which one and at which index. Two leaves belong
 * together when no array is named in both with different indexes.
 */
export type ArrayMembership = readonly { readonly arrayId: number; readonly index: number }[];

/** One leaf of an event. */
export interface EventField {
  value: Scalar;
  membership: ArrayMembership;
}

/** The dotted names that patterns ask for, and every step on the way to them. */
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
 * The leaves of an event under the wanted names, as AWS's matcher flattens it: names are joined with dots, arrays
 * are transparent (each element is a leaf of the array's name), empty arrays and objects leave nothing behind.
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

/** Both memberships as one, the first itself where the second adds nothing; undefined where they contradict. */
export function joinMemberships(one: ArrayMembership, other: ArrayMembership): ArrayMembership | undefined {
  let joined = one;
  for (const place of other) {
    const known = one.find(({ arrayId }) => arrayId === place.arrayId);
    if (known === undefined) joined = [...joined, place];
    else if (known.index !== place.index) return undefined;
  }
  return joined;
}
