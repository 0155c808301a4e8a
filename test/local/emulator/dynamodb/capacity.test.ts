import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDb } from 'switchboard-local/emulator/dynamodb/dynamodb.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { localTables, put } from './local-table.ts';

let client: DynamoDBClient;
let service: DynamoDb;
beforeEach(async () => {
  const tables = await localTables();
  client = tables.client;
  service = tables.emulator.dynamodb;
});

const TableName = 'hashed';
const Key = { pk: { S: 'a' } };
const ReturnConsumedCapacity = 'TOTAL';
/** An item of so many bytes with the key `a`. */
const sized = (bytes: number) => ({ ...Key, v: { S: 'x'.repeat(bytes - 'pkav'.length) } });

/** What one call adds to the running totals, as [read, write]. */
async function used(call: () => Promise<unknown>): Promise<[number, number]> {
  const { readUnits, writeUnits } = service.capacity;
  await call();
  return [service.capacity.readUnits - readUnits, service.capacity.writeUnits - writeUnits];
}

describe('capacity', () => {
  test.each([
    [4, 1],
    [1_024, 1],
    [1_025, 2],
    [10_240, 10],
  ])('A write of %i bytes costs %i units, which are returned on request', async (bytes, units) => {
    const command = new PutItemCommand({ TableName, Item: sized(bytes), ReturnConsumedCapacity });
    expect((await client.send(command)).ConsumedCapacity).toEqual({ TableName, CapacityUnits: units });
    expect(service.capacity).toEqual({ readUnits: 0, writeUnits: units });
    const silent = await client.send(new PutItemCommand({ TableName, Item: sized(bytes) }));
    expect(silent.ConsumedCapacity).toBeUndefined();
    expect(service.capacity.writeUnits).toBe(2 * units);
  });

  test('A write costs the units of the larger of the item before and after', async () => {
    await put(client, TableName, sized(5_000));
    const shrink = new UpdateItemCommand({ TableName, Key, UpdateExpression: 'REMOVE v' });
    expect(await used(() => client.send(shrink))).toEqual([0, 5]);
    await put(client, TableName, sized(5_000));
    expect(await used(() => client.send(new DeleteItemCommand({ TableName, Key })))).toEqual([0, 5]);
    expect(await used(() => client.send(new DeleteItemCommand({ TableName, Key })))).toEqual([0, 1]);
  });

  test('A write whose condition fails costs the units of the current item', async () => {
    await put(client, TableName, sized(2_500));
    const fail = new PutItemCommand({
      TableName,
      Item: Key,
      ConditionExpression: 'attribute_not_exists(pk)',
    });
    expect(await used(() => client.send(fail).catch(() => undefined))).toEqual([0, 3]);
    const batch = new BatchExecuteStatementCommand({
      Statements: ['a', 'b'].map((pk) => ({ Statement: `INSERT INTO "hashed" VALUE {'pk': '${pk}'}` })),
      ReturnConsumedCapacity,
    });
    const { ConsumedCapacity } = await client.send(batch);
    expect(ConsumedCapacity).toEqual([{ TableName, CapacityUnits: 4 }]);
  });

  test('A read costs one unit per 4 KB, and half of that without ConsistentRead', async () => {
    await put(client, TableName, sized(4_097));
    const get = (ConsistentRead: boolean) =>
      client.send(new GetItemCommand({ TableName, Key, ConsistentRead }));
    expect(await used(() => get(true))).toEqual([2, 0]);
    expect(await used(() => get(false))).toEqual([1, 0]);
    const absent = new GetItemCommand({ TableName, Key: { pk: { S: 'absent' } }, ConsistentRead: true });
    expect(await used(() => client.send(absent))).toEqual([1, 0]);
    const batch = new BatchGetItemCommand({
      RequestItems: { hashed: { Keys: [Key, { pk: { S: 'absent' } }], ConsistentRead: true } },
    });
    expect(await used(() => client.send(batch))).toEqual([3, 0]);
  });

  test('A query costs the units of the sum of the items that it reads', async () => {
    const items = ['1', '2', '3'].map((sk) => ({ ...Key, sk: { S: sk }, v: { S: 'x'.repeat(1_500) } }));
    await put(client, 'ranged', ...items);
    const query = new QueryCommand({
      TableName: 'ranged',
      KeyConditionExpression: 'pk = :p',
      ExpressionAttributeValues: { ':p': { S: 'a' } },
      ConsistentRead: true,
    });
    expect(await used(() => client.send(query))).toEqual([2, 0]);
  });

  test('An invalid request costs nothing', async () => {
    const invalid = new PutItemCommand({ TableName, Item: { pk: { S: '' } } });
    expect(await used(() => client.send(invalid).catch(() => undefined))).toEqual([0, 0]);
  });
});
