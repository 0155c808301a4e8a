import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  ScanCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import {
  TTL_GRACE_SECONDS,
  TTL_SWEEP_INTERVAL_MS,
} from 'switchboard-local/emulator/dynamodb/tables/table.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { localTables, put } from './local-table.ts';

let client: DynamoDBClient;
beforeEach(async () => {
  ({ client } = await localTables());
});

describe('tables', () => {
  test('DescribeTable returns what CloudFormation and the waiters of the SDK need', async () => {
    const { Table: table } = await client.send(new DescribeTableCommand({ TableName: 'ranged' }));
    expect(table).toMatchObject({
      TableName: 'ranged',
      TableStatus: 'ACTIVE',
      TableArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/ranged',
      ItemCount: 0,
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    });
    expect(table?.CreationDateTime?.getTime()).toBeLessThanOrEqual(Date.now());
    const waited = await waitUntilTableExists({ client, maxWaitTime: 30 }, { TableName: 'ranged' });
    expect(waited.state).toBe('SUCCESS');
  });

  test('A table can be addressed by its ARN', async () => {
    await put(client, 'hashed', { pk: { S: 'a' } });
    const TableName = 'arn:aws:dynamodb:us-east-1:000000000000:table/hashed';
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: { pk: { S: 'a' } } }));
    expect(Item).toEqual({ pk: { S: 'a' } });
  });

  test('CreateTable refuses an existing name and invalid names', async () => {
    const create = (TableName: string) =>
      client.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        }),
      );
    await expect(create('hashed')).rejects.toMatchObject({
      name: 'ResourceInUseException',
      message: 'Table already exists: hashed',
    });
    await expect(create('a')).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(create('no spaces')).rejects.toMatchObject({ name: 'ValidationException' });
  });

  test('DeleteTable deletes a table with its items', async () => {
    await put(client, 'hashed', { pk: { S: 'a' } });
    const { TableDescription } = await client.send(new DeleteTableCommand({ TableName: 'hashed' }));
    expect(TableDescription?.TableStatus).toBe('DELETING');
    await expect(client.send(new DescribeTableCommand({ TableName: 'hashed' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Requested resource not found: Table: hashed not found',
    });
    await expect(
      client.send(new GetItemCommand({ TableName: 'hashed', Key: { pk: { S: 'a' } } })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException', message: 'Requested resource not found' });
  });

  test('ListTables names the tables in alphabetical order', async () => {
    const { TableNames, LastEvaluatedTableName } = await client.send(new ListTablesCommand({}));
    expect(TableNames).toEqual(['hashed', 'ranged']);
    expect(LastEvaluatedTableName).toBeUndefined();
  });
});

describe('time to live', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const enable = (AttributeName: string, Enabled = true) =>
    client.send(
      new UpdateTimeToLiveCommand({
        TableName: 'hashed',
        TimeToLiveSpecification: { AttributeName, Enabled },
      }),
    );

  test('Time to live is stored, and a second attribute is refused', async () => {
    const describeTtl = new DescribeTimeToLiveCommand({ TableName: 'hashed' });
    expect((await client.send(describeTtl)).TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'DISABLED' });
    await enable('expiresAt');
    expect((await client.send(describeTtl)).TimeToLiveDescription).toEqual({
      TimeToLiveStatus: 'ENABLED',
      AttributeName: 'expiresAt',
    });
    await expect(enable('expiresAt')).rejects.toThrow('TimeToLive is already enabled');
    await expect(enable('other')).rejects.toThrow('current AttributeName is expiresAt');
    await enable('expiresAt', false);
    await expect(enable('expiresAt', false)).rejects.toThrow('TimeToLive is already disabled');
  });

  test('An expired item stays for a while until a sweep deletes it', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 });
    ({ client } = await localTables());
    const nowSeconds = Date.now() / 1_000;
    await enable('expiresAt');
    await put(
      client,
      'hashed',
      { pk: { S: 'expired' }, expiresAt: { N: String(nowSeconds - 1) } },
      { pk: { S: 'lives' }, expiresAt: { N: String(nowSeconds + 2 * TTL_GRACE_SECONDS) } },
      { pk: { S: 'text' }, expiresAt: { S: '1' } },
      { pk: { S: 'long-ago' }, expiresAt: { N: '1' } },
      { pk: { S: 'none' } },
    );
    const names = async () => {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: 'hashed' }));
      return Items.map((item) => item.pk?.S);
    };
    expect(await names()).toContain('expired');
    vi.setSystemTime(Date.now() + TTL_SWEEP_INTERVAL_MS);
    expect(await names()).toContain('expired');
    vi.setSystemTime(Date.now() + TTL_GRACE_SECONDS * 1_000);
    // Expiry must be a number, and not more than five years ago.
    expect(await names()).toEqual(['lives', 'long-ago', 'none', 'text']);
  });

  test('An item can replace an expired item under a condition', async () => {
    await enable('expiresAt');
    await put(client, 'hashed', { pk: { S: 'a' }, expiresAt: { N: '1700000000' } });
    const again = new PutItemCommand({
      TableName: 'hashed',
      Item: { pk: { S: 'a' } },
      ConditionExpression: 'attribute_not_exists(pk) OR expiresAt < :now',
      ExpressionAttributeValues: { ':now': { N: '1700000001' } },
    });
    await expect(client.send(again)).resolves.toBeDefined();
  });
});
