import {
  BatchExecuteStatementCommand,
  type BatchStatementRequest,
  type DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  type AttributeValue as SdkValue,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { localTables, put, type SdkItem } from './local-table.ts';

let client: DynamoDBClient;
beforeEach(async () => {
  ({ client } = await localTables());
});

const S = (text: string) => ({ S: text });
const N = (number: string) => ({ N: number });
const get = async (pk: string): Promise<SdkItem | undefined> =>
  (await client.send(new GetItemCommand({ TableName: 'hashed', Key: { pk: S(pk) } }))).Item;
const execute = (Statement: string, ...Parameters: SdkValue[]) =>
  client.send(new ExecuteStatementCommand({ Statement, ...(Parameters.length > 0 && { Parameters }) }));
const batch = async (...Statements: BatchStatementRequest[]) =>
  (await client.send(new BatchExecuteStatementCommand({ Statements }))).Responses ?? [];
const claim = (id: string, owner: string): BatchStatementRequest => ({
  Statement: `INSERT INTO "hashed" VALUE {'pk': ?, 'owner': ?, 'expiresAt': ?}`,
  Parameters: [S(id), S(owner), N('1700000000')],
});

describe('BatchExecuteStatement', () => {
  test('A batch inserts new items and reports each existing one', async () => {
    await batch(claim('event#2', 'first'));
    const responses = await batch(
      claim('event#1', 'second'),
      claim('event#2', 'second'),
      claim('event#3', 'second'),
    );
    expect(responses).toEqual([
      { TableName: 'hashed' },
      {
        TableName: 'hashed',
        Error: { Code: 'DuplicateItem', Message: 'Duplicate primary key exists in table' },
      },
      { TableName: 'hashed' },
    ]);
    expect((await get('event#2'))?.owner).toEqual(S('first'));
    expect(await get('event#3')).toEqual({
      pk: S('event#3'),
      owner: S('second'),
      expiresAt: N('1700000000'),
    });
  });

  test('A batch with two statements on one item is refused as a whole', async () => {
    await expect(batch(claim('a', 'x'), claim('b', 'x'), claim('a', 'y'))).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Provided list of item keys contains duplicates',
    });
    expect(await get('b')).toBeUndefined();
  });

  test('A batch of more than 25 statements or of none is refused', async () => {
    const many = Array.from({ length: 26 }, (_, index) => claim(String(index), 'x'));
    await expect(batch(...many)).rejects.toThrow(/from 1 to 25/);
    await expect(batch()).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(batch(...many.slice(0, 25))).resolves.toHaveLength(25);
  });

  test('Only the invalid statement fails, and the others are executed', async () => {
    await put(client, 'hashed', { pk: S('a'), owner: S('other') });
    const responses = await batch(
      { Statement: 'UPSERT INTO hashed' },
      { Statement: `INSERT INTO "absent-table" VALUE {'pk': 'a'}` },
      { Statement: `INSERT INTO "hashed" VALUE {'pk': 'a'}` },
      { Statement: `INSERT INTO "hashed" VALUE {'pk': ?}` },
      { Statement: `INSERT INTO "hashed" VALUE {'pk': 5}` },
      claim('new', 'x'),
    );
    expect(responses.map(({ Error: error }) => error?.Code)).toEqual([
      'ValidationError',
      'ResourceNotFound',
      'DuplicateItem',
      'ValidationError',
      'ValidationError',
      undefined,
    ]);
    // Only a statement that reached its table names it.
    expect(responses.map(({ TableName }) => TableName !== undefined)).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    expect(await get('new')).toBeDefined();
  });
});

describe('ExecuteStatement', () => {
  test('INSERT takes parameters and literal strings, numbers, booleans and null', async () => {
    const { Items } = await execute(
      `INSERT INTO "hashed" VALUE {'pk': 'it''s', 'n': -1.50, 'yes': true, 'no': false, 'none': null, 'p': ?};`,
      { M: { list: { L: [N('7')] } } },
    );
    expect(Items).toEqual([]);
    expect(await get("it's")).toEqual({
      pk: S("it's"),
      n: N('-1.5'),
      yes: { BOOL: true },
      no: { BOOL: false },
      none: { NULL: true },
      p: { M: { list: { L: [N('7')] } } },
    });
  });

  test('INSERT fails for a key that exists', async () => {
    await put(client, 'hashed', { pk: S('a') });
    await expect(execute(`INSERT INTO "hashed" VALUE {'pk': 'a'}`)).rejects.toMatchObject({
      name: 'DuplicateItemException',
      message: 'Duplicate primary key exists in table',
    });
  });

  test.each([
    ['SLECT * FROM "hashed"', "Statement wasn't well formed, can't be processed: Expected data manipulation"],
    [
      `INSERT INTO "hashed" VALUE {'pk': 'a'} foo`,
      "Statement wasn't well formed, can't be processed: Unexpected token after expression",
    ],
    [
      `INSERT INTO "hashed" VALUE {pk: 'a'}`,
      "Statement wasn't well formed, can't be processed: Expected an attribute name in quotes but found pk",
    ],
    [
      `INSERT INTO "hashed"."index" VALUE {'pk': 'a'}`,
      "Statement wasn't well formed, can't be processed: Expected VALUE but found .",
    ],
    [`INSERT INTO "hashed" VALUE {'pk': ?}`, "Number of parameters in request and statement don't match."],
  ])('The statement %s is refused', async (statement, message) => {
    await expect(execute(statement)).rejects.toMatchObject({ name: 'ValidationException', message });
  });
});
