import { conditionalCheckFailed, validationError } from './errors.ts';
import { type Condition, holds } from './expressions/condition.ts';
import { applyUpdate, type UpdateAction } from './expressions/update.ts';
import { isKeyAttribute, type KeySchema } from './tables/key-schema.ts';
import type { AttributeValue, Item } from './values/attribute-value.ts';
import type { Write } from './write.ts';

/** The item after an update; a new item starts as its key. */
export function updated(
  before: Item | undefined,
  keyAttributes: Item,
  actions: readonly UpdateAction[],
  parameters: readonly AttributeValue[],
): Item {
  return applyUpdate(before ?? keyAttributes, actions, { item: before ?? {}, parameters });
}

/** @throws ValidationException where an update would change the key. */
export function refuseKeyChange(schema: KeySchema, actions: readonly UpdateAction[]): void {
  for (const { path } of actions)
    if (isKeyAttribute(schema, path[0]))
      throw validationError(
        `One or more parameter values were invalid: Cannot update attribute ${path[0]}. This attribute is part of the key`,
      );
}

/** Refuses a write unless a condition holds for what stands there. */
export function unless(
  condition: Condition,
  withItem: boolean,
  parameters: readonly AttributeValue[],
): NonNullable<Write['refusal']> {
  return (before) =>
    holds(condition, { item: before ?? {}, parameters })
      ? undefined
      : conditionalCheckFailed(withItem ? before : undefined);
}
