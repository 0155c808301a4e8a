import type { Action, EmulatedService } from '../emulated-service.ts';
import type { ActionContext } from './actions/action-context.ts';
import { batchGetAction } from './actions/batch-get-action.ts';
import { itemActions } from './actions/item-actions.ts';
import { queryActions } from './actions/query-actions.ts';
import { statementActions } from './actions/statement-actions.ts';
import { tableActions } from './actions/table-actions.ts';
import type { Capacity } from './capacity.ts';
import type { ReadFaults } from './tables/item-history.ts';
import { TableStore } from './tables/table-store.ts';

/** Region and account of the tables, as their ARNs show them. */
export interface DynamoDbOptions {
  readonly region: string;
  readonly accountId: string;
  /** Make reads without `ConsistentRead` eventually consistent. By default every read is consistent. */
  readonly faults?: ReadFaults;
}

/**
 * Amazon DynamoDB in memory: tables with a hash key or a hash and a range key, expressions on top-level attributes,
 * PartiQL INSERT, TTL and consumed capacity, with AWS's limits and error messages. There are no transactions, indexes
 * or streams.
 */
export class DynamoDb implements EmulatedService {
  readonly targetPrefix = 'DynamoDB_20120810';
  readonly contentType = 'application/x-amz-json-1.0';
  readonly actions: Readonly<Record<string, Action>>;
  /** Read and write units used since the start, as DynamoDB on demand would bill them. */
  readonly capacity: Capacity = { readUnits: 0, writeUnits: 0 };

  constructor({ region, accountId, faults }: DynamoDbOptions) {
    const store = new TableStore(faults);
    const context: ActionContext = { store, capacity: this.capacity, region, accountId };
    this.actions = {
      ...tableActions(context),
      ...itemActions(context),
      ...queryActions(context),
      ...batchGetAction(context),
      ...statementActions(context),
    };
  }
}
