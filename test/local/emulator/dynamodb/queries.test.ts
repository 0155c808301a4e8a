import {
  type DynamoDBClient,
  paginateQuery,
  paginateScan,
  QueryCommand,
  type QueryCommandInput,
  type AttributeValue as SdkValue,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { createRanged, localTables, put, type SdkItem } from './local-table.ts';

let client: DynamoDBClient;
beforeEach(async () => {
  ({ client } = await localTables());
});

const S = (text: string) => ({ S: text });
const N = (number: string) => ({ N: number });
const ranges = (items: SdkItem[] | undefined) => items?.map((item) => item.sk?.S ?? item.sk?.N);

async function query(
  condition: string,
  values: Record<string, SdkValue>,
  more: Partial<QueryCommandInput> = {},
) {
  return client.send(
    new QueryCommand({
      TableName: 'ranged',
      KeyConditionExpression: condition,
      ExpressionAttributeValues: values,
      ...more,
    }),
  );
}

describe('Query', () => {
  beforeEach(async () => {
    const names = ['gap#2', 'gap#10', 'gap#1', 'cursor', 'zz'];
    await put(
      client,
      'ranged',
      ...names.map((sk, index) => ({ pk: S('a'), sk: S(sk), v: N(String(index)) })),
    );
    await put(client, 'ranged', { pk: S('b'), sk: S('gap#0') });
  });

  test('A query reads one partition in the order of the range key, forward and backward', async () => {
    const all = await query('pk = :p', { ':p': S('a') });
    expect(ranges(all.Items)).toEqual(['cursor', 'gap#1', 'gap#10', 'gap#2', 'zz']);
    expect(all).toMatchObject({ Count: 5, ScannedCount: 5 });
    const backward = await query('pk = :p', { ':p': S('a') }, { ScanIndexForward: false, Limit: 2 });
    expect(ranges(backward.Items)).toEqual(['zz', 'gap#2']);
  });

  test.each<[string, Record<string, SdkValue>, string[]]>([
    ['begins_with(sk, :r)', { ':r': S('gap#') }, ['gap#1', 'gap#10', 'gap#2']],
    ['sk = :r', { ':r': S('cursor') }, ['cursor']],
    ['sk > :r', { ':r': S('gap#10') }, ['gap#2', 'zz']],
    ['sk <= :r', { ':r': S('gap#1') }, ['cursor', 'gap#1']],
    ['sk BETWEEN :r AND :s', { ':r': S('gap#1'), ':s': S('gap#10') }, ['gap#1', 'gap#10']],
  ])('A query accepts the range condition %s', async (range, values, expected) => {
    const { Items } = await query(`pk = :p AND ${range}`, { ':p': S('a'), ...values });
    expect(ranges(Items)).toEqual(expected);
    const swapped = await query(`${range} AND pk = :p`, { ':p': S('a'), ...values });
    expect(ranges(swapped.Items)).toEqual(expected);
  });

  test('A query counts the items that it reads, and returns the attributes of its projection', async () => {
    const found = await query(
      'pk = :p AND begins_with(sk, :r)',
      { ':p': S('a'), ':r': S('gap#') },
      { ProjectionExpression: 'sk' },
    );
    expect(found).toMatchObject({ Count: 3, ScannedCount: 3 });
    expect(found.Items?.[0]).toEqual({ sk: S('gap#1') });
  });

  test('A query returns pages of the limit, and resumes after a key that does not exist', async () => {
    const pages: (string | undefined)[][] = [];
    const input = {
      TableName: 'ranged',
      KeyConditionExpression: 'pk = :p',
      ExpressionAttributeValues: { ':p': S('a') },
    };
    for await (const { Items = [] } of paginateQuery({ client, pageSize: 2 }, input))
      pages.push(ranges(Items) ?? []);
    expect(pages).toEqual([['cursor', 'gap#1'], ['gap#10', 'gap#2'], ['zz']]);
    const resumed = await query(
      'pk = :p',
      { ':p': S('a') },
      { ExclusiveStartKey: { pk: S('a'), sk: S('gap#11') } },
    );
    expect(ranges(resumed.Items)).toEqual(['gap#2', 'zz']);
  });

  test('A page ends after 1 MB', async () => {
    const half = 'x'.repeat(400_000);
    await put(
      client,
      'ranged',
      ...['1', '2', '3', '4'].map((sk) => ({ pk: S('big'), sk: S(sk), half: S(half) })),
    );
    const first = await query('pk = :p', { ':p': S('big') });
    expect(first.Count).toBe(3);
    const second = await query(
      'pk = :p',
      { ':p': S('big') },
      { ...(first.LastEvaluatedKey && { ExclusiveStartKey: first.LastEvaluatedKey }) },
    );
    expect(ranges(second.Items)).toEqual(['4']);
    expect(second.LastEvaluatedKey).toBeUndefined();
  });

  test('A number range key is ordered by value', async () => {
    await createRanged(client, 'numbered', 'N');
    const written = ['10', '9', '-1', '1.5', '9007199254740993', '9007199254740992'];
    await put(client, 'numbered', ...written.map((sk) => ({ pk: S('a'), sk: N(sk) })));
    const { Items } = await query('pk = :p', { ':p': S('a') }, { TableName: 'numbered' });
    expect(ranges(Items)).toEqual(['-1', '1.5', '9', '10', '9007199254740992', '9007199254740993']);
  });

  test('A string range key is ordered by its UTF-8 bytes', async () => {
    // U+FF5E comes before U+1F600 in UTF-8, but not in UTF-16.
    await put(client, 'ranged', { pk: S('u'), sk: S('\u{1F600}') }, { pk: S('u'), sk: S('\uFF5E') });
    expect(ranges((await query('pk = :p', { ':p': S('u') })).Items)).toEqual(['\uFF5E', '\u{1F600}']);
  });

  test.each<[string, Record<string, SdkValue>, string]>([
    ['sk = :r', { ':r': S('a') }, 'Query condition missed key schema element: pk'],
    ['pk > :p', { ':p': S('a') }, 'Query key condition not supported'],
    ['pk = :p AND v = :v', { ':p': S('a'), ':v': N('1') }, 'Query condition missed key schema element: sk'],
    [
      'pk = :p',
      { ':p': N('1') },
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    ],
  ])('The key condition %s is refused', async (condition, values, message) => {
    await expect(query(condition, values)).rejects.toMatchObject({
      name: 'ValidationException',
      message,
    });
  });
});

describe('Scan', () => {
  test('A scan reads every item once, page by page, while other items are written', async () => {
    const names = Array.from({ length: 25 }, (_, index) => `item-${String(index).padStart(2, '0')}`);
    await put(client, 'hashed', ...names.map((pk) => ({ pk: S(pk) })));
    const seen: (string | undefined)[] = [];
    let page = 0;
    for await (const { Items = [] } of paginateScan({ client, pageSize: 4 }, { TableName: 'hashed' })) {
      seen.push(...Items.map((item) => item.pk?.S));
      await put(client, 'hashed', { pk: S(`added-${page}`) });
      page += 1;
    }
    expect(seen.filter((name) => name?.startsWith('item'))).toEqual(names);
    expect(new Set(seen).size).toBe(seen.length);
  });
});
