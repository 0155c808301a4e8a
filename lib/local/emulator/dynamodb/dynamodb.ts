import type { Action, EmulatedService } from '../service.ts';
import { batchActions } from './actions/batch-actions.ts';
import type { ActionContext } from './actions/context.ts';
import { itemActions } from './actions/item-actions.ts';
import { queryActions } from './actions/query-actions.ts';
import { statementActions } from './actions/statement-actions.ts';
import { tableActions } from './actions/table-actions.ts';
import { transactAction } from './actions/transact-action.ts';
import type { Capacity } from './capacity.ts';
import { TableStore } from './tables/table-store.ts';

/** Where the emulated tables pretend to be; it shows in their ARNs. */
export interface DynamoDbOptions {
  readonly region: string;
  readonly accountId: string;
}

/**
 * Amazon DynamoDB, in memory: tables with a hash key or a hash and a range key, expressions, PartiQL, transactions,
 * TTL and consumed capacity, with AWS's limits and error messages. Reads are always consistent. There are no indexes
 * and no streams; a request that needs them is refused.
 */
export class DynamoDb implements EmulatedService {
  readonly targetPrefix = 'DynamoDB_20120810';
  readonly contentType = 'application/x-amz-json-1.0';
  readonly actions: Readonly<Record<string, Action>>;
  /** Read and write units used since the start, as DynamoDB on demand would bill them. */
  readonly capacity: Capacity = { readUnits: 0, writeUnits: 0 };

  constructor({ region, accountId }: DynamoDbOptions) {
    const context: ActionContext = { store: new TableStore(), capacity: this.capacity, region, accountId };
    this.actions = {
      ...tableActions(context),
      ...itemActions(context),
      ...queryActions(context),
      ...batchActions(context),
      ...transactAction(context),
      ...statementActions(context),
    };
  }
}
