import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RejectedTopics } from '../../functions/ingester/protocols/notification-channels/rejected-topics.ts';
import { RETRY_REJECTED_MS } from '../../functions/ingester/protocols/notification-channels/subscription-channels.ts';
import type { ProtocolContext } from '../../functions/ingester/protocols/stream-protocol.ts';
import { ChannelCloud, TOPICS } from './channel-cloud.ts';
import { TestLog } from './test-log.ts';

const NOW = 1_800_000_000_000;
const NOT_NAMED = 'the answer does not name the topic';

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: NOW }));
afterEach(() => vi.useRealTimers());

describe('the outcomes of topics', () => {
  let log: TestLog;
  let gaps: Parameters<ProtocolContext['recordGap']>[0][];
  let rejected: RejectedTopics;

  beforeEach(() => {
    log = new TestLog();
    gaps = [];
    rejected = new RejectedTopics({ log, recordGap: (gap) => gaps.push(gap) });
  });

  const learn = (asked: string[], outcomes: Record<string, string | undefined>, isWhole = true) =>
    rejected.learn(asked, new Map(Object.entries(outcomes)), isWhole);

  test('A topic that the response does not name is rejected', () => {
    learn(['a', 'b'], { a: undefined });
    expect(Object.fromEntries(rejected)).toEqual({ b: NOT_NAMED });
    expect(log.about('rejected a topic').map(({ fields }) => fields)).toEqual([
      { topic: 'b', reason: NOT_NAMED },
    ]);
  });

  test('A response for all topics clears the rejections of topics that were not requested', () => {
    learn(['a', 'b'], { a: 'no', b: undefined });
    learn(['b'], { b: undefined });
    expect(rejected.size).toBe(0);
  });

  test('A response for some topics keeps the rejections of the others', () => {
    learn(['a', 'b'], { a: 'no', b: 'no' });
    learn(['a'], { a: undefined }, false);
    expect([...rejected.keys()]).toEqual(['b']);
  });

  test('The parts of a combined topic that is permitted now are no longer rejected', () => {
    const combined = 'v2.users.b?presence&station';
    learn([combined], { [combined]: undefined, 'v2.users.b.station': 'no' });
    expect([...rejected.keys()]).toEqual(['v2.users.b.station']);
    learn([combined], { [combined]: undefined }, false);
    expect([...rejected.keys()]).toEqual([]);
  });

  test('The time in which a topic is rejected is a gap of this topic', () => {
    learn(['a', 'b'], { a: 'no', b: undefined });
    vi.setSystemTime(NOW + 60_000);
    learn(['a'], { a: undefined }, false);
    expect(gaps).toEqual([{ topics: ['a'], fromMs: NOW, toMs: NOW + 60_000, reason: 'topic rejected' }]);
    vi.setSystemTime(NOW + 120_000);
    rejected.recordGaps();
    expect(gaps).toHaveLength(1);
  });

  test('A gap that continues is recorded again with the same beginning and a later end', () => {
    learn(['a'], { a: 'no' });
    for (const minutes of [1, 2]) {
      vi.setSystemTime(NOW + minutes * 60_000);
      learn(['a'], { a: 'no' }, false);
    }
    expect(gaps.map(({ fromMs, toMs }) => [fromMs - NOW, toMs - NOW])).toEqual([
      [0, 60_000],
      [0, 120_000],
    ]);
  });

  test('Topics that were rejected at the same time have one gap, others have their own', () => {
    learn(['a', 'b', 'c'], { a: 'no', b: 'no', c: undefined });
    vi.setSystemTime(NOW + 1_000);
    learn(['c'], { c: 'no' }, false);
    gaps.length = 0;
    vi.setSystemTime(NOW + 2_000);
    rejected.recordGaps();
    expect(gaps.map(({ topics, fromMs }) => [topics, fromMs - NOW])).toEqual([
      [['a', 'b'], 0],
      [['c'], 1_000],
    ]);
  });

  test('A topic that is rejected again has a new gap', () => {
    learn(['a'], { a: 'no' });
    vi.setSystemTime(NOW + 1_000);
    learn(['a'], { a: undefined });
    vi.setSystemTime(NOW + 5_000);
    learn(['a'], { a: 'no' });
    vi.setSystemTime(NOW + 6_000);
    rejected.recordGaps();
    expect(gaps.map(({ fromMs, toMs }) => [fromMs - NOW, toMs - NOW])).toEqual([
      [0, 1_000],
      [5_000, 6_000],
    ]);
  });
});

describe('rejected topics of a channel', () => {
  let cloud: ChannelCloud;
  afterEach(() => cloud.close());

  /** Answer the calls that change topics: these topics are rejected, all others are permitted. */
  function reject(...topics: string[]): void {
    cloud.intercept = (_method, path) =>
      path.endsWith('subscriptions')
        ? Response.json({
            entities: TOPICS.map((id) => ({ id, state: topics.includes(id) ? 'Rejected' : 'Permitted' })),
          })
        : undefined;
  }

  test('Only rejected topics are requested again, after a minute', async () => {
    cloud = await ChannelCloud.start();
    reject(TOPICS[0]!);
    const session = await cloud.open();
    cloud.newCalls();
    vi.setSystemTime(NOW + RETRY_REJECTED_MS - 1);
    cloud.channels.touch(session);
    expect(cloud.newCalls()).toEqual([]);
    vi.setSystemTime(NOW + RETRY_REJECTED_MS);
    reject();
    cloud.channels.touch(session);
    await vi.waitFor(() => expect(cloud.channels.rejected.size).toBe(0), { interval: 1, timeout: 60_000 });
    expect(cloud.newCalls()).toEqual([['POST', 'channels/{id}/subscriptions', TOPICS[0]]]);
    expect(cloud.topicGaps).toMatchObject([{ topics: [TOPICS[0]], fromMs: NOW, reason: 'topic rejected' }]);
    expect(cloud.topicGaps[0]?.toMs).toBeGreaterThanOrEqual(NOW + RETRY_REJECTED_MS);
  });

  test('A combined topic is requested again if one of its parts is rejected', async () => {
    cloud = await ChannelCloud.start({ deniedTopics: ['v2.users.{id}.station'] });
    const session = await cloud.open();
    expect([...cloud.channels.rejected.keys()]).toEqual(['v2.users.b.station']);
    cloud.newCalls();
    vi.setSystemTime(NOW + RETRY_REJECTED_MS);
    reject();
    cloud.channels.touch(session);
    await vi.waitFor(() => expect(cloud.channels.rejected.size).toBe(0), { interval: 1, timeout: 60_000 });
    expect(cloud.newCalls()).toEqual([['POST', 'channels/{id}/subscriptions', TOPICS[1]]]);
  });

  test('A retry that fails is logged, and the topic stays rejected until the next one', async () => {
    cloud = await ChannelCloud.start();
    reject(TOPICS[0]!);
    const session = await cloud.open();
    cloud.intercept = () => Response.json({}, { status: 400 });
    vi.setSystemTime(NOW + RETRY_REJECTED_MS);
    cloud.channels.touch(session);
    await vi.waitFor(() => expect(cloud.log.about('requested again')).toHaveLength(1), {
      interval: 1,
      timeout: 60_000,
    });
    expect([...cloud.channels.rejected.keys()]).toEqual([TOPICS[0]]);
    reject();
    vi.setSystemTime(NOW + 2 * RETRY_REJECTED_MS);
    cloud.channels.touch(session);
    await vi.waitFor(() => expect(cloud.channels.rejected.size).toBe(0), { interval: 1, timeout: 60_000 });
  });

  test('Without rejected topics nothing is requested again', async () => {
    cloud = await ChannelCloud.start();
    const session = await cloud.open();
    cloud.newCalls();
    vi.setSystemTime(NOW + 10 * RETRY_REJECTED_MS);
    cloud.channels.touch(session);
    await cloud.channels.end();
    expect(cloud.newCalls()).toEqual([]);
    expect(cloud.topicGaps).toEqual([]);
  });

  test('The end of a subscription records the gaps of its rejected topics', async () => {
    cloud = await ChannelCloud.start();
    reject(TOPICS[0]!);
    await cloud.open();
    vi.setSystemTime(NOW + 5_000);
    await cloud.channels.end();
    expect(cloud.topicGaps).toMatchObject([{ topics: [TOPICS[0]], fromMs: NOW, toMs: NOW + 5_000 }]);
  });

  test('A topic stays a gap on the channel that lacks it, although a new channel that failed had it', async () => {
    cloud = await ChannelCloud.start();
    reject(TOPICS[0]!);
    const old = await cloud.open();
    vi.setSystemTime(NOW + 1_000);
    reject();
    const failed = await cloud.open('restart');
    failed.release('reusable');
    expect([...cloud.channels.rejected.keys()]).toEqual([TOPICS[0]]);
    vi.setSystemTime(NOW + 9_000);
    old.release('gone');
    expect(cloud.topicGaps).toMatchObject([{ topics: [TOPICS[0]], fromMs: NOW, toMs: NOW + 9_000 }]);
  });
});

describe('what a session delivers', () => {
  let cloud: ChannelCloud;
  afterEach(() => cloud.close());

  const answer = (states: Record<string, string>) => {
    cloud.intercept = (_method, path) =>
      path.endsWith('subscriptions')
        ? Response.json({ entities: Object.entries(states).map(([id, state]) => ({ id, state })) })
        : undefined;
  };

  test('A session delivers the topics that it had when its socket was opened, and no rejected ones', async () => {
    cloud = await ChannelCloud.start();
    answer({ [TOPICS[0]!]: 'Permitted', [TOPICS[1]!]: 'Rejected', [TOPICS[2]!]: 'Permitted' });
    const session = await cloud.open();
    session.onOpen();
    const beforeTick = performance.now() - 1_000;
    expect(session.delivers(TOPICS[0]!, beforeTick)).toBe(true);
    expect(session.delivers('v2.users.b.presence', beforeTick)).toBe(false);
    expect(session.delivers('v2.users.b.station', beforeTick)).toBe(false);
  });

  test('A topic that is added to an open session is delivered from the time of the response', async () => {
    cloud = await ChannelCloud.start();
    const session = await cloud.open();
    session.onOpen();
    const beforeTick = performance.now();
    const more = 'v2.users.c?presence&station';
    answer({ [more]: 'Permitted' });
    await session.update({ topics: [...TOPICS, more] });
    const afterTick = performance.now();
    for (const name of ['v2.users.c.presence', 'v2.users.c.station']) {
      expect(session.delivers(name, beforeTick)).toBe(false);
      expect(session.delivers(name, afterTick)).toBe(true);
    }
    expect(session.delivers(TOPICS[0]!, beforeTick)).toBe(true);
  });

  test('A topic is not delivered while the call that adds it has no response, or after the call has failed', async () => {
    cloud = await ChannelCloud.start();
    const session = await cloud.open();
    session.onOpen();
    cloud.intercept = () => {
      expect(session.delivers('v2.users.c.presence', performance.now())).toBe(false);
      return Response.json({}, { status: 400 });
    };
    await expect(session.update({ topics: [...TOPICS, 'v2.users.c.presence'] })).rejects.toThrow();
    expect(session.delivers('v2.users.c.presence', performance.now())).toBe(false);
  });
});
