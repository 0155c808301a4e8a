import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type AttributeValue as SdkValue,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { createRanged, localTables, put, type SdkItem } from './local-table.ts';

let client: DynamoDBClient;
beforeEach(async () => {
  ({ client } = await localTables());
});

const TableName = 'hashed';
const putItem = (Item: SdkItem) => client.send(new PutItemCommand({ TableName, Item }));
const getItem = async (pk: string) =>
  (await client.send(new GetItemCommand({ TableName, Key: { pk: { S: pk } }, ConsistentRead: true }))).Item;

describe('items', () => {
  test('An item keeps values of every type', async () => {
    const item: SdkItem = {
      pk: { S: 'all' },
      string: { S: '' },
      number: { N: '-12.5' },
      binary: { B: new Uint8Array([0, 255]) },
      yes: { BOOL: true },
      no: { BOOL: false },
      nothing: { NULL: true },
      map: { M: { inner: { L: [{ N: '1' }, { M: {} }] } } },
      list: { L: [] },
      strings: { SS: ['b', 'a'] },
      numbers: { NS: ['1', '2'] },
      binaries: { BS: [new Uint8Array([1]), new Uint8Array([2])] },
    };
    await putItem(item);
    expect(await getItem('all')).toEqual(item);
  });

  test('An item keeps attribute names that have a meaning in JavaScript', async () => {
    const item = JSON.parse('{"pk":{"S":"odd"},"__proto__":{"S":"x"},"constructor":{"N":"1"}}') as SdkItem;
    await putItem(item);
    const found = await getItem('odd');
    expect(Object.keys(found ?? {}).sort()).toEqual(['__proto__', 'constructor', 'pk']);
  });

  test('Numbers are stored in canonical form without losing a digit', async () => {
    const written: Record<string, string> = {
      '1.0': '1',
      '007': '7',
      '-0': '0',
      '1e3': '1000',
      '.5': '0.5',
      '12345678901234567890123456789012345678': '12345678901234567890123456789012345678',
      '1.5E-3': '0.0015',
    };
    for (const [given, kept] of Object.entries(written)) {
      await putItem({ pk: { S: 'n' }, n: { N: given } });
      expect((await getItem('n'))?.n).toEqual({ N: kept });
    }
  });

  test.each<[string, SdkValue, RegExp]>([
    ['a word instead of a number', { N: 'abc' }, /cannot be converted to a numeric value: abc/],
    ['an empty number', { N: '' }, /cannot be converted to a numeric value/],
    [
      'a number of 39 digits',
      { N: '123456789012345678901234567890123456789' },
      /more than 38 significant digits/,
    ],
    ['a number that is too large', { N: '1e126' }, /Number overflow/],
    ['a number that is too small', { N: '1e-131' }, /Number underflow/],
    ['an empty set', { SS: [] }, /may not be empty/],
    ['an empty set of binaries', { BS: [] }, /should not be empty/],
    ['a set with a repeated element', { SS: ['a', 'a'] }, /\[a, a\] contains duplicates/],
    ['a set with a repeated number', { NS: ['1', '1.0'] }, /contains duplicates/],
    ['a NULL that is not true', { NULL: false }, /must have the value of true/],
  ])('A value that is %s is refused', async (_, value, message) => {
    await expect(putItem({ pk: { S: 'a' }, value })).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringMatching(message),
    });
    expect(await getItem('a')).toBeUndefined();
  });

  test('Lists nested deeper than 32 levels are refused', async () => {
    const nested = (depth: number): SdkValue => (depth === 0 ? { N: '1' } : { L: [nested(depth - 1)] });
    await putItem({ pk: { S: 'deep' }, value: nested(32) });
    await expect(putItem({ pk: { S: 'deep' }, value: nested(33) })).rejects.toThrow(/Nesting Levels/);
  });

  test('An item of 400 KB is accepted, a larger one is refused', async () => {
    const rest = 'pk'.length + 'a'.length + 'v'.length;
    await putItem({ pk: { S: 'a' }, v: { S: 'x'.repeat(409_600 - rest) } });
    await expect(putItem({ pk: { S: 'b' }, v: { S: 'x'.repeat(409_601 - rest) } })).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Item size has exceeded the maximum allowed size',
    });
  });
});

describe('keys', () => {
  test.each<[string, SdkItem, string]>([
    [
      'missing',
      { a: { S: 'x' } },
      'One or more parameter values were invalid: Missing the key pk in the item',
    ],
    [
      'of another type',
      { pk: { N: '1' } },
      'One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N',
    ],
    [
      'empty',
      { pk: { S: '' } },
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk',
    ],
    [
      'too long',
      { pk: { S: 'é'.repeat(1_025) } },
      'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes',
    ],
  ])('A key that is %s is refused', async (_, item, message) => {
    await expect(putItem(item)).rejects.toMatchObject({ name: 'ValidationException', message });
  });

  test('The key of a read must match the schema exactly', async () => {
    const get = (Key: SdkItem) => client.send(new GetItemCommand({ TableName, Key }));
    const message = 'The provided key element does not match the schema';
    await expect(get({ pk: { S: 'a' }, sk: { S: 'b' } })).rejects.toMatchObject({ message });
    await expect(get({ pk: { N: '1' } })).rejects.toMatchObject({ message });
    await expect(get({ other: { S: 'a' } })).rejects.toMatchObject({ message });
  });

  test('A range key above 1,024 bytes is refused', async () => {
    const Item = { pk: { S: 'a' }, sk: { S: 'x'.repeat(1_025) } };
    await expect(client.send(new PutItemCommand({ TableName: 'ranged', Item }))).rejects.toThrow(
      /1024 bytes/,
    );
  });

  test('Keys with the same concatenation of hash and range are different', async () => {
    await put(
      client,
      'ranged',
      { pk: { S: 'a' }, sk: { S: 'bc' }, v: { N: '1' } },
      { pk: { S: 'ab' }, sk: { S: 'c' }, v: { N: '2' } },
    );
    const get = async (pk: string, sk: string) =>
      (await client.send(new GetItemCommand({ TableName: 'ranged', Key: { pk: { S: pk }, sk: { S: sk } } })))
        .Item?.v?.N;
    expect(await get('a', 'bc')).toBe('1');
    expect(await get('ab', 'c')).toBe('2');
  });

  test('A number key is found however it is written', async () => {
    await createRanged(client, 'numbered', 'N');
    await put(client, 'numbered', { pk: { S: 'a' }, sk: { N: '1.50' } });
    const Key = { pk: { S: 'a' }, sk: { N: '15e-1' } };
    const { Item } = await client.send(new GetItemCommand({ TableName: 'numbered', Key }));
    expect(Item?.sk).toEqual({ N: '1.5' });
  });
});

describe('PutItem, GetItem and DeleteItem', () => {
  test('PutItem and DeleteItem return the old item on request', async () => {
    const first = await client.send(
      new PutItemCommand({ TableName, Item: { pk: { S: 'a' }, v: { N: '1' } }, ReturnValues: 'ALL_OLD' }),
    );
    expect(first.Attributes).toBeUndefined();
    const second = await client.send(
      new PutItemCommand({ TableName, Item: { pk: { S: 'a' }, v: { N: '2' } }, ReturnValues: 'ALL_OLD' }),
    );
    expect(second.Attributes).toEqual({ pk: { S: 'a' }, v: { N: '1' } });
    const deleted = await client.send(
      new DeleteItemCommand({ TableName, Key: { pk: { S: 'a' } }, ReturnValues: 'ALL_OLD' }),
    );
    expect(deleted.Attributes).toEqual({ pk: { S: 'a' }, v: { N: '2' } });
    expect(await getItem('a')).toBeUndefined();
    await expect(
      client.send(new DeleteItemCommand({ TableName, Key: { pk: { S: 'a' } } })),
    ).resolves.toBeDefined();
  });

  test('GetItem returns the attributes that a projection names', async () => {
    await putItem({
      pk: { S: 'a' },
      v: { N: '1' },
      map: { M: { x: { S: 'X' } } },
      name: { S: 'n' },
    });
    const { Item } = await client.send(
      new GetItemCommand({
        TableName,
        Key: { pk: { S: 'a' } },
        ProjectionExpression: '#map, #n, absent',
        ExpressionAttributeNames: { '#map': 'map', '#n': 'name' },
      }),
    );
    expect(Item).toEqual({
      map: { M: { x: { S: 'X' } } },
      name: { S: 'n' },
    });
  });
});
