import {
  DescribeTimeToLiveCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect } from 'vitest';
import { contract } from './contract.ts';
import { dynamodb, uniqueName } from './contract-clients.ts';
import { createTable, deleteTables, get, put } from './contract-tables.ts';

let table: string;
beforeAll(async () => {
  table = await createTable('items');
});
afterAll(deleteTables);

const S = (text: string) => ({ S: text });
const N = (number: string) => ({ N: number });

contract('dynamodb.update.string-set', 'ADD merges a set of strings', async () => {
  const pk = uniqueName('strings');
  const add = (...SS: string[]) =>
    dynamodb.send(
      new UpdateItemCommand({
        TableName: table,
        Key: { pk: S(pk) },
        UpdateExpression: 'ADD published :ids SET expiresAt = :at',
        ExpressionAttributeValues: { ':ids': { SS }, ':at': N('4102444800') },
        ReturnValues: 'ALL_NEW',
      }),
    );
  await add('a', 'b');
  const { Attributes } = await add('b', 'c');
  expect(Attributes?.published?.SS?.toSorted()).toEqual(['a', 'b', 'c']);
});

contract('dynamodb.update.binary-set', 'ADD merges a set of binaries', async () => {
  const pk = uniqueName('binaries');
  const add = (...bytes: number[]) =>
    dynamodb.send(
      new UpdateItemCommand({
        TableName: table,
        Key: { pk: S(pk) },
        UpdateExpression: 'ADD published :ids',
        ExpressionAttributeValues: { ':ids': { BS: bytes.map((byte) => new Uint8Array([byte, 255])) } },
      }),
    );
  await add(1, 2);
  await add(2, 3);
  const published = (await get(table, pk))?.published?.BS ?? [];
  expect(published.map((binary) => [...binary]).sort()).toEqual([
    [1, 255],
    [2, 255],
    [3, 255],
  ]);
});

const takeOver = (pk: string, seen: string, owner: string) =>
  new PutItemCommand({
    TableName: table,
    Item: { pk: S(pk), owner: S('new'), expiresAt: N('4102444800') },
    ConditionExpression: 'expiresAt = :seen AND #owner = :owner',
    ExpressionAttributeNames: { '#owner': 'owner' },
    ExpressionAttributeValues: { ':seen': N(seen), ':owner': S(owner) },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });

contract(
  'dynamodb.put.condition',
  'A put with a condition replaces the item that it has read, once',
  async () => {
    const pk = uniqueName('expired');
    await put(table, { pk: S(pk), owner: S('old'), expiresAt: N('1700000000') });
    await expect(dynamodb.send(takeOver(pk, '1700000000', 'old'))).resolves.toBeDefined();
    await expect(dynamodb.send(takeOver(pk, '1700000000', 'old'))).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
    });
  },
);

contract('dynamodb.put.condition-item', 'A failed condition returns the current item', async () => {
  const pk = uniqueName('standing');
  const standing = { pk: S(pk), owner: S('other'), expiresAt: N('1700000000') };
  await put(table, standing);
  await expect(dynamodb.send(takeOver(pk, '1700000000', 'old'))).rejects.toMatchObject({
    name: 'ConditionalCheckFailedException',
    Item: standing,
  });
});

contract('dynamodb.reserved-word', 'A reserved word needs a #name', async () => {
  const command = new PutItemCommand({
    TableName: table,
    Item: { pk: S(uniqueName('reserved')) },
    ConditionExpression: 'attribute_not_exists(pk) OR owner = :me',
    ExpressionAttributeValues: { ':me': S('me') },
  });
  await expect(dynamodb.send(command)).rejects.toMatchObject({
    name: 'ValidationException',
    message: expect.stringContaining('reserved keyword: owner'),
  });
});

contract('dynamodb.unused-value', 'A value that no expression uses is refused', async () => {
  const command = new PutItemCommand({
    TableName: table,
    Item: { pk: S(uniqueName('unused')) },
    ConditionExpression: 'attribute_not_exists(pk)',
    ExpressionAttributeValues: { ':unused': S('x') },
  });
  await expect(dynamodb.send(command)).rejects.toMatchObject({ name: 'ValidationException' });
});

contract('dynamodb.number.exact', 'Large integers are compared exactly', async () => {
  const pk = uniqueName('number');
  await put(table, { pk: S(pk), n: N('9007199254740993') });
  const command = new UpdateItemCommand({
    TableName: table,
    Key: { pk: S(pk) },
    UpdateExpression: 'SET hit = :yes',
    ConditionExpression: 'n = :n',
    ExpressionAttributeValues: { ':n': N('9007199254740992'), ':yes': { BOOL: true } },
  });
  await expect(dynamodb.send(command)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
});

contract('dynamodb.empty-key', 'An empty key is refused', async () => {
  await expect(put(table, { pk: S('') })).rejects.toMatchObject({ name: 'ValidationException' });
});

contract('dynamodb.empty-set', 'An empty set is refused', async () => {
  await expect(put(table, { pk: S(uniqueName('set')), tags: { SS: [] } })).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

contract('dynamodb.item-size', 'An item above 400 KB is refused', async () => {
  await expect(put(table, { pk: S(uniqueName('large')), v: S('x'.repeat(409_600)) })).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

contract('dynamodb.capacity', 'A write returns its units on request, one per started 1 KB', async () => {
  const pk = uniqueName('cost');
  const command = new PutItemCommand({
    TableName: table,
    Item: { pk: S(pk), v: S('x'.repeat(1_500)) },
    ReturnConsumedCapacity: 'TOTAL',
  });
  const { ConsumedCapacity } = await dynamodb.send(command);
  expect(ConsumedCapacity).toMatchObject({ TableName: table, CapacityUnits: 2 });
});

contract('dynamodb.ttl', 'Time to live is set and described, and an expired item is still read', async () => {
  const own = await createTable('ttl');
  await dynamodb.send(
    new UpdateTimeToLiveCommand({
      TableName: own,
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    }),
  );
  const { TimeToLiveDescription } = await dynamodb.send(new DescribeTimeToLiveCommand({ TableName: own }));
  expect(TimeToLiveDescription).toMatchObject({
    AttributeName: 'expiresAt',
    TimeToLiveStatus: expect.stringMatching(/^ENABL/),
  });
  await put(own, { pk: S('expired'), expiresAt: N(String(Math.floor(Date.now() / 1_000) - 5)) });
  expect(await get(own, 'expired')).toBeDefined();
});

contract(
  'dynamodb.query.prefix',
  'A query reads a partition and a prefix of its range key, in order',
  async () => {
    const own = await createTable('query', true);
    for (const sk of ['gap#2', 'gap#10', 'cursor', 'gap#1']) await put(own, { pk: S('a'), sk: S(sk) });
    await put(own, { pk: S('b'), sk: S('gap#0') });
    const { Items = [], Count } = await dynamodb.send(
      new QueryCommand({
        TableName: own,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': S('a'), ':prefix': S('gap#') },
        ConsistentRead: true,
      }),
    );
    expect(Items.map((item) => item.sk?.S)).toEqual(['gap#1', 'gap#10', 'gap#2']);
    expect(Count).toBe(3);
  },
);

contract('dynamodb.no-table', 'A table that does not exist has its own error', async () => {
  await expect(get('contract-absent-table', 'a')).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});
