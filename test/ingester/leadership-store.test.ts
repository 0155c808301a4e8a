import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LeadershipRecord } from '../../functions/ingester/standby/leadership-record.ts';
import { DynamoDbLeadershipStore } from '../../functions/ingester/standby/leadership-store.ts';
import { LocalAws, STATE_TABLE } from './local-aws.ts';

let aws: LocalAws;
beforeAll(async () => {
  aws = await LocalAws.start();
});
afterAll(() => aws.close());

const storeOf = (set: string) => new DynamoDbLeadershipStore(aws.dynamodb, STATE_TABLE, set);
const RECORD: LeadershipRecord = {
  leader: 'term-1',
  predecessor: undefined,
  counter: 1,
  movedAtMs: 1_800_000_000_000,
  acceptedUntilMs: undefined,
  isReleased: false,
  requests: [],
};

test('A record is read as it was written', async () => {
  const store = storeOf('read');
  expect(await store.read()).toBeUndefined();
  expect(await store.take(RECORD, undefined)).toBe(true);
  expect(await store.read()).toEqual(RECORD);
  const request = { subscription: 'p/0', topicsId: 'ab', fromMs: 1, toMs: 2, isOpen: true };
  const changed = {
    ...RECORD,
    predecessor: 'term-0',
    acceptedUntilMs: 5,
    isReleased: true,
    requests: [request],
  };
  expect(await store.move(changed)).toBe(true);
  expect(await store.read()).toEqual(changed);
});

test('Of two tasks that take over from the same record, one succeeds', async () => {
  const store = storeOf('race');
  expect(await store.take(RECORD, undefined)).toBe(true);
  expect(await store.take({ ...RECORD, leader: 'other' }, undefined)).toBe(false);
  const next = (leader: string) => ({ ...RECORD, leader, counter: 2 });
  expect(await store.take(next('term-2'), RECORD)).toBe(true);
  expect(await store.take(next('term-3'), RECORD)).toBe(false);
  expect(await store.read()).toMatchObject({ leader: 'term-2' });
});

test('A record that has moved since it was read is not replaced', async () => {
  const store = storeOf('moved');
  await store.take(RECORD, undefined);
  await store.move({ ...RECORD, counter: 2 });
  expect(await store.take({ ...RECORD, leader: 'term-2', counter: 2 }, RECORD)).toBe(false);
});

test('A leader that was replaced cannot move the record', async () => {
  const store = storeOf('replaced');
  await store.take(RECORD, undefined);
  await store.take({ ...RECORD, leader: 'term-2', counter: 2 }, RECORD);
  expect(await store.move({ ...RECORD, counter: 3 })).toBe(false);
  expect(await store.read()).toMatchObject({ leader: 'term-2', counter: 2 });
});

test('Each subscription set has its own leader, and the record expires', async () => {
  await storeOf('one').take(RECORD, undefined);
  expect(await storeOf('two').read()).toBeUndefined();
  const [item] = await aws.records('leader');
  expect(Number(item?.expiresAt?.N)).toBeGreaterThan(Date.now() / 1_000 + 90 * 86_400);
});
