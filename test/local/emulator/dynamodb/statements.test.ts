import {
  BatchExecuteStatementCommand,
  type BatchStatementRequest,
  type DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  type AttributeValue as SdkValue,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
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
  it('inserts what is new and tells for each statement what was there', async () => {
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

  it('refuses the whole batch where two statements name one item', async () => {
    await expect(batch(claim('a', 'x'), claim('b', 'x'), claim('a', 'y'))).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Provided list of item keys contains duplicates',
    });
    expect(await get('b')).toBeUndefined();
  });

  it('refuses reads and writes in one batch, more than 25 statements, and none', async () => {
    const read = { Statement: `SELECT * FROM "hashed" WHERE pk = 'a'` };
    await expect(batch(claim('a', 'x'), read)).rejects.toThrow(
      'Read and write requests together in the same batch is not supported.',
    );
    const many = Array.from({ length: 26 }, (_, index) => claim(String(index), 'x'));
    await expect(batch(...many)).rejects.toThrow(/less than or equal to 25/);
    await expect(batch()).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(batch(...many.slice(0, 25))).resolves.toHaveLength(25);
  });

  it('reads single items', async () => {
    await put(client, 'hashed', { pk: S('a'), v: N('1'), w: N('2') });
    const responses = await batch(
      { Statement: 'SELECT * FROM "hashed" WHERE pk = ?', Parameters: [S('a')], ConsistentRead: true },
      { Statement: `SELECT v FROM hashed WHERE pk = 'absent'` },
      { Statement: 'SELECT * FROM "hashed" WHERE v = 1' },
    );
    expect(responses).toEqual([
      { TableName: 'hashed', Item: { pk: S('a'), v: N('1'), w: N('2') } },
      { TableName: 'hashed' },
      {
        Error: {
          Code: 'ValidationError',
          Message:
            'Select statements within BatchExecuteStatement must specify the primary key in the where clause.',
        },
      },
    ]);
  });

  it('fails a statement alone where it is wrong, and runs the others', async () => {
    await put(client, 'hashed', { pk: S('a'), owner: S('other') });
    const responses = await batch(
      { Statement: 'UPSERT INTO hashed' },
      { Statement: `INSERT INTO "absent-table" VALUE {'pk': 'a'}` },
      { Statement: `UPDATE "hashed" SET v = 1 WHERE pk = 'a' AND owner = 'mine'` },
      { Statement: `INSERT INTO "hashed" VALUE {'pk': ?}` },
      { Statement: `INSERT INTO "hashed" VALUE {'pk': 5}` },
      claim('new', 'x'),
    );
    expect(responses.map(({ Error: error }) => error?.Code)).toEqual([
      'ValidationError',
      'ResourceNotFound',
      'ConditionalCheckFailed',
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
  it('inserts literals of every kind', async () => {
    const { Items } = await execute(
      `INSERT INTO "hashed" VALUE {'pk': 'it''s', 'n': -1.50, 'yes': true, 'no': false, 'none': null,
       'list': [1, 'a', [?]], 'map': {'x': {'y': ?}}, 'strings': <<'a', 'b'>>, 'numbers': <<1, 2>>};`,
      N('7'),
      S('p'),
    );
    expect(Items).toEqual([]);
    expect(await get("it's")).toEqual({
      pk: S("it's"),
      n: N('-1.5'),
      yes: { BOOL: true },
      no: { BOOL: false },
      none: { NULL: true },
      list: { L: [N('1'), S('a'), { L: [N('7')] }] },
      map: { M: { x: { M: { y: S('p') } } } },
      strings: { SS: ['a', 'b'] },
      numbers: { NS: ['1', '2'] },
    });
  });

  it('fails an INSERT where the key is taken', async () => {
    await put(client, 'hashed', { pk: S('a') });
    await expect(execute(`INSERT INTO "hashed" VALUE {'pk': 'a'}`)).rejects.toMatchObject({
      name: 'DuplicateItemException',
      message: 'Duplicate primary key exists in table',
    });
  });

  it('selects by key, by partition and by anything', async () => {
    await put(
      client,
      'ranged',
      { pk: S('a'), sk: S('1'), v: N('1') },
      { pk: S('a'), sk: S('2'), v: N('2') },
      { pk: S('b'), sk: S('1'), v: N('3') },
    );
    const found = async (where: string, ...parameters: SdkValue[]) =>
      (await execute(`SELECT v FROM "ranged"${where}`, ...parameters)).Items?.map((item) => item.v?.N);
    expect(await found(` WHERE pk = ? AND sk = '2'`, S('a'))).toEqual(['2']);
    expect(await found(` WHERE pk = 'a'`)).toEqual(['1', '2']);
    expect(await found(` WHERE pk = 'a' AND sk > '1'`)).toEqual(['2']);
    expect(await found(` WHERE v IN [1, 3]`)).toEqual(['1', '3']);
    expect(await found(` WHERE v BETWEEN 2 AND 3 AND NOT begins_with(pk, 'b')`)).toEqual(['2']);
    expect(await found(` WHERE w IS MISSING AND (v = 1 OR v = 2)`)).toEqual(['1', '2']);
    expect(await found('')).toEqual(['1', '2', '3']);
  });

  it('pages a SELECT', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    await put(client, 'hashed', ...names.map((pk) => ({ pk: S(pk) })));
    const seen: (string | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.send(
        new ExecuteStatementCommand({
          Statement: 'SELECT * FROM hashed',
          Limit: 2,
          ...(NextToken && { NextToken }),
        }),
      );
      seen.push(...(page.Items ?? []).map((item) => item.pk?.S));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(seen).toEqual(names);
  });

  it('updates under a condition, and creates nothing', async () => {
    await put(client, 'hashed', { pk: S('a'), owner: S('me'), n: N('1'), gone: N('1') });
    const { Items } = await execute(
      `UPDATE "hashed" SET n = n + ?, m = [?] REMOVE gone WHERE pk = 'a' AND "owner" = ? RETURNING ALL NEW *`,
      N('2'),
      S('x'),
      S('me'),
    );
    expect(Items).toEqual([{ pk: S('a'), owner: S('me'), n: N('3'), m: { L: [S('x')] } }]);
    const failed = new ExecuteStatementCommand({
      Statement: `UPDATE "hashed" SET n = 0 WHERE pk = 'a' AND owner = 'you'`,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    await expect(client.send(failed)).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      Item: { n: N('3') },
    });
    await expect(execute(`UPDATE "hashed" SET n = 0 WHERE pk = 'absent'`)).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
    });
    expect(await get('absent')).toBeUndefined();
    await expect(execute(`UPDATE "hashed" SET n = 0 WHERE owner = 'me'`)).rejects.toThrow(
      'Where clause does not contain a mandatory equality on all key attributes',
    );
  });

  it('deletes under a condition', async () => {
    await put(client, 'hashed', { pk: S('a'), v: N('1') });
    await expect(execute(`DELETE FROM "hashed" WHERE pk = 'a' AND v = 2`)).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
    });
    await execute(`DELETE FROM "hashed" WHERE pk = 'absent' AND v = 2`);
    const { Items } = await execute(`DELETE FROM "hashed" WHERE pk = ? RETURNING ALL OLD *`, S('a'));
    expect(Items).toEqual([{ pk: S('a'), v: N('1') }]);
    expect(await get('a')).toBeUndefined();
  });

  it.each([
    ['SLECT * FROM "hashed"', "Statement wasn't well formed, can't be processed: Expected data manipulation"],
    [
      `SELECT * FROM "hashed" WHERE pk = 'a' foo`,
      "Statement wasn't well formed, can't be processed: Unexpected token after expression",
    ],
    [`SELECT * FROM "hashed" t WHERE pk = 'a'`, 'Aliasing is not supported'],
    [`SELECT * FROM "hashed" WHERE pk = ?`, "Number of parameters in request and statement don't match."],
    [`SELECT * FROM "hashed"."index" WHERE pk = 'a'`, 'The emulator has no indexes: name the table alone.'],
    [
      `DELETE FROM "hashed" WHERE pk = 'a' RETURNING MODIFIED OLD *`,
      'Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is allowed in DELETE statements.',
    ],
  ])('refuses %s', async (statement, message) => {
    await expect(execute(statement)).rejects.toMatchObject({ name: 'ValidationException', message });
  });

  it('refuses what would exhaust the stack', async () => {
    const deep = `${'['.repeat(3_000)}1${']'.repeat(3_000)}`;
    await expect(execute(`INSERT INTO "hashed" VALUE {'pk': 'a', 'l': ${deep}}`)).rejects.toThrow(
      /nested deeper/,
    );
    const parentheses = `${'('.repeat(3_000)}pk = 'a'${')'.repeat(3_000)}`;
    await expect(execute(`SELECT * FROM "hashed" WHERE ${parentheses}`)).rejects.toThrow(/nested deeper/);
  });
});
