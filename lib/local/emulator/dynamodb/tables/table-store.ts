import { optionalString } from '../../action-input.ts';
import type { JsonObject } from '../../emulated-service.ts';
import { limitExceeded, resourceInUse, resourceNotFound, validationError } from '../dynamodb-errors.ts';
import type { ReadFaults } from './item-history.ts';
import type { KeySchema } from './key-schema.ts';
import { Table } from './table.ts';

/** Tables in an account and region (DynamoDB's default quota). */
export const MAX_TABLES = 2_500;

/** The tables of one account and region, by name. */
export class TableStore {
  private readonly tables = new Map<string, Table>();
  private readonly faults: ReadFaults | undefined;

  /** @param faults make reads eventually consistent. */
  constructor(faults?: ReadFaults) {
    this.faults = faults;
  }

  /** @throws ResourceInUseException for an existing name, LimitExceededException at {@link MAX_TABLES}. */
  create(name: string, schema: KeySchema): Table {
    if (this.tables.has(name)) throw resourceInUse(name);
    if (this.tables.size >= MAX_TABLES)
      throw limitExceeded(`There are ${MAX_TABLES} tables already. Delete one before creating another.`);
    const table = new Table(name, schema, this.faults);
    this.tables.set(name, table);
    return table;
  }

  /**
   * A table by name or ARN. Its expired items are swept first if that is due.
   * @throws ResourceNotFoundException. With `describing` the message names the table, as in AWS.
   */
  get(nameOrArn: string, describing = false): Table {
    const name = nameOrArn.startsWith('arn:') ? nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1) : nameOrArn;
    const table = this.tables.get(name);
    if (table === undefined) throw resourceNotFound(describing ? name : undefined);
    table.sweep();
    return table;
  }

  /** The table that a request's `TableName` names. */
  of(input: JsonObject, describing = false): Table {
    const name = optionalString(input, 'TableName');
    if (name === undefined || name === '')
      throw validationError("The parameter 'TableName' is required but was not present in the request");
    return this.get(name, describing);
  }

  delete(table: Table): void {
    this.tables.delete(table.name);
  }

  /** Names in alphabetical order. */
  names(): string[] {
    return [...this.tables.keys()].sort();
  }
}
