import type { JsonObject } from '../../service.ts';
import { type Capacity, RequestCapacity } from '../capacity.ts';
import { validationError } from '../errors.ts';
import type { TableStore } from '../tables/table-store.ts';

/** What every action works with. */
export interface ActionContext {
  readonly store: TableStore;
  readonly capacity: Capacity;
  readonly region: string;
  readonly accountId: string;
}

/** Members of the API from before expressions, and indexes: the emulator refuses them rather than ignore them. */
const UNSUPPORTED = [
  'AttributesToGet',
  'AttributeUpdates',
  'ConditionalOperator',
  'Expected',
  'IndexName',
  'KeyConditions',
  'QueryFilter',
  'ScanFilter',
  'Segment',
  'TotalSegments',
];

/** @throws ValidationException where a request uses what the emulator has not. */
export function refuseUnsupported(input: JsonObject): void {
  for (const member of UNSUPPORTED)
    if (input[member] !== undefined && input[member] !== null)
      throw validationError(`The emulator does not know ${member}; use expressions, on the table itself.`);
}

/** The account of units of one request. */
export function requestCapacity(context: ActionContext, input: JsonObject): RequestCapacity {
  return new RequestCapacity(context.capacity, input);
}
