import {
  type DynamoDBClient,
  paginateQuery,
  paginateScan,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  type AttributeValue as SdkValue,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
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

  it('reads one partition in the order of the range key, forward and backward', async () => {
    const all = await query('pk = :p', { ':p': S('a') });
    expect(ranges(all.Items)).toEqual(['cursor', 'gap#1', 'gap#10', 'gap#2', 'zz']);
    expect(all).toMatchObject({ Count: 5, ScannedCount: 5 });
    const backward = await query('pk = :p', { ':p': S('a') }, { ScanIndexForward: false, Limit: 2 });
    expect(ranges(backward.Items)).toEqual(['zz', 'gap#2']);
  });

  it.each<[string, Record<string, SdkValue>, string[]]>([
    ['begins_with(sk, :r)', { ':r': S('gap#') }, ['gap#1', 'gap#10', 'gap#2']],
    ['sk = :r', { ':r': S('cursor') }, ['cursor']],
    ['sk > :r', { ':r': S('gap#10') }, ['gap#2', 'zz']],
    ['sk <= :r', { ':r': S('gap#1') }, ['cursor', 'gap#1']],
    ['sk BETWEEN :r AND :s', { ':r': S('gap#1'), ':s': S('gap#10') }, ['gap#1', 'gap#10']],
  ])('takes the range condition %s', async (range, values, expected) => {
    const { Items } = await query(`pk = :p AND ${range}`, { ':p': S('a'), ...values });
    expect(ranges(Items)).toEqual(expected);
    const swapped = await query(`${range} AND pk = :p`, { ':p': S('a'), ...values });
    expect(ranges(swapped.Items)).toEqual(expected);
  });

  it('filters after reading and counts both', async () => {
    const found = await query(
      'pk = :p AND begins_with(sk, :r)',
      { ':p': S('a'), ':r': S('gap#'), ':v': N('1') },
      { FilterExpression: 'v > :v', ProjectionExpression: 'sk' },
    );
    expect(found).toMatchObject({ Count: 1, ScannedCount: 3, Items: [{ sk: S('gap#1') }] });
    const counted = await query('pk = :p', { ':p': S('a') }, { Select: 'COUNT' });
    expect(counted).toMatchObject({ Count: 5 });
    expect(counted.Items).toBeUndefined();
  });

  it('pages by limit, also where the last key is gone meanwhile', async () => {
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

  it('ends a page after 1 MB', async () => {
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

  it('orders numbers as numbers', async () => {
    await createRanged(client, 'numbered', 'N');
    const written = ['10', '9', '-1', '1.5', '9007199254740993', '9007199254740992'];
    await put(client, 'numbered', ...written.map((sk) => ({ pk: S('a'), sk: N(sk) })));
    const { Items } = await query('pk = :p', { ':p': S('a') }, { TableName: 'numbered' });
    expect(ranges(Items)).toEqual(['-1', '1.5', '9', '10', '9007199254740992', '9007199254740993']);
  });

  it('orders texts by their bytes in UTF-8', async () => {
    // U+FF5E comes before U+1F600 in UTF-8, but not in UTF-16.
    await put(client, 'ranged', { pk: S('u'), sk: S('\u{1F600}') }, { pk: S('u'), sk: S('\uFF5E') });
    expect(ranges((await query('pk = :p', { ':p': S('u') })).Items)).toEqual(['\uFF5E', '\u{1F600}']);
  });

  it.each<[string, Record<string, SdkValue>, Partial<QueryCommandInput>, string]>([
    ['sk = :r', { ':r': S('a') }, {}, 'Query condition missed key schema element: pk'],
    ['pk > :p', { ':p': S('a') }, {}, 'Query key condition not supported'],
    [
      'pk = :p AND v = :v',
      { ':p': S('a'), ':v': N('1') },
      {},
      'Query condition missed key schema element: sk',
    ],
    [
      'pk = :p',
      { ':p': N('1') },
      {},
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    ],
    [
      'pk = :p',
      { ':p': S('a'), ':s': S('b') },
      { FilterExpression: 'sk = :s' },
      'Filter Expression can only contain non-primary key attributes: Primary key attribute: sk',
    ],
  ])('refuses %s', async (condition, values, more, message) => {
    await expect(query(condition, values, more)).rejects.toMatchObject({
      name: 'ValidationException',
      message,
    });
  });
});

describe('Scan', () => {
  it('reads every item once, page by page, while others are written and deleted', async () => {
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

  it('filters', async () => {
    await put(client, 'hashed', { pk: S('a'), v: N('1') }, { pk: S('b'), v: N('2') }, { pk: S('c') });
    const found = await client.send(
      new ScanCommand({
        TableName: 'hashed',
        FilterExpression: 'v >= :v',
        ExpressionAttributeValues: { ':v': N('2') },
      }),
    );
    expect(found).toMatchObject({ Count: 1, ScannedCount: 3, Items: [{ pk: S('b'), v: N('2') }] });
  });
});
