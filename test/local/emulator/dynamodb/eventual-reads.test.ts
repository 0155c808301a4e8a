import {
  BatchGetItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { type Fault, FaultInjector } from 'switchboard-local/emulator/emulator-faults.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type SdkClients, sdkClients } from '../sdk-clients.ts';

const MAX_STALE_MS = 500;

let clients: SdkClients;
let client: DynamoDBClient;
let faults: FaultInjector;
let seen: Fault[];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
  await start(1);
});

afterEach(() => {
  clients.destroy();
  vi.useRealTimers();
});

async function start(rate: number, seed = 1): Promise<void> {
  seen = [];
  faults = new FaultInjector({
    seed,
    rates: { stale_read: rate },
    maxStaleMs: MAX_STALE_MS,
    onFault: (fault) => seen.push(fault),
  });
  clients = sdkClients({ requestHandler: new Emulator({ faults }).requestHandler() });
  client = clients.dynamodb;
  await client.send(
    new CreateTableCommand({
      TableName: 'state',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
}

const TableName = 'state';
const key = (sk: string) => ({ pk: { S: 'p' }, sk: { S: sk } });
const put = (sk: string, v: number) =>
  client.send(new PutItemCommand({ TableName, Item: { ...key(sk), v: { N: String(v) } } }));
const get = async (sk: string, ConsistentRead?: boolean) =>
  (await client.send(new GetItemCommand({ TableName, Key: key(sk), ConsistentRead }))).Item?.v?.N;
const query = async (ConsistentRead?: boolean) => {
  const command = new QueryCommand({
    TableName,
    KeyConditionExpression: 'pk = :p',
    ExpressionAttributeValues: { ':p': { S: 'p' } },
    ConsistentRead,
  });
  return (await client.send(command)).Items?.map((item) => `${item.sk?.S}=${item.v?.N}`);
};

test('A stale GetItem returns the version before the last write, and then the last one', async () => {
  await put('a', 1);
  vi.advanceTimersByTime(MAX_STALE_MS);
  await put('a', 2);
  expect(await get('a')).toBe('1');
  expect(seen).toMatchObject([{ kind: 'stale_read', target: 'DynamoDB_20120810.GetItem' }]);
  vi.advanceTimersByTime(MAX_STALE_MS);
  expect(await get('a')).toBe('2');
  expect(faults.counts.stale_read).toBe(1);
});

test('A stale GetItem misses a new item and still finds a deleted one', async () => {
  await put('new', 1);
  expect(await get('new')).toBeUndefined();
  vi.advanceTimersByTime(MAX_STALE_MS);
  await client.send(new DeleteItemCommand({ TableName, Key: key('new') }));
  expect(await get('new')).toBe('1');
});

test('A read with ConsistentRead always returns the current state', async () => {
  await put('a', 1);
  expect(await get('a', true)).toBe('1');
  await put('a', 2);
  expect(await get('a', true)).toBe('2');
  expect(await query(true)).toEqual(['a=2']);
  expect(seen).toEqual([]);
});

test('A stale Query returns the whole partition as of the same time', async () => {
  await put('a', 1);
  await put('b', 1);
  vi.advanceTimersByTime(MAX_STALE_MS);
  await put('a', 2);
  await client.send(new DeleteItemCommand({ TableName, Key: key('b') }));
  await put('c', 2);
  expect(await query()).toEqual(['a=1', 'b=1']);
  vi.advanceTimersByTime(MAX_STALE_MS);
  expect(await query()).toEqual(['a=2', 'c=2']);
});

test('BatchGetItem draws for each key, and is consistent where the request asks for it', async () => {
  clients.destroy();
  await start(0.5);
  const names = Array.from({ length: 50 }, (_, index) => `k${index}`);
  for (const name of names) await put(name, 1);
  const found = async (ConsistentRead: boolean) => {
    const RequestItems = { state: { Keys: names.map(key), ConsistentRead } };
    return (await client.send(new BatchGetItemCommand({ RequestItems }))).Responses?.state?.length ?? 0;
  };
  expect(await found(true)).toBe(50);
  const some = await found(false);
  expect(some).toBeGreaterThan(10);
  expect(some).toBeLessThan(40);
  expect(faults.counts.stale_read).toBe(50 - some);
});

test('The age of a stale read is drawn up to the maximum, and depends on the seed only', async () => {
  const run = async (seed: number) => {
    clients.destroy();
    await start(1, seed);
    await put('a', 0);
    vi.advanceTimersByTime(MAX_STALE_MS);
    const read: (string | undefined)[] = [];
    for (let value = 1; value <= 20; value += 1) {
      vi.advanceTimersByTime(MAX_STALE_MS / 5);
      await put('a', value);
      read.push(await get('a'));
    }
    return read;
  };
  const first = await run(7);
  expect(await run(7)).toEqual(first);
  expect(await run(8)).not.toEqual(first);
  const ages = first.map((value, index) => index + 1 - Number(value));
  expect(Math.min(...ages)).toBeLessThanOrEqual(2);
  expect(Math.max(...ages)).toBeGreaterThanOrEqual(4);
  expect(Math.max(...ages)).toBeLessThanOrEqual(5);
});

test('Without a rate for stale reads every read returns the current state', async () => {
  clients.destroy();
  clients = sdkClients({
    requestHandler: new Emulator({ faults: new FaultInjector({ seed: 1 }) }).requestHandler(),
  });
  client = clients.dynamodb;
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  await put('a', 1);
  expect(await get('a')).toBe('1');
});
