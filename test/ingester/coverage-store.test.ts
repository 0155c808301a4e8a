import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { DynamoDbCoverageStore, topicsId } from '../../functions/ingester/coverage-store.ts';
import { LocalAws, STATE_TABLE } from './local-aws.ts';

const START_MS = 1_800_000_000_000;
const DAY_SECONDS = 86_400;
const TOPICS = ['v2.users.b.presence', 'v2.users.a.presence'];

let aws: LocalAws;
let store: DynamoDbCoverageStore;

beforeAll(async () => {
  aws = await LocalAws.start();
});
afterAll(() => aws.close());
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START_MS });
  store = new DynamoDbCoverageStore(aws.dynamodb, STATE_TABLE, 'default');
});
afterEach(() => vi.useRealTimers());

const records = async (prefix: string) =>
  (await aws.records(prefix)).toSorted((a, b) => (a.sk?.S ?? '').localeCompare(b.sk?.S ?? ''));

test('A gap is a record that is kept for 90 days', async () => {
  const gap = { fromMs: START_MS, toMs: START_MS + 1_500, topicsId: 't1' };
  await store.putGap({ ...gap, subscription: '2', reason: '1001 maintenance' }, 'task-1');
  await store.putGap({ ...gap, subscription: '3', reason: '1006', clockJumpMs: -5_000 }, 'task-1');
  expect(await records('gap#')).toEqual([
    {
      pk: { S: 'subscription#default' },
      sk: { S: 'gap#2027-01-15T08:00:00.000Z#task-1#2#t1' },
      task: { S: 'task-1' },
      subscription: { S: '2' },
      topicsId: { S: 't1' },
      fromMs: { N: String(START_MS) },
      toMs: { N: String(START_MS + 1_500) },
      reason: { S: '1001 maintenance' },
      expiresAt: { N: String(START_MS / 1_000 + 90 * DAY_SECONDS) },
    },
    expect.objectContaining({
      sk: { S: 'gap#2027-01-15T08:00:00.000Z#task-1#3#t1' },
      clockJumpMs: { N: '-5000' },
    }),
  ]);
});

test('Gaps of two tasks, subscriptions or lists of topics with one beginning are different records', async () => {
  const gap = {
    subscription: '0',
    topicsId: 't',
    fromMs: START_MS + 7_000,
    toMs: START_MS + 8_000,
    reason: 'x',
  };
  await store.putGap(gap, 'a');
  await store.putGap(gap, 'b');
  await store.putGap({ ...gap, subscription: '1' }, 'a');
  await store.putGap({ ...gap, topicsId: 'u' }, 'a');
  expect(await records('gap#2027-01-15T08:00:07.000Z')).toHaveLength(4);
});

test('A gap that is recorded again with a later end replaces its record', async () => {
  const gap = { subscription: '0', topicsId: 't', fromMs: START_MS + 9_000, reason: 'x' };
  await store.putGap({ ...gap, toMs: START_MS + 10_000 }, 'a');
  await store.putGap({ ...gap, toMs: START_MS + 11_000 }, 'a');
  expect(await records('gap#2027-01-15T08:00:09.000Z')).toMatchObject([
    { toMs: { N: String(START_MS + 11_000) } },
  ]);
});

test('A list of topics is a record that is kept longer than the gaps that refer to it', async () => {
  const id = topicsId(TOPICS);
  await store.putTopics(id, TOPICS);
  expect(await records('topics#')).toEqual([
    {
      pk: { S: 'subscription#default' },
      sk: { S: `topics#${id}` },
      topics: { L: TOPICS.map((topic) => ({ S: topic })) },
      expiresAt: { N: String(START_MS / 1_000 + 180 * DAY_SECONDS) },
    },
  ]);
});

test('The id of a list of topics does not depend on their order, and does on every topic', () => {
  const id = topicsId(TOPICS);
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(topicsId(TOPICS.toReversed())).toBe(id);
  expect(topicsId(TOPICS.slice(1))).not.toBe(id);
  expect(topicsId([TOPICS.join('","')])).not.toBe(id);
});

test('Proofs are read by subscription set, and can be replaced and deleted', async () => {
  const proof = {
    task: 'task-1',
    subscription: '0',
    coveredUntilMs: START_MS,
    storedAtMs: START_MS + 5,
    isFinal: false,
  };
  const other = { ...proof, task: 'task-2', isFinal: true };
  const elsewhere = new DynamoDbCoverageStore(aws.dynamodb, STATE_TABLE, 'another-set');
  await store.putProof(proof);
  await store.putProof(other);
  await elsewhere.putProof({ ...proof, task: 'task-3' });
  expect(await store.proofs()).toEqual([proof, other]);
  const later = { ...proof, coveredUntilMs: START_MS + 10, storedAtMs: START_MS + 10 };
  await store.putProof(later);
  expect(await store.proofs()).toEqual([later, other]);
  await store.deleteProof(other);
  expect(await store.proofs()).toEqual([later]);
  expect(await elsewhere.proofs()).toHaveLength(1);
});

test('A span is a record that is kept longer than the gaps within it', async () => {
  const span = {
    task: 'task-1',
    subscription: '0',
    topicsId: 't1',
    fromMs: START_MS,
    toMs: START_MS + 5_000,
  };
  await store.putSpan(span);
  await store.putSpan({ ...span, toMs: START_MS + 9_000 });
  expect(await records('span#')).toEqual([
    {
      pk: { S: 'subscription#default' },
      sk: { S: 'span#2027-01-15T08:00:00.000Z#task-1#0#t1' },
      task: { S: 'task-1' },
      subscription: { S: '0' },
      topicsId: { S: 't1' },
      fromMs: { N: String(START_MS) },
      toMs: { N: String(START_MS + 9_000) },
      expiresAt: { N: String(START_MS / 1_000 + 180 * DAY_SECONDS) },
    },
  ]);
});

test('A proof has the topics that are covered and since when', async () => {
  const set = new DynamoDbCoverageStore(aws.dynamodb, STATE_TABLE, 'covering-set');
  const proof = {
    task: 'task-1',
    subscription: '0',
    coveredUntilMs: START_MS + 9,
    covering: { topicsId: 't1', fromMs: START_MS },
    storedAtMs: START_MS + 9,
    isFinal: false,
  };
  await set.putProof(proof);
  expect(await set.proofs()).toEqual([proof]);
});

test('Proofs are read page by page', async () => {
  const big = new DynamoDbCoverageStore(aws.dynamodb, STATE_TABLE, 'big-set');
  // A page has 1 MB, so that long names need several.
  const names = Array.from({ length: 1_200 }, (_, n) => `${String(n).padStart(4, '0')}-${'x'.repeat(450)}`);
  for (const task of names)
    await big.putProof({ task, subscription: '0', coveredUntilMs: 1, storedAtMs: 2, isFinal: false });
  expect((await big.proofs()).map(({ task }) => task)).toEqual(names);
});
