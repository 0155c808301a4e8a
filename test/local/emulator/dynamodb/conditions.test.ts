import {
  type DynamoDBClient,
  PutItemCommand,
  type AttributeValue as SdkValue,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { localTables, put, type SdkItem } from './local-table.ts';

let client: DynamoDBClient;

const STANDING: SdkItem = {
  pk: { S: 'a' },
  text: { S: 'hello' },
  n: { N: '10' },
  big: { N: '9007199254740993' },
  flag: { BOOL: true },
  strings: { SS: ['x', 'y'] },
  numbers: { NS: ['1', '2'] },
  items: { L: [{ S: 'first' }, { M: { deep: { N: '1' } } }] },
  map: { M: { 'a.b': { S: 'dotted' }, mid: { S: 'in' } } },
  bytes: { B: new Uint8Array([1, 2, 3]) },
  nothing: { NULL: true },
};

beforeEach(async () => {
  ({ client } = await localTables());
  await put(client, 'hashed', STANDING);
});

async function check(
  ConditionExpression: string,
  values: Record<string, SdkValue> = {},
  names: Record<string, string> = {},
): Promise<boolean> {
  try {
    await client.send(
      new PutItemCommand({
        TableName: 'hashed',
        Item: STANDING,
        ConditionExpression,
        ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
        ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}

const S = (text: string) => ({ S: text });
const N = (number: string) => ({ N: number });

describe('conditions', () => {
  test.each<[string, Record<string, SdkValue>, boolean]>([
    ['n = :v', { ':v': N('10.0') }, true],
    ['n = :v', { ':v': S('10') }, false],
    ['n <> :v', { ':v': N('11') }, true],
    ['absent <> :v', { ':v': N('11') }, true],
    ['absent = :v', { ':v': N('11') }, false],
    ['n < :v', { ':v': N('9') }, false],
    ['n <= :v', { ':v': N('10') }, true],
    ['n > :v', { ':v': N('9.99') }, true],
    ['absent > :v', { ':v': N('1') }, false],
    ['#text >= :v', { ':v': S('hello') }, true],
    // A float would take these two for one.
    ['big = :v', { ':v': N('9007199254740992') }, false],
    ['big > :v', { ':v': N('9007199254740992') }, true],
    ['n BETWEEN :a AND :b', { ':a': N('2'), ':b': N('10') }, true],
    ['n BETWEEN :a AND :b', { ':a': N('11'), ':b': N('20') }, false],
    ['attribute_exists(n)', {}, true],
    ['attribute_not_exists(n)', {}, false],
    ['attribute_not_exists(absent)', {}, true],
    ['begins_with(#text, :v)', { ':v': S('he') }, true],
    ['begins_with(#text, :v)', { ':v': S('lo') }, false],
    ['begins_with(#bytes, :v)', { ':v': { B: new Uint8Array([1, 2]) } }, true],
    ['NOT n = :v', { ':v': N('2') }, true],
    ['strings = :v', { ':v': { SS: ['y', 'x'] } }, true],
    ['#map = :v', { ':v': { M: { mid: S('in'), 'a.b': S('dotted') } } }, true],
    ['#map = :v', { ':v': { M: { mid: S('in') } } }, false],
    ['flag = :v', { ':v': { BOOL: true } }, true],
    ['n = :v AND flag = :f OR absent = :v', { ':v': N('10'), ':f': { BOOL: true } }, true],
    ['n = :no OR n = :v AND NOT n = :v', { ':v': N('10'), ':no': N('0') }, false],
    ['(n = :no OR n = :v) AND NOT (n = :no)', { ':v': N('10'), ':no': N('0') }, true],
  ])('The condition %s with %j is %s', async (expression, values, expected) => {
    const all = { '#text': 'text', '#map': 'map', '#bytes': 'bytes' };
    const used = Object.entries(all).filter(([name]) => expression.includes(name));
    expect(await check(expression, values, Object.fromEntries(used))).toBe(expected);
  });

  test.each<[string, Record<string, SdkValue>, Record<string, string>, string]>([
    [
      'owner = :v',
      { ':v': S('a') },
      {},
      'Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: owner',
    ],
    [
      'n = :v',
      {},
      {},
      'Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :v',
    ],
    [
      '#n = n',
      {},
      {},
      'Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #n',
    ],
    [
      'n = n',
      { ':v': N('1'), ':w': N('1') },
      {},
      'Value provided in ExpressionAttributeValues unused in expressions: keys: {:v, :w}',
    ],
    [
      'n = n',
      {},
      { '#n': 'n' },
      'Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}',
    ],
    ['', {}, {}, 'Invalid ConditionExpression: The expression can not be empty;'],
    ['n =', {}, {}, 'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="'],
    ['n = n n', {}, {}, 'Invalid ConditionExpression: Syntax error; token: "n", near: "n n"'],
    ['n ! n', {}, {}, 'Invalid ConditionExpression: Syntax error; token: "!", near: "n !"'],
    ['exists(n)', {}, {}, 'Invalid ConditionExpression: Invalid function name; function: exists'],
    [
      'begins_with(n)',
      {},
      {},
      'Invalid ConditionExpression: Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1',
    ],
    [
      'n < :v',
      { ':v': { BOOL: true } },
      {},
      'Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: <, operand type: BOOL',
    ],
  ])('The condition %s is refused', async (expression, values, names, message) => {
    await expect(check(expression, values, names)).rejects.toMatchObject({
      name: 'ValidationException',
      message,
    });
  });

  test('An expression above 4 KB and one with too deep nesting are refused', async () => {
    await expect(check(`n = n OR ${'n = n OR '.repeat(460)}n = n`)).rejects.toThrow(/maximum allowed size/);
    await expect(check(`${'('.repeat(2_000)}n = n${')'.repeat(2_000)}`)).rejects.toThrow(/nested deeper/);
  });

  test('A failed condition returns the current item if the request asks for it', async () => {
    const command = (mode?: 'ALL_OLD' | 'NONE') =>
      new PutItemCommand({
        TableName: 'hashed',
        Item: { pk: S('a') },
        ConditionExpression: 'attribute_not_exists(pk)',
        ...(mode && { ReturnValuesOnConditionCheckFailure: mode }),
      });
    await expect(client.send(command('ALL_OLD'))).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
      Item: STANDING,
    });
    const error: unknown = await client.send(command()).catch((reason: unknown) => reason);
    expect(error).not.toHaveProperty('Item', expect.anything());
  });
});
