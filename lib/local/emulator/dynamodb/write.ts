import type { AwsError } from '../service.ts';
import { type RequestCapacity, writeUnits } from './capacity.ts';
import { validationError } from './errors.ts';
import type { PrimaryKey } from './tables/key-schema.ts';
import type { StoredItem, Table } from './tables/table.ts';
import type { Item } from './values/attribute-value.ts';
import { itemBytes } from './values/value-size.ts';

/** Largest item, names and values together (DynamoDB quota). */
export const MAX_ITEM_BYTES = 409_600;

/** One write to one item, ready to be carried out. */
export interface Write {
  readonly table: Table;
  readonly key: PrimaryKey;
  /** Why the write is refused, given what stands there; undefined where it may go on. */
  readonly refusal?: (before: Item | undefined) => AwsError | undefined;
  /** What stands there afterwards; undefined for nothing. */
  readonly next: (before: Item | undefined) => Item | undefined;
}

/** What a write found and what it leaves. */
export interface WriteOutcome {
  readonly before: StoredItem | undefined;
  readonly after: StoredItem | undefined;
}

/**
 * Works out a write without carrying it out.
 * @param pay takes the write units: those of the larger of the item before and after. What is refused costs as much
 * as the item that stood there; a new item that is impossible costs nothing.
 * @throws the write's refusal, or ValidationException where the new item is impossible.
 */
export function planWrite(write: Write, pay: (units: number) => void): WriteOutcome {
  const { table, key } = write;
  const before = table.get(key);
  const refusal = write.refusal?.(before?.item);
  if (refusal !== undefined) {
    pay(writeUnits(before?.bytes ?? 0));
    throw refusal;
  }
  const after = stored(key, before, write.next(before?.item));
  pay(writeUnits(Math.max(before?.bytes ?? 0, after?.bytes ?? 0)));
  return { before, after };
}

function stored(
  key: PrimaryKey,
  before: StoredItem | undefined,
  item: Item | undefined,
): StoredItem | undefined {
  if (item === undefined || item === before?.item) return item && before;
  const bytes = itemBytes(item);
  if (bytes > MAX_ITEM_BYTES)
    throw validationError(
      before === undefined
        ? 'Item size has exceeded the maximum allowed size'
        : 'Item size to update has exceeded the maximum allowed size',
    );
  return { key, item, bytes };
}

/** Makes a planned write true. */
export function commitWrite({ table, key }: Write, { before, after }: WriteOutcome): void {
  if (after === undefined) table.delete(key);
  else if (after !== before) table.put(after);
}

/** Plans and commits one write. */
export function performWrite(write: Write, capacity: RequestCapacity): WriteOutcome {
  const outcome = planWrite(write, (units) => capacity.write(write.table.name, units));
  commitWrite(write, outcome);
  return outcome;
}
