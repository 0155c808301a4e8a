import { optionalObject, optionalString } from '../../action-input.ts';
import type { Action, JsonObject } from '../../emulated-service.ts';
import { validationError } from '../dynamodb-errors.ts';
import { tableDefinition } from '../tables/definition.ts';
import type { Table } from '../tables/table.ts';
import type { ActionContext } from './action-context.ts';

/** CreateTable, DescribeTable, DeleteTable, ListTables, UpdateTimeToLive and DescribeTimeToLive. */
export function tableActions(context: ActionContext): Record<string, Action> {
  const { store } = context;
  return {
    // In AWS a new table is CREATING for a while. Here it can be used at once, but clients wait for it as in AWS.
    CreateTable: (input) => {
      const { name, schema } = tableDefinition(input);
      return { TableDescription: describe(store.create(name, schema), 'CREATING', context) };
    },
    DescribeTable: (input) => ({ Table: describe(store.of(input, true), 'ACTIVE', context) }),
    DeleteTable: (input) => {
      const table = store.of(input, true);
      store.delete(table);
      return { TableDescription: describe(table, 'DELETING', context) };
    },
    ListTables: () => ({ TableNames: store.names() }),
    UpdateTimeToLive: (input) => updateTimeToLive(store.of(input, true), input),
    DescribeTimeToLive: (input) => {
      const { ttlAttribute } = store.of(input, true);
      return {
        TimeToLiveDescription:
          ttlAttribute === undefined
            ? { TimeToLiveStatus: 'DISABLED' }
            : { TimeToLiveStatus: 'ENABLED', AttributeName: ttlAttribute },
      };
    },
  };
}

function describe(table: Table, TableStatus: string, { region, accountId }: ActionContext): JsonObject {
  const keys = [table.schema.hash, ...(table.schema.range === undefined ? [] : [table.schema.range])];
  return {
    TableName: table.name,
    TableArn: `arn:aws:dynamodb:${region}:${accountId}:table/${table.name}`,
    TableStatus,
    CreationDateTime: table.createdAtMs / 1_000,
    AttributeDefinitions: keys.map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
    KeySchema: keys.map(({ name }, index) => ({
      AttributeName: name,
      KeyType: index === 0 ? 'HASH' : 'RANGE',
    })),
    BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    ProvisionedThroughput: { NumberOfDecreasesToday: 0, ReadCapacityUnits: 0, WriteCapacityUnits: 0 },
    ItemCount: table.itemCount,
    TableSizeBytes: table.bytes,
  };
}

function updateTimeToLive(table: Table, input: JsonObject): JsonObject {
  const specification = optionalObject(input, 'TimeToLiveSpecification') ?? {};
  const name = optionalString(specification, 'AttributeName');
  const enabled = specification.Enabled;
  if (name === undefined || name === '' || typeof enabled !== 'boolean')
    throw validationError('TimeToLiveSpecification needs AttributeName and Enabled');
  if (enabled === (table.ttlAttribute !== undefined) && (!enabled || table.ttlAttribute === name))
    throw validationError(`TimeToLive is already ${enabled ? 'enabled' : 'disabled'}`);
  if (table.ttlAttribute !== undefined && table.ttlAttribute !== name)
    throw validationError(
      `TimeToLive is active on a different AttributeName: current AttributeName is ${table.ttlAttribute}`,
    );
  table.ttlAttribute = enabled ? name : undefined;
  return { TimeToLiveSpecification: { AttributeName: name, Enabled: enabled } };
}
