import { BatchGetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { localTables, put, type SdkItem } from './local-table.ts';

let client: DynamoDBClient;
beforeEach(async () => {
  ({ client } = await localTables());
});

const S = (text: string) => ({ S: text });
const N = (number: string) => ({ N: number });
const key = (pk: string) => ({ pk: S(pk) });

describe('BatchGetItem', () => {
  test('BatchGetItem returns the items that exist, with the attributes of the projection', async () => {
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

  test('BatchGetItem returns the keys above 16 MB as unprocessed', async () => {
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

  test('BatchGetItem refuses duplicate keys, more than 100 keys and no keys', async () => {
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
