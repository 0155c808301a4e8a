import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { localTables, put, type SdkItem } from './local-table.ts';

let client: DynamoDBClient;
beforeEach(async () => {
  ({ client } = await localTables());
});

const S = (text: string) => ({ S: text });
const N = (number: string) => ({ N: number });
const key = (pk: string) => ({ pk: S(pk) });
const get = async (pk: string): Promise<SdkItem | undefined> =>
  (await client.send(new GetItemCommand({ TableName: 'hashed', Key: key(pk) }))).Item;

describe('BatchGetItem', () => {
  it('returns what is there, with a projection', async () => {
    await put(client, 'hashed', { ...key('a'), v: N('1'), w: N('2') }, { ...key('b'), v: N('3') });
    const { Responses, UnprocessedKeys } = await client.send(
      new BatchGetItemCommand({
        RequestItems: {
          hashed: {
            Keys: [key('a'), key('b'), key('absent')],
            ConsistentRead: true,
            ProjectionExpression: '#v',
            ExpressionAttributeNames: { '#v': 'v' },
          },
        },
      }),
    );
    expect(Responses?.hashed).toEqual([{ v: N('1') }, { v: N('3') }]);
    expect(UnprocessedKeys).toEqual({});
  });

  it('gives back as unprocessed what is above 16 MB', async () => {
    const big = 'x'.repeat(400_000);
    const names = Array.from({ length: 45 }, (_, index) => `big-${index}`);
    await put(client, 'hashed', ...names.map((pk) => ({ ...key(pk), big: S(big) })));
    const RequestItems = { hashed: { Keys: names.map(key), ConsistentRead: true } };
    const first = await client.send(new BatchGetItemCommand({ RequestItems }));
    const left = first.UnprocessedKeys?.hashed?.Keys ?? [];
    expect(first.Responses?.hashed?.length).toBe(41);
    expect(left).toHaveLength(4);
    const second = await client.send(new BatchGetItemCommand({ RequestItems: first.UnprocessedKeys }));
    expect(second.Responses?.hashed?.map((item) => item.pk)).toEqual(left.map((item) => item.pk));
  });

  it('refuses duplicates, more than 100 keys and no keys', async () => {
    const batch = (Keys: SdkItem[]) =>
      client.send(new BatchGetItemCommand({ RequestItems: { hashed: { Keys } } }));
    await expect(batch([key('a'), key('a')])).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Provided list of item keys contains duplicates',
    });
    await expect(batch(Array.from({ length: 101 }, (_, index) => key(String(index))))).rejects.toThrow(
      'Too many items requested for the BatchGetItem call',
    );
    await expect(batch([])).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

describe('BatchWriteItem', () => {
  it('puts and deletes', async () => {
    await put(client, 'hashed', key('old'));
    const { UnprocessedItems } = await client.send(
      new BatchWriteItemCommand({
        RequestItems: {
          hashed: [{ PutRequest: { Item: key('new') } }, { DeleteRequest: { Key: key('old') } }],
        },
      }),
    );
    expect(UnprocessedItems).toEqual({});
    expect([await get('new'), await get('old')]).toEqual([key('new'), undefined]);
  });

  it('refuses duplicates and more than 25 writes, and writes nothing', async () => {
    const batch = (names: string[]) =>
      client.send(
        new BatchWriteItemCommand({
          RequestItems: { hashed: names.map((pk) => ({ PutRequest: { Item: key(pk) } })) },
        }),
      );
    await expect(batch(['a', 'b', 'a'])).rejects.toThrow('Provided list of item keys contains duplicates');
    await expect(batch(Array.from({ length: 26 }, (_, index) => `n${index}`))).rejects.toThrow(
      /Too many items/,
    );
    expect(await get('a')).toBeUndefined();
  });
});

describe('TransactWriteItems', () => {
  const transact = (TransactItems: TransactWriteItem[], ClientRequestToken?: string) =>
    client.send(
      new TransactWriteItemsCommand({ TransactItems, ...(ClientRequestToken && { ClientRequestToken }) }),
    );
  const count = (pk: string): TransactWriteItem => ({
    Update: {
      TableName: 'hashed',
      Key: key(pk),
      UpdateExpression: 'ADD n :one',
      ExpressionAttributeValues: { ':one': N('1') },
    },
  });
  const putNew = (pk: string): TransactWriteItem => ({
    Put: { TableName: 'hashed', Item: key(pk), ConditionExpression: 'attribute_not_exists(pk)' },
  });

  it('does all of its writes', async () => {
    await put(client, 'hashed', key('gone'), key('checked'));
    await transact([
      putNew('new'),
      count('counter'),
      { Delete: { TableName: 'hashed', Key: key('gone') } },
      {
        ConditionCheck: {
          TableName: 'hashed',
          Key: key('checked'),
          ConditionExpression: 'attribute_exists(pk)',
        },
      },
    ]);
    expect(await get('new')).toBeDefined();
    expect((await get('counter'))?.n).toEqual(N('1'));
    expect(await get('gone')).toBeUndefined();
    expect(await get('checked')).toEqual(key('checked'));
  });

  it('does none of them where one fails, and says why for each', async () => {
    await put(client, 'hashed', { ...key('taken'), v: N('1') }, { ...key('text'), n: S('no number') });
    const taken = putNew('taken');
    if (taken.Put) taken.Put.ReturnValuesOnConditionCheckFailure = 'ALL_OLD';
    await expect(transact([putNew('new'), taken, count('text')])).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      message:
        'Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ValidationError]',
      CancellationReasons: [
        { Code: 'None' },
        {
          Code: 'ConditionalCheckFailed',
          Message: 'The conditional request failed',
          Item: { ...key('taken'), v: N('1') },
        },
        {
          Code: 'ValidationError',
          Message: 'An operand in the update expression has an incorrect data type',
        },
      ],
    });
    expect(await get('new')).toBeUndefined();
  });

  it('refuses two actions on one item, more than 100, and none', async () => {
    await expect(transact([putNew('a'), count('a')])).rejects.toThrow(
      'Transaction request cannot include multiple operations on one item',
    );
    const many = Array.from({ length: 101 }, (_, index) => putNew(String(index)));
    await expect(transact(many)).rejects.toThrow(/less than or equal to 100/);
    await expect(transact([])).rejects.toThrow(/greater than or equal to 1/);
  });

  it('does nothing on a repeat with the same token', async () => {
    await transact([count('counter')], 'token-1');
    await transact([count('counter')], 'token-1');
    await transact([count('counter')], 'token-2');
    expect((await get('counter'))?.n).toEqual(N('2'));
    await expect(transact([count('other')], 'token-1')).rejects.toMatchObject({
      name: 'IdempotentParameterMismatchException',
    });
  });
});
