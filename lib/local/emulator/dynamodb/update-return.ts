import { optionalString } from '../input.ts';
import type { JsonObject } from '../service.ts';
import { validationError } from './errors.ts';
import { project } from './expressions/projection.ts';
import type { UpdateAction } from './expressions/update.ts';
import type { Item } from './values/attribute-value.ts';
import type { WriteOutcome } from './write.ts';

const UPDATE_RETURN_VALUES = ['NONE', 'ALL_OLD', 'UPDATED_OLD', 'ALL_NEW', 'UPDATED_NEW'] as const;

/** Which attributes an update gives back. */
export type UpdateReturn = (typeof UPDATE_RETURN_VALUES)[number];

/** Reads `ReturnValues` of UpdateItem. */
export function readUpdateReturn(input: JsonObject): UpdateReturn {
  const text = optionalString(input, 'ReturnValues') ?? 'NONE';
  const found = UPDATE_RETURN_VALUES.find((value) => value === text);
  if (found === undefined)
    throw validationError(
      `1 validation error detected: Value '${text}' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [${UPDATE_RETURN_VALUES.join(', ')}]`,
    );
  return found;
}

/** The attributes that an update gives back: the item, or the parts that it names, before or after. */
export function returnedByUpdate(
  returned: UpdateReturn,
  actions: readonly UpdateAction[],
  { before, after }: WriteOutcome,
): Item | undefined {
  if (returned === 'NONE') return undefined;
  const item = returned.endsWith('_OLD') ? before?.item : after?.item;
  if (item === undefined || returned.startsWith('ALL')) return item;
  return actions.length === 0
    ? undefined
    : project(
        item,
        actions.map(({ path }) => path),
      );
}
