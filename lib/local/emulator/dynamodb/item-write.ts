import type { AwsError } from '../emulated-service.ts';
import { type RequestCapacity, writeUnits } from './capacity.ts';
import { validationError } from './dynamodb-errors.ts';
import type { StoredItem } from './tables/item-history.ts';
import type { PrimaryKey } from './tables/key-schema.ts';
import type { Table } from './tables/table.ts';
import type { Item } from './values/attribute-value.ts';
import { itemBytes } from './values/value-size.ts';

/** Largest item, names and values together (DynamoDB quota). */
export const MAX_ITEM_BYTES = 409_600;

/** One write to one item. */
export interface Write {
  readonly table: Table;
  readonly key: PrimaryKey;
  /** Why the write is refused, given the current item; undefined if it is allowed. */
  readonly refusal?: (before: Item | undefined) => AwsError | undefined;
  /** The item after the write; undefined if it is deleted. */
  readonly next: (before: Item | undefined) => Item | undefined;
}

/** The item before and after a write. */
export interface WriteOutcome {
  readonly before: StoredItem | undefined;
  readonly after: StoredItem | undefined;
}

/**
 * Executes a write. It costs the write units of the old or new item, whichever is larger. A refused write costs as much
 * as the current item; an invalid new item costs nothing.
 * @throws the write's refusal, or ValidationException for an invalid new item.
 */
export function performWrite({ table, key, refusal, next }: Write, capacity: RequestCapacity): WriteOutcome {
  const before = table.get(key);
  const refused = refusal?.(before?.item);
  if (refused !== undefined) {
    capacity.write(table.name, writeUnits(before?.bytes ?? 0));
    throw refused;
  }
  const item = next(before?.item);
  const after = item && { key, item, bytes: checkedBytes(item, before) };
  capacity.write(table.name, writeUnits(Math.max(before?.bytes ?? 0, after?.bytes ?? 0)));
  if (after === undefined) table.delete(key);
  else table.put(after);
  return { before, after };
}

function checkedBytes(item: Item, before: StoredItem | undefined): number {
  const bytes = itemBytes(item);
  if (bytes > MAX_ITEM_BYTES)
    throw validationError(
      before === undefined
        ? 'Item size has exceeded the maximum allowed size'
        : 'Item size to update has exceeded the maximum allowed size',
    );
  return bytes;
}
