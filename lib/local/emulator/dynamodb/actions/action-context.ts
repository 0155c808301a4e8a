import type { JsonObject } from '../../emulated-service.ts';
import { type Capacity, RequestCapacity } from '../capacity.ts';
import type { TableStore } from '../tables/table-store.ts';

/** What every action works with. */
export interface ActionContext {
  readonly store: TableStore;
  readonly capacity: Capacity;
  readonly region: string;
  readonly accountId: string;
}

/** The account of units of one request. */
export function requestCapacity(context: ActionContext, input: JsonObject): RequestCapacity {
  return new RequestCapacity(context.capacity, input);
}
