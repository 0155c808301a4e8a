import { optionalString } from '../action-input.ts';
import type { JsonObject } from '../emulated-service.ts';
import { NotEmulatedError } from '../not-emulated.ts';

/** Bytes per write unit and per read unit (DynamoDB's on-demand mode). */
const WRITE_UNIT_BYTES = 1_024;
const READ_UNIT_BYTES = 4_096;

/** Units used since the start: what DynamoDB on demand would bill. */
export interface Capacity {
  readUnits: number;
  writeUnits: number;
}

/** Write units of an item of this size: one per started 1 KB, at least one. */
export function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));
}

/** Read units for a number of bytes: one per started 4 KB, at least one, and half of that without `consistent`. */
export function readUnits(bytes: number, consistent: boolean): number {
  return Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) * (consistent ? 1 : 0.5);
}

/** The units of one request. They are added to the totals, and reported if requested. */
export class RequestCapacity {
  private readonly totals: Capacity;
  private readonly reported: boolean;
  private readonly tables = new Map<string, Capacity>();

  /** @throws NotEmulatedError for any `ReturnConsumedCapacity` other than NONE and TOTAL. */
  constructor(totals: Capacity, input: JsonObject) {
    this.totals = totals;
    const detail = optionalString(input, 'ReturnConsumedCapacity') ?? 'NONE';
    if (detail !== 'NONE' && detail !== 'TOTAL')
      throw new NotEmulatedError({
        where: 'DynamoDB',
        kind: 'ReturnConsumedCapacity',
        name: detail,
        supported: ['NONE', 'TOTAL'],
      });
    this.reported = detail === 'TOTAL';
  }

  read(tableName: string, units: number): void {
    this.totals.readUnits += units;
    this.of(tableName).readUnits += units;
  }

  write(tableName: string, units: number): void {
    this.totals.writeUnits += units;
    this.of(tableName).writeUnits += units;
  }

  private of(tableName: string): Capacity {
    let used = this.tables.get(tableName);
    if (used === undefined) {
      used = { readUnits: 0, writeUnits: 0 };
      this.tables.set(tableName, used);
    }
    return used;
  }

  /** `ConsumedCapacity` of an action on one table; empty if it was not requested. */
  one(): JsonObject {
    const [first] = this.report();
    return first === undefined || !this.reported ? {} : { ConsumedCapacity: first };
  }

  /** `ConsumedCapacity` of an action on several tables. */
  all(): JsonObject {
    return this.reported ? { ConsumedCapacity: this.report() } : {};
  }

  private report(): JsonObject[] {
    return [...this.tables].map(([TableName, used]) => ({
      TableName,
      CapacityUnits: used.readUnits + used.writeUnits,
    }));
  }
}
