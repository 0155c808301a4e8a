import {
  type DynamoDBClient,
  GetItemCommand,
  type ReturnValue,
  type AttributeValue as SdkValue,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { localTables, put, type SdkItem } from './local-table.ts';

let client: DynamoDBClient;
beforeEach(async () => {
  ({ client } = await localTables());
});

interface Options {
  values?: Record<string, SdkValue>;
  names?: Record<string, string>;
  condition?: string;
  returned?: ReturnValue;
}

async function update(expression: string, options: Options = {}) {
  const { Attributes } = await client.send(
    new UpdateItemCommand({
      TableName: 'hashed',
      Key: { pk: { S: 'a' } },
      UpdateExpression: expression,
      ReturnValues: options.returned ?? 'ALL_NEW',
      ...(options.values && { ExpressionAttributeValues: options.values }),
      ...(options.names && { ExpressionAttributeNames: options.names }),
      ...(options.condition !== undefined && { ConditionExpression: options.condition }),
    }),
  );
  return Attributes;
}

async function stored(): Promise<SdkItem | undefined> {
  return (await client.send(new GetItemCommand({ TableName: 'hashed', Key: { pk: { S: 'a' } } }))).Item;
}

const N = (number: string) => ({ N: number });
const S = (text: string) => ({ S: text });

describe('UpdateItem', () => {
  test('UpdateItem creates an item that does not exist', async () => {
    expect(await update('SET n = :n', { values: { ':n': N('1') } })).toEqual({ pk: S('a'), n: N('1') });
  });

  test('UpdateItem computes every value from the item before the update', async () => {
    await put(client, 'hashed', { pk: S('a'), x: N('1'), y: N('2') });
    expect(await update('SET x = y, y = x')).toEqual({ pk: S('a'), x: N('2'), y: N('1') });
  });

  test('ADD adds numbers exactly', async () => {
    await put(client, 'hashed', { pk: S('a'), n: N('9007199254740993'), d: N('0.1') });
    const changed = await update('ADD n :one, d :d', { values: { ':one': N('1'), ':d': N('-0.3') } });
    expect(changed).toEqual({ pk: S('a'), n: N('9007199254740994'), d: N('-0.2') });
  });

  test('ADD merges sets and DELETE removes their elements', async () => {
    const strings = (...SS: string[]) => ({ values: { ':s': { SS } } });
    expect(await update('ADD tags :s', strings('a', 'b'))).toMatchObject({ tags: { SS: ['a', 'b'] } });
    expect(await update('ADD tags :s', strings('b', 'c'))).toMatchObject({ tags: { SS: ['a', 'b', 'c'] } });
    expect(await update('DELETE tags :s', strings('a', 'z'))).toMatchObject({ tags: { SS: ['b', 'c'] } });
    expect(await update('DELETE tags :s', strings('b', 'c'))).toEqual({ pk: S('a') });
    const binaries = (...BS: Uint8Array[]) => ({ values: { ':b': { BS } } });
    await update('ADD bin :b', binaries(new Uint8Array([1]), new Uint8Array([2])));
    expect(await update('ADD bin :b', binaries(new Uint8Array([2]), new Uint8Array([3])))).toMatchObject({
      bin: { BS: [new Uint8Array([1]), new Uint8Array([2]), new Uint8Array([3])] },
    });
  });

  test('ADD counts, starting from a missing attribute', async () => {
    expect(await update('ADD n :n', { values: { ':n': N('5') } })).toMatchObject({ n: N('5') });
    expect(await update('ADD n :n', { values: { ':n': N('-7') } })).toMatchObject({ n: N('-2') });
  });

  test('UpdateItem returns the attributes that ReturnValues selects', async () => {
    await put(client, 'hashed', { pk: S('a'), x: N('1'), y: N('2') });
    const values = { ':v': N('9') };
    expect(await update('SET x = :v', { values, returned: 'NONE' })).toBeUndefined();
    await put(client, 'hashed', { pk: S('a'), x: N('1'), y: N('2') });
    expect(await update('SET x = :v, z = :v', { values, returned: 'UPDATED_OLD' })).toEqual({ x: N('1') });
    expect(await update('SET x = :v REMOVE z', { values, returned: 'UPDATED_NEW' })).toEqual({ x: N('9') });
    expect(await update('REMOVE x', { returned: 'ALL_OLD' })).toEqual({ pk: S('a'), x: N('9'), y: N('2') });
  });

  test.each<[string, Options, string]>([
    [
      'SET pk = :v',
      { values: { ':v': S('b') } },
      'One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key',
    ],
    [
      'INVALID SYNTAX HERE',
      {},
      'Invalid UpdateExpression: Syntax error; token: "INVALID", near: "INVALID SYNTAX"',
    ],
    [
      'SET x = :v SET y = :v',
      { values: { ':v': N('1') } },
      'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;',
    ],
    [
      'SET x = :v REMOVE x',
      { values: { ':v': N('1') } },
      'Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [x], path two: [x]',
    ],
    ['SET x = y', {}, 'The provided expression refers to an attribute that does not exist in the item'],
    [
      'ADD x :v',
      { values: { ':v': S('1') } },
      'Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND',
    ],
    [
      'ADD #t :v',
      { values: { ':v': N('1') }, names: { '#t': 'text' } },
      'An operand in the update expression has an incorrect data type',
    ],
    [
      'DELETE #t :v',
      { values: { ':v': { SS: ['x'] } }, names: { '#t': 'text' } },
      'An operand in the update expression has an incorrect data type',
    ],
  ])('The update %s is refused', async (expression, options, message) => {
    const before = { pk: S('a'), text: S('t') };
    await put(client, 'hashed', before);
    await expect(update(expression, options)).rejects.toMatchObject({ name: 'ValidationException', message });
    expect(await stored()).toEqual(before);
  });

  test('An update that makes an item larger than 400 KB is refused', async () => {
    await put(client, 'hashed', { pk: S('a'), v: S('x'.repeat(409_000)) });
    await expect(update('SET w = :w', { values: { ':w': S('x'.repeat(1_000)) } })).rejects.toThrow(
      'Item size to update has exceeded the maximum allowed size',
    );
  });

  test('An update whose condition fails changes nothing', async () => {
    await put(client, 'hashed', { pk: S('a'), n: N('1') });
    await expect(
      update('SET n = :v', { values: { ':v': N('2'), ':seen': N('0') }, condition: 'n = :seen' }),
    ).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    expect((await stored())?.n).toEqual(N('1'));
  });
});
