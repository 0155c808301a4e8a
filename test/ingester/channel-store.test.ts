import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type Channel,
  type ChannelStore,
  IN_USE_MS,
  MemoryChannelStore,
} from '../../functions/ingester/protocols/notification-channels/channel-store.ts';
import { DynamoDbChannelStore } from '../../functions/ingester/protocols/notification-channels/dynamodb-channel-store.ts';
import { TolerantChannelStore } from '../../functions/ingester/protocols/notification-channels/tolerant-channel-store.ts';
import { brokenStore } from './channel-cloud.ts';
import { LocalAws, STATE_TABLE } from './local-aws.ts';
import { TestLog } from './test-log.ts';

const HOUR_MS = 3_600_000;
const CLIENT = 'first-client';
let next = 0;

function channel(lifeMs = 24 * HOUR_MS, tokenLifeMs = lifeMs, clientId = CLIENT): Channel {
  const id = `streaming-0-${String(++next).padStart(6, '0')}`;
  const now = Date.now();
  return {
    id,
    clientId,
    connectUri: `wss://streaming.example/${id}`,
    expiresAtMs: now + lifeMs,
    tokenExpiresAtMs: now + tokenLifeMs,
  };
}

const soon = () => Date.now() + 600_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
});
afterEach(() => vi.useRealTimers());

describe('channels in the state table', () => {
  let aws: LocalAws;
  let store: DynamoDbChannelStore;
  let other: DynamoDbChannelStore;

  beforeAll(async () => {
    aws = await LocalAws.start();
  });
  afterAll(() => aws.close());
  beforeEach(() => {
    const subscription = `set-${++next}`;
    store = new DynamoDbChannelStore(aws.dynamodb, STATE_TABLE, subscription);
    other = new DynamoDbChannelStore(aws.dynamodb, STATE_TABLE, subscription);
  });

  test('An empty state table has no channel', async () => {
    expect(await store.acquire(soon(), CLIENT)).toBeUndefined();
  });

  test('A released channel can be acquired by another task', async () => {
    const one = channel();
    await store.save(one);
    await store.release(one);
    expect(await other.acquire(soon(), CLIENT)).toEqual(one);
  });

  test('A channel in use cannot be acquired until its last touch is too old', async () => {
    const one = channel();
    await store.save(one);
    vi.advanceTimersByTime(IN_USE_MS - 1);
    expect(await other.acquire(soon(), CLIENT)).toBeUndefined();
    await store.touch(one);
    vi.advanceTimersByTime(IN_USE_MS - 1);
    expect(await other.acquire(soon(), CLIENT)).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(await other.acquire(soon(), CLIENT)).toEqual(one);
    expect(await store.acquire(soon(), CLIENT)).toBeUndefined();
  });

  test('A channel that two tasks want at the same time is acquired once', async () => {
    for (let round = 0; round < 20; round++) {
      const one = channel();
      await store.save(one);
      await store.release(one);
      const taken = await Promise.all([store.acquire(soon(), CLIENT), other.acquire(soon(), CLIENT)]);
      expect(taken.filter((found) => found !== undefined)).toEqual([one]);
    }
  });

  test('Several channels are acquired once each', async () => {
    const channels = [channel(), channel(), channel()];
    for (const one of channels) await store.save(one);
    for (const one of channels) await store.release(one);
    const found: (Channel | undefined)[] = [];
    for (let n = 0; n < 4; n++) found.push(await (n % 2 === 0 ? store : other).acquire(soon(), CLIENT));
    expect(found[3]).toBeUndefined();
    expect(new Set(found.slice(0, 3).map((one) => one?.id))).toEqual(new Set(channels.map(({ id }) => id)));
  });

  test('A channel is acquired only for the OAuth client that created it', async () => {
    const one = channel();
    const second = channel(HOUR_MS, HOUR_MS, 'second-client');
    for (const created of [one, second]) {
      await store.save(created);
      await store.release(created);
    }
    expect(await other.acquire(soon(), 'third-client')).toBeUndefined();
    expect(await other.acquire(soon(), 'second-client')).toEqual(second);
    expect(await other.acquire(soon(), 'second-client')).toBeUndefined();
    expect(await other.acquire(soon(), CLIENT)).toEqual(one);
  });

  test('A channel that was stored without an OAuth client is not acquired', async () => {
    const one = channel();
    await store.save(one);
    await store.release(one);
    const [record] = (await aws.records('channel#')).filter(({ channelId }) => channelId?.S === one.id);
    const { clientId: _, ...Item } = record ?? {};
    await aws.dynamodb.send(new PutItemCommand({ TableName: STATE_TABLE, Item }));
    expect(await other.acquire(soon(), CLIENT)).toBeUndefined();
  });

  test('A channel that expires too soon, or whose token does, is not acquired', async () => {
    for (const one of [channel(HOUR_MS, 600_000), channel(600_000, HOUR_MS)]) {
      await store.save(one);
      await store.release(one);
    }
    expect(await store.acquire(soon(), CLIENT)).toBeUndefined();
    expect(await store.acquire(soon() - 1, CLIENT)).toBeDefined();
  });

  test('A forgotten channel is restored neither by a touch nor by a release', async () => {
    const one = channel();
    await store.save(one);
    await store.forget(one);
    await store.touch(one);
    await store.release(one);
    vi.advanceTimersByTime(IN_USE_MS);
    expect(await store.acquire(soon(), CLIENT)).toBeUndefined();
    const left = await aws.records('channel#');
    expect(left.filter(({ channelId }) => channelId === undefined || channelId.S === one.id)).toEqual([]);
  });

  test('A channel of one subscription set is not acquired by another one', async () => {
    const one = channel();
    await store.save(one);
    await store.release(one);
    expect(
      await new DynamoDbChannelStore(aws.dynamodb, STATE_TABLE, 'elsewhere').acquire(soon(), CLIENT),
    ).toBeUndefined();
  });

  test('A channel has the time of its expiry in seconds for the TTL of the table, and its key hides its id', async () => {
    const one = channel(HOUR_MS);
    await store.save(one);
    const [record] = (await aws.records('channel#')).filter(({ channelId }) => channelId?.S === one.id);
    expect(record?.expiresAt?.N).toBe(String(one.expiresAtMs / 1000));
    expect(record?.sk?.S).not.toContain(one.id);
  });

  test('A failure of the state table is an error', async () => {
    const broken = new DynamoDbChannelStore(aws.dynamodb, 'no-such-table', 'set');
    await expect(broken.acquire(soon(), CLIENT)).rejects.toThrow(/not found/);
    await expect(broken.touch(channel())).rejects.toThrow(/not found/);
  });
});

describe('channels in memory', () => {
  test('A released channel is acquired once, unless it expires too soon', async () => {
    const store = new MemoryChannelStore();
    const [one, short] = [channel(), channel(600_000)];
    await store.save();
    expect(await store.acquire(soon(), CLIENT)).toBeUndefined();
    await store.release(short);
    await store.release(one);
    expect(await store.acquire(soon(), CLIENT)).toBe(one);
    expect(await store.acquire(0, CLIENT)).toBeUndefined();
    await store.release(one);
    await store.touch();
    await store.forget(one);
    expect(await store.acquire(soon(), CLIENT)).toBeUndefined();
  });
});

test('A channel in memory is acquired only for the OAuth client that created it', async () => {
  const store = new MemoryChannelStore();
  const one = channel();
  await store.release(one);
  expect(await store.acquire(soon(), 'second-client')).toBeUndefined();
  expect(await store.acquire(soon(), CLIENT)).toBe(one);
});

describe('a tolerant channel store', () => {
  test('A failure of the store is logged and has no other effect', async () => {
    const log = new TestLog();
    const store = new TolerantChannelStore(brokenStore, log);
    expect(await store.acquire(0, CLIENT)).toBeUndefined();
    await store.save(channel());
    await store.touch(channel());
    await store.release(channel());
    await store.forget(channel());
    await store.settled();
    expect(log.lines.map(({ fields }) => fields)).toEqual(
      ['acquire', 'save', 'touch', 'release', 'forget'].map((action) => ({ action, reason: 'no table' })),
    );
  });

  test('Calls run one after another, so that a released channel can be acquired by the next call', async () => {
    const memory = new MemoryChannelStore();
    const one = channel();
    const gate = Promise.withResolvers<void>();
    const slow = Object.assign(Object.create(memory) as ChannelStore, {
      release: async (given: Channel) => {
        await gate.promise;
        await memory.release(given);
      },
    });
    const store = new TolerantChannelStore(slow, new TestLog());
    void store.release(one);
    const acquired = store.acquire(0, CLIENT);
    gate.resolve();
    expect(await acquired).toBe(one);
  });

  test('A channel is not touched again while a touch is in progress', async () => {
    let touches = 0;
    const gate = Promise.withResolvers<void>();
    const slow = Object.assign(Object.create(new MemoryChannelStore()) as ChannelStore, {
      touch: () => {
        touches++;
        return gate.promise;
      },
    });
    const store = new TolerantChannelStore(slow, new TestLog());
    const one = channel();
    const touching = [store.touch(one), store.touch(one), store.touch(one)];
    gate.resolve();
    await Promise.all(touching);
    expect(touches).toBe(1);
    await store.touch(one);
    expect(touches).toBe(2);
  });
});
