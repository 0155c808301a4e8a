import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  type BatchStatementRequest,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect } from 'vitest';
import { contract } from './contract.ts';
import { dynamodb, uniqueName } from './contract-clients.ts';
import { createTable, deleteTables, get } from './contract-tables.ts';

let table: string;
beforeAll(async () => {
  table = await createTable('claims');
});
afterAll(deleteTables);

const claim = (id: string, owner: string): BatchStatementRequest => ({
  Statement: `INSERT INTO "${table}" VALUE {'pk': ?, 'owner': ?, 'expiresAt': ?}`,
  Parameters: [{ S: id }, { S: owner }, { N: '4102444800' }],
});
const execute = async (...Statements: BatchStatementRequest[]) =>
  (await dynamodb.send(new BatchExecuteStatementCommand({ Statements }))).Responses ?? [];

contract('dynamodb.partiql.insert', 'Each INSERT of a new key succeeds and has its own answer', async () => {
  const ids = Array.from({ length: 25 }, () => uniqueName('new'));
  const responses = await execute(...ids.map((id) => claim(id, 'me')));
  expect(responses).toHaveLength(25);
  expect(responses.filter((response) => response.Error !== undefined)).toEqual([]);
  expect(await get(table, ids[24] ?? '')).toEqual({
    pk: { S: ids[24] },
    owner: { S: 'me' },
    expiresAt: { N: '4102444800' },
  });
});

contract(
  'dynamodb.partiql.duplicate',
  'An INSERT of an existing key fails alone, without the item',
  async () => {
    const [fresh, taken, other] = [uniqueName('fresh'), uniqueName('taken'), uniqueName('other')];
    await execute(claim(taken, 'first'));
    const responses = await execute(claim(fresh, 'second'), claim(taken, 'second'), claim(other, 'second'));
    expect(responses.map(({ Error: error }) => error?.Code)).toEqual([undefined, 'DuplicateItem', undefined]);
    expect(responses[1]?.Error?.Message).toBe('Duplicate primary key exists in table');
    expect(responses[1]?.Error?.Item).toBeUndefined();
    expect(responses[1]?.Item).toBeUndefined();
    expect((await get(table, taken))?.owner).toEqual({ S: 'first' });
    expect((await get(table, other))?.owner).toEqual({ S: 'second' });
  },
);

contract('dynamodb.partiql.table-name', 'The answer of a statement that ran names its table', async () => {
  const id = uniqueName('named');
  const [inserted] = await execute(claim(id, 'me'));
  const [refused] = await execute(claim(id, 'you'));
  expect(inserted?.TableName).toBe(table);
  expect(refused?.TableName).toBe(table);
});

contract(
  'dynamodb.partiql.same-key',
  'Two statements on one key are refused with the whole batch',
  async () => {
    const id = uniqueName('twice');
    await expect(execute(claim(id, 'a'), claim(id, 'b'))).rejects.toMatchObject({
      name: 'ValidationException',
    });
  },
);

contract('dynamodb.partiql.too-many', 'More than 25 statements are refused', async () => {
  const claims = Array.from({ length: 26 }, () => claim(uniqueName('many'), 'me'));
  await expect(execute(...claims)).rejects.toMatchObject({ name: 'ValidationException' });
});

contract('dynamodb.partiql.malformed', 'A malformed statement fails alone', async () => {
  const id = uniqueName('sibling');
  const responses = await execute({ Statement: `UPSERT INTO "${table}"` }, claim(id, 'me'));
  expect(responses.map(({ Error: error }) => error?.Code)).toEqual(['ValidationError', undefined]);
});

contract('dynamodb.batch-get', 'BatchGetItem reads consistently and omits missing items', async () => {
  const ids = Array.from({ length: 3 }, () => uniqueName('read'));
  await execute(...ids.map((id) => claim(id, 'me')));
  const Keys = [...ids, uniqueName('absent')].map((id) => ({ pk: { S: id } }));
  const { Responses, UnprocessedKeys } = await dynamodb.send(
    new BatchGetItemCommand({
      RequestItems: {
        [table]: {
          Keys,
          ConsistentRead: true,
          ProjectionExpression: 'pk, #owner',
          ExpressionAttributeNames: { '#owner': 'owner' },
        },
      },
    }),
  );
  expect(UnprocessedKeys).toEqual({});
  const found = Responses?.[table] ?? [];
  expect(found.map((item) => item.pk?.S).sort()).toEqual([...ids].sort());
  expect(found[0]).toEqual({ pk: expect.anything(), owner: { S: 'me' } });
});

contract('dynamodb.batch-get.same-key', 'BatchGetItem refuses a duplicate key', async () => {
  const command = new BatchGetItemCommand({
    RequestItems: { [table]: { Keys: [{ pk: { S: 'a' } }, { pk: { S: 'a' } }] } },
  });
  await expect(dynamodb.send(command)).rejects.toMatchObject({ name: 'ValidationException' });
});

contract('dynamodb.batch-get.too-many', 'BatchGetItem refuses more than 100 keys', async () => {
  const Keys = Array.from({ length: 101 }, (_, index) => ({ pk: { S: String(index) } }));
  const command = new BatchGetItemCommand({ RequestItems: { [table]: { Keys } } });
  await expect(dynamodb.send(command)).rejects.toMatchObject({ name: 'ValidationException' });
});
