import type { SimulatorOptions } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  IN_USE_MS,
  TOUCH_INTERVAL_MS,
} from '../../functions/ingester/protocols/notification-channels/channel-store.ts';
import { brokenStore, ChannelCloud, CLIENTS, channelId, PUT_ALL, TOPICS } from './channel-cloud.ts';

const NOW = 1_800_000_000_000;

let cloud: ChannelCloud;

afterEach(async () => {
  vi.useRealTimers();
  await cloud.close();
});

async function start(options: SimulatorOptions = {}): Promise<void> {
  cloud = await ChannelCloud.start(options);
}

describe('opening a session', () => {
  test('Without a stored channel a session has a new channel with all topics', async () => {
    await start();
    const session = await cloud.open();
    expect(cloud.newCalls()).toEqual([['POST', 'channels'], PUT_ALL]);
    expect(cloud.simulator.channelIds).toEqual([channelId(session)]);
    expect(session.url).toBe(session.channel.connectUri);
    expect('headers' in session).toBe(false);
  });

  test('A stored channel that still exists is used again, and all topics are set', async () => {
    await start();
    const first = await cloud.open();
    first.release('reusable');
    cloud.newCalls();
    const again = await cloud.open('restart', TOPICS, cloud.newChannels());
    expect(cloud.newCalls()).toEqual([['HEAD', 'channels/{id}'], PUT_ALL]);
    expect(again.url).toBe(first.url);
  });

  test('A stored channel that no longer exists is forgotten and replaced by a new one', async () => {
    await start();
    const first = await cloud.open();
    first.release('reusable');
    cloud.simulator.evictChannel(channelId(first));
    cloud.newCalls();
    const again = await cloud.open();
    expect(cloud.newCalls()).toEqual([['HEAD', 'channels/{id}'], ['POST', 'channels'], PUT_ALL]);
    again.release('gone');
    await cloud.channels.end();
    expect(await cloud.store.acquire(0, CLIENTS[0])).toBeUndefined();
  });

  test('A stored channel that disappears before its topics are set is not used again', async () => {
    await start();
    (await cloud.open()).release('reusable');
    cloud.intercept = (method) => (method === 'PUT' ? new Response('{}', { status: 404 }) : undefined);
    await expect(cloud.open()).rejects.toMatchObject({ code: 'not_found' });
    cloud.intercept = () => undefined;
    cloud.newCalls();
    await cloud.open('restart');
    expect(cloud.newCalls()).toEqual([['POST', 'channels'], PUT_ALL]);
  });

  test('A channel whose topics cannot be set now is released for the next attempt', async () => {
    await start();
    cloud.intercept = (method) => (method === 'PUT' ? new Response('{}', { status: 400 }) : undefined);
    await expect(cloud.open()).rejects.toMatchObject({ code: 'refused' });
    cloud.intercept = () => undefined;
    cloud.newCalls();
    await cloud.open();
    expect(cloud.newCalls()).toEqual([['HEAD', 'channels/{id}'], PUT_ALL]);
  });

  test('A stored channel that cannot be checked now is released', async () => {
    await start();
    const first = await cloud.open();
    first.release('reusable');
    await expect(cloud.channels.open(TOPICS, 'resume', AbortSignal.abort())).rejects.toThrow(/abort/i);
    expect((await cloud.open()).url).toBe(first.url);
  });

  test('Two sessions at the same time have two channels', async () => {
    await start();
    const first = await cloud.open();
    const second = await cloud.open('restart');
    expect(second.url).not.toBe(first.url);
  });

  test('A session is to be replaced ten minutes before its token expires', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    await start({ channelLifeMs: 86_400_000, tokenLifeSeconds: 7_200 });
    expect((await cloud.open()).replaceByMs - Date.now()).toBe((7_200 - 600) * 1_000);
  });

  test('A session with a short lifetime is to be replaced when a fifth of it is left', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    await start({ channelLifeMs: 10_000, tokenLifeSeconds: 7_200 });
    expect((await cloud.open()).replaceByMs - Date.now()).toBe(8_000);
  });

  test.each([
    ['without an address', {}],
    [
      'whose address is not one of a WebSocket',
      { id: 'c-000001', connectUri: 'https://x/c', expires: '2030-01-01T00:00:00Z' },
    ],
    ['without an expiry', { id: 'c-000001', connectUri: 'wss://x/c', expires: 'never' }],
  ])('The response with a channel %s causes an error that does not quote it', async (_what, body) => {
    await start();
    cloud.intercept = (method, path) =>
      method === 'POST' && path === 'channels' ? Response.json(body) : undefined;
    await expect(cloud.open()).rejects.toMatchObject({
      code: 'unexpected_answer',
      retriable: true,
      message: expect.not.stringContaining('c-000001'),
    });
  });

  test('A response without topics to the call that sets them is an error', async () => {
    await start();
    cloud.intercept = (method) => (method === 'PUT' ? Response.json({ ok: true }) : undefined);
    await expect(cloud.open()).rejects.toMatchObject({ code: 'unexpected_answer', retriable: true });
  });

  test('A session is opened without the channel store when that fails', async () => {
    await start();
    const session = await cloud.open('resume', TOPICS, cloud.newChannels(brokenStore));
    expect(cloud.simulator.channelIds).toEqual([channelId(session)]);
    expect(cloud.log.about('state table').length).toBeGreaterThan(0);
  });

  test('A session asks for a proof of life as soon as its socket is open', async () => {
    await start();
    const session = await cloud.open();
    expect(session.onOpen()).toEqual([{ kind: 'send', message: '{"message":"ping"}' }]);
  });

  test('A session reads the frames of its channel', async () => {
    await start();
    const session = await cloud.open();
    const pong = Buffer.from('{"topicName":"channel.metadata","eventBody":{"message":"pong"}}');
    expect(session.onFrame(pong, false)).toEqual([{ kind: 'ready' }]);
    expect(session.onFrame(pong, true)).toEqual([{ kind: 'rejected', reason: 'not_json' }]);
  });
});

describe('resuming a lost session', () => {
  test('A lost session is resumed on its channel without a REST call', async () => {
    await start();
    const first = await cloud.open();
    cloud.newCalls();
    first.release('resumable');
    const again = await cloud.open('resume');
    expect(cloud.newCalls()).toEqual([]);
    expect(again.url).toBe(first.url);
  });

  test('A lost session is not resumed when another channel is required', async () => {
    await start();
    (await cloud.open()).release('resumable');
    cloud.newCalls();
    await cloud.open('restart');
    expect(cloud.newCalls().map(([method]) => method)).toEqual(['HEAD', 'PUT']);
  });

  test('A lost session is not resumed when the topics have changed', async () => {
    await start();
    (await cloud.open()).release('resumable');
    cloud.newCalls();
    await cloud.open('resume', TOPICS.slice(1));
    expect(cloud.newCalls().map(([method]) => method)).toEqual(['HEAD', 'PUT']);
  });

  test('A lost session is not resumed when another task may have taken its channel', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    await start();
    const releases: string[] = [];
    const channels = cloud.newChannels(
      cloud.storeWith({ release: async ({ id }) => void releases.push(id) }),
    );
    const lost = await cloud.open('resume', TOPICS, channels);
    lost.release('resumable');
    vi.advanceTimersByTime(IN_USE_MS - TOUCH_INTERVAL_MS);
    cloud.newCalls();
    const again = await cloud.open('resume', TOPICS, channels);
    expect(cloud.newCalls()).toEqual([['POST', 'channels'], PUT_ALL]);
    expect(again.url).not.toBe(lost.url);
    // It becomes free by itself. Releasing it now could take it away from the other task.
    expect(releases).toEqual([]);
  });

  test('A lost session is not resumed when its channel has expired', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    await start({ channelLifeMs: 10_000 });
    const lost = await cloud.open();
    lost.release('resumable');
    vi.advanceTimersByTime(10_000);
    expect((await cloud.open('resume')).url).not.toBe(lost.url);
  });

  test('The channel of a session that is lost while another one is live is released at once', async () => {
    await start();
    const old = await cloud.open();
    const fresh = await cloud.open('restart');
    old.release('resumable');
    cloud.newCalls();
    const third = await cloud.open('restart');
    expect(cloud.newCalls()[0]?.[0]).toBe('HEAD');
    expect(third.url).toBe(old.url);
    expect(fresh.url).not.toBe(old.url);
  });

  test('The channel of a lost session is released at the end', async () => {
    await start();
    const lost = await cloud.open();
    lost.release('resumable');
    await cloud.channels.end();
    expect((await cloud.store.acquire(0, CLIENTS[0]))?.id).toBe(channelId(lost));
  });
});

describe('a revoked token', () => {
  test.each([
    ['new', false],
    ['stored', true],
  ] as const)(
    'A revoked token is renewed, and its channel, which was %s, is not used again',
    async (_what, isStored) => {
      await start();
      let first = await cloud.open();
      if (isStored) {
        first.release('reusable');
        first = await cloud.open('restart');
      }
      cloud.simulator.revokeTokens();
      first.release('gone');
      cloud.newCalls();
      const again = await cloud.open('reauthenticate');
      expect(again.url).not.toBe(first.url);
      expect(cloud.newCalls().at(-1)).toEqual(PUT_ALL);
    },
  );

  test('A stored channel whose token was revoked is not used', async () => {
    await start();
    const stored = await cloud.open();
    stored.release('reusable');
    await cloud.channels.end();
    cloud.simulator.revokeTokens();
    const again = await cloud.open('resume', TOPICS, cloud.newChannels());
    expect(again.url).not.toBe(stored.url);
  });
});

describe('several OAuth clients', () => {
  test('A session has a channel of the OAuth client of its subscription', async () => {
    await start({ channelsPerClient: 1 });
    const first = await cloud.open();
    const second = await cloud.open('resume', TOPICS, cloud.newChannels(cloud.store, cloud.secondClient));
    expect([first, second].map(({ channel }) => channel.clientId)).toEqual(CLIENTS);
    expect(cloud.simulator.channelIds).toEqual([channelId(first), channelId(second)]);
  });

  test('A stored channel of another OAuth client is not used, and stays stored', async () => {
    await start();
    const first = await cloud.open();
    first.release('reusable');
    cloud.newCalls();
    const second = await cloud.open('resume', TOPICS, cloud.newChannels(cloud.store, cloud.secondClient));
    expect(cloud.newCalls()).toEqual([['POST', 'channels'], PUT_ALL]);
    expect(second.url).not.toBe(first.url);
    expect((await cloud.open('restart', TOPICS, cloud.newChannels())).url).toBe(first.url);
  });

  test('A revoked token is renewed only for the OAuth client of the channel', async () => {
    await start();
    const channels = cloud.newChannels(cloud.store, cloud.secondClient);
    await cloud.open();
    (await cloud.open('resume', TOPICS, channels)).release('gone');
    const tokens = () => Promise.all([cloud.clients[0], cloud.secondClient].map((one) => one.tokens.get()));
    const [firstBefore, secondBefore] = await tokens();
    await cloud.open('reauthenticate', TOPICS, channels);
    const [firstAfter, secondAfter] = await tokens();
    expect(firstAfter).toBe(firstBefore);
    expect(secondAfter?.accessToken).not.toBe(secondBefore?.accessToken);
    expect(secondAfter?.clientId).toBe(CLIENTS[1]);
  });
});

test('A session touches its channel every ten seconds until it is released', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  await start();
  let touches = 0;
  const channels = cloud.newChannels(cloud.storeWith({ touch: async () => ++touches > 0 }));
  const session = await cloud.open('resume', TOPICS, channels);
  for (let n = 1; n <= 3; n++) {
    vi.advanceTimersByTime(TOUCH_INTERVAL_MS);
    await vi.waitFor(() => expect(touches).toBe(n), { interval: 1, timeout: 60_000 });
  }
  session.release('gone');
  vi.advanceTimersByTime(5 * TOUCH_INTERVAL_MS);
  await channels.end();
  expect(touches).toBe(3);
});
