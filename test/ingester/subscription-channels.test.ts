import { Simulator, type SimulatorOptions } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type ChannelStore,
  IN_USE_MS,
  MemoryChannelStore,
  TOUCH_INTERVAL_MS,
} from '../../functions/ingester/channel-store.ts';
import {
  NOTIFICATION_CHANNELS_LIMITS,
  NotificationChannels,
} from '../../functions/ingester/protocols/notification-channels.ts';
import type { ConnectionPlan, PlanRequest } from '../../functions/ingester/protocols/protocol.ts';
import { TokenSource } from '../../lib/genesys/oauth.ts';
import { RestClient } from '../../lib/genesys/rest.ts';
import { TestLog } from './test-log.ts';

const { signal } = new AbortController();
const TOPICS = ['v2.users.a.presence', 'v2.users.b?presence&station', 'v2.routing.queues.q.conversations'];

let simulator: Simulator;
let log: TestLog;
let store: ChannelStore;
let protocol: NotificationChannels;
/** REST calls: method, path without the channel's id, topics. */
let calls: [string, string, ...string[]][];
/** Answers a call instead of the simulator. */
let intercept: (method: string, path: string) => Response | undefined;
let plans: ConnectionPlan[];
let make: (topics?: readonly string[], channels?: ChannelStore) => NotificationChannels;

async function start(options: SimulatorOptions = {}): Promise<void> {
  simulator = new Simulator(options);
  const { url } = await simulator.listen();
  const recorded: typeof fetch = async (input, init) => {
    const method = init?.method ?? 'GET';
    const path = new URL(String(input)).pathname
      .replace(/streaming-[\w-]+/, '{id}')
      .replace('/api/v2/notifications/', '');
    const body: unknown =
      typeof init?.body === 'string' && init.body.startsWith('[') ? JSON.parse(init.body) : [];
    calls.push([method, path, ...(body as { id: string }[]).map(({ id }) => id)]);
    return intercept(method, path) ?? fetch(input, init);
  };
  const credentials = async () => ({ clientId: 'simulator-client', clientSecret: 'simulator-secret' });
  const tokens = new TokenSource({ loginUrl: url, credentials, fetch: recorded });
  const rest = new RestClient({ apiUrl: url, tokens, fetch: recorded });
  make = (topics = TOPICS, channels = store) =>
    new NotificationChannels({ rest, tokens, channels, log, topics });
  protocol = make();
}

beforeEach(() => {
  log = new TestLog();
  store = new MemoryChannelStore();
  calls = [];
  plans = [];
  intercept = () => undefined;
});
afterEach(async () => {
  vi.useRealTimers();
  for (const plan of plans) plan.release('gone');
  await simulator.close();
});

async function plan(mode: PlanRequest['mode'] = 'resume', of = protocol): Promise<ConnectionPlan> {
  const made = await of.plan({ mode, signal });
  plans.push(made);
  return made;
}
/** The calls since the last time, without those for tokens. */
function newCalls(): typeof calls {
  return calls.splice(0).filter(([, path]) => path !== '/oauth/token');
}
const idOf = ({ url }: ConnectionPlan) => url.slice(url.lastIndexOf('/') + 1);

const PUT_ALL = ['PUT', 'channels/{id}/subscriptions', ...TOPICS];

describe('a plan', () => {
  it('is a new channel with all topics where none is stored', async () => {
    await start();
    const made = await plan();
    expect(newCalls()).toEqual([['POST', 'channels'], PUT_ALL]);
    expect(simulator.channelIds).toEqual([idOf(made)]);
    expect(made.headers).toBeUndefined();
  });

  it('is a stored channel that still exists, with all topics set anew', async () => {
    await start();
    const first = await plan();
    first.release('reusable');
    newCalls();
    const again = await plan('fresh', make());
    expect(newCalls()).toEqual([['HEAD', 'channels/{id}'], PUT_ALL]);
    expect(again.url).toBe(first.url);
  });

  it('is a new channel where the stored one is gone, which is forgotten', async () => {
    await start();
    const first = await plan();
    first.release('reusable');
    simulator.evictChannel(idOf(first));
    newCalls();
    const again = await plan();
    expect(newCalls()).toEqual([['HEAD', 'channels/{id}'], ['POST', 'channels'], PUT_ALL]);
    again.release('gone');
    await protocol.end();
    expect(await store.acquire(0)).toBeUndefined();
  });

  it('is a new channel where the stored one goes before its topics are set', async () => {
    await start();
    (await plan()).release('reusable');
    intercept = (method) => (method === 'PUT' ? new Response('{}', { status: 404 }) : undefined);
    await expect(plan()).rejects.toMatchObject({ code: 'not_found' });
    intercept = () => undefined;
    newCalls();
    await plan('fresh');
    expect(newCalls()).toEqual([['POST', 'channels'], PUT_ALL]);
  });

  it('gives the stored channel back where it cannot be looked at now', async () => {
    await start();
    const first = await plan();
    first.release('reusable');
    const aborted = AbortSignal.abort();
    await expect(protocol.plan({ mode: 'resume', signal: aborted })).rejects.toThrow(/abort/i);
    expect((await plan()).url).toBe(first.url);
  });

  it('is for two connections two channels', async () => {
    await start();
    const both = [await plan(), await plan('fresh')];
    expect(new Set(both.map(({ url }) => url)).size).toBe(2);
  });

  it('is to be replaced early: ten minutes, or a fifth of a short life, before channel or token ends', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
    await start({ channelLifeMs: 86_400_000, tokenLifeSeconds: 7_200 });
    expect((await plan()).replaceByMs - Date.now()).toBe((7_200 - 600) * 1_000);
    await simulator.close();
    await start({ channelLifeMs: 10_000, tokenLifeSeconds: 7_200 });
    expect((await plan()).replaceByMs - Date.now()).toBe(8_000);
  });

  it.each([
    ['without an address', {}],
    [
      'with an address that is none of a WebSocket',
      { id: 'c-000001', connectUri: 'https://x/c', expires: '2030-01-01T00:00:00Z' },
    ],
    ['without an end', { id: 'c-000001', connectUri: 'wss://x/c', expires: 'never' }],
  ])('fails on a channel %s, and does not quote it', async (_what, body) => {
    await start();
    intercept = (method, path) =>
      method === 'POST' && path === 'channels' ? Response.json(body) : undefined;
    await expect(plan()).rejects.toMatchObject({
      code: 'unexpected_answer',
      retriable: true,
      message: expect.not.stringContaining('c-000001'),
    });
  });

  it('fails on an answer to the topics that is none', async () => {
    await start();
    intercept = (method) => (method === 'PUT' ? Response.json({ ok: true }) : undefined);
    await expect(plan()).rejects.toMatchObject({ code: 'unexpected_answer', retriable: true });
  });

  it('does without a store that fails', async () => {
    await start();
    const broken = new Proxy({} as ChannelStore, { get: () => () => Promise.reject(new Error('no table')) });
    const made = await plan('resume', make(TOPICS, broken));
    expect(simulator.channelIds).toEqual([idOf(made)]);
    expect(log.about('state table').length).toBeGreaterThan(0);
  });
});

describe('a connection that was lost', () => {
  it('comes back on the same channel without a call', async () => {
    await start();
    const first = await plan();
    newCalls();
    first.release('resumable');
    const again = await plan('resume');
    expect([newCalls(), again.url]).toEqual([[], first.url]);
  });

  it('does not where another channel is wanted, or the topics have changed', async () => {
    await start();
    for (const change of ['mode', 'topics']) {
      const lost = await plan();
      lost.release('resumable');
      if (change === 'topics') await protocol.updateTopics(TOPICS.slice(1), signal);
      newCalls();
      await plan(change === 'mode' ? 'fresh' : 'resume');
      expect(newCalls().map(([method]) => method)).toEqual(['HEAD', 'PUT']);
    }
  });

  it('does not after so long that another task may have taken the channel', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
    await start();
    const releases: string[] = [];
    const watched = Object.assign(Object.create(store) as ChannelStore, {
      release: async ({ id }: { id: string }) => void releases.push(id),
    });
    protocol = make(TOPICS, watched);
    const lost = await plan();
    lost.release('resumable');
    vi.advanceTimersByTime(IN_USE_MS - TOUCH_INTERVAL_MS);
    newCalls();
    const again = await plan('resume');
    expect(newCalls()).toEqual([['POST', 'channels'], PUT_ALL]);
    expect(again.url).not.toBe(lost.url);
    // It is free by itself; to say so now could take it from the other one.
    expect(releases).toEqual([]);
  });

  it('does not on a channel that has ended', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
    await start({ channelLifeMs: 10_000 });
    const lost = await plan();
    lost.release('resumable');
    vi.advanceTimersByTime(10_000);
    expect((await plan('resume')).url).not.toBe(lost.url);
  });

  it('while another one is live gives its channel back at once', async () => {
    await start();
    const old = await plan();
    const fresh = await plan('fresh');
    old.release('resumable');
    newCalls();
    const third = await plan('fresh');
    expect([newCalls()[0]?.[0], third.url]).toEqual(['HEAD', old.url]);
    expect(fresh.url).not.toBe(old.url);
  });

  it('leaves its channel for the next start at the end', async () => {
    await start();
    const lost = await plan();
    lost.release('resumable');
    await protocol.end();
    expect((await store.acquire(0))?.id).toBe(idOf(lost));
  });
});

describe('a revoked token', () => {
  it.each(['from the platform', 'from the store'])(
    'is renewed, and its channel, that was %s, is not used again',
    async (from) => {
      await start();
      let first = await plan();
      if (from === 'from the store') {
        first.release('reusable');
        first = await plan('fresh', protocol);
      }
      simulator.revokeTokens();
      first.release('gone');
      newCalls();
      const again = await plan('reauthenticate');
      expect(again.url).not.toBe(first.url);
      expect(newCalls().at(-1)).toEqual(PUT_ALL);
    },
  );

  it('is found out on a stored channel too', async () => {
    await start();
    const stored = await plan();
    stored.release('reusable');
    await protocol.end();
    simulator.revokeTokens();
    const again = await plan('resume', make());
    expect(again.url).not.toBe(stored.url);
  });
});

describe('rejected topics', () => {
  it('are named with the reason, logged once, and forgotten when they are permitted', async () => {
    await start({ deniedTopics: ['v2.routing.queues.{id}.conversations'] });
    await plan();
    const reason = 'You are missing the permission conversation:communication:view.';
    expect([...protocol.rejectedTopics]).toEqual([[TOPICS[2], reason]]);
    await plan('fresh');
    expect(log.about('rejected a topic').map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { topic: TOPICS[2], reason }],
    ]);
    await protocol.updateTopics(TOPICS.slice(0, 2), signal);
    expect(protocol.rejectedTopics.size).toBe(0);
  });

  it('within a combined topic are named one by one', async () => {
    await start({ deniedTopics: ['v2.users.{id}.station'] });
    await plan();
    expect([...protocol.rejectedTopics.keys()]).toEqual(['v2.users.b.station']);
    await protocol.updateTopics(
      TOPICS.filter((topic) => !topic.includes('b?')),
      signal,
    );
    expect(protocol.rejectedTopics.size).toBe(0);
  });

  it('are an error when they are all', async () => {
    await start({
      deniedTopics: [
        'v2.users.{id}.presence',
        'v2.users.{id}.station',
        'v2.routing.queues.{id}.conversations',
      ],
    });
    await expect(plan()).rejects.toMatchObject({
      code: 'missing_permission',
      retriable: false,
      message: expect.stringMatching(/rejected every topic: give the OAuth client a role/),
    });
    expect(protocol.rejectedTopics.size).toBe(3);
  });

  it('are read from older answers too', async () => {
    await start();
    intercept = (method) =>
      method === 'PUT'
        ? Response.json({
            entities: [
              { id: 'x', state: 'Rejected', rejectReason: 'old' },
              { id: 'y', state: 'Odd' },
              { id: 'z' },
            ],
          })
        : undefined;
    await plan();
    expect(Object.fromEntries(protocol.rejectedTopics)).toEqual({ x: 'old', y: 'Odd' });
  });
});

describe('another set of topics', () => {
  const MORE = [...TOPICS, 'v2.users.c.presence', 'v2.users.d.presence'];

  it('that only adds is posted: the difference, to every channel in use', async () => {
    await start();
    await plan();
    await plan('fresh');
    newCalls();
    await protocol.updateTopics(MORE, signal);
    const post = ['POST', 'channels/{id}/subscriptions', ...MORE.slice(3)];
    expect(newCalls()).toEqual([post, post]);
  });

  it('that removes is put: the whole list', async () => {
    await start();
    await plan();
    newCalls();
    const changed = [...TOPICS.slice(1), 'v2.users.c.presence'];
    await protocol.updateTopics(changed, signal);
    expect(newCalls()).toEqual([['PUT', 'channels/{id}/subscriptions', ...changed]]);
  });

  it('that is the same, in whatever order, changes nothing: a lost connection still comes back without a call', async () => {
    await start();
    const made = await plan();
    newCalls();
    await protocol.updateTopics([...TOPICS].reverse(), signal);
    made.release('resumable');
    expect((await plan('resume')).url).toBe(made.url);
    expect(newCalls()).toEqual([]);
  });

  it('is set on a channel that missed the change before it, whole', async () => {
    await start();
    await plan();
    intercept = (method, path) =>
      method === 'POST' && path.endsWith('subscriptions') ? new Response('{}', { status: 400 }) : undefined;
    await expect(protocol.updateTopics(MORE.slice(0, 4), signal)).rejects.toMatchObject({ code: 'refused' });
    intercept = () => undefined;
    newCalls();
    await protocol.updateTopics(MORE, signal);
    expect(newCalls()).toEqual([['PUT', 'channels/{id}/subscriptions', ...MORE]]);
  });

  it('that did not reach a channel keeps it from coming back as it is', async () => {
    await start();
    const made = await plan();
    intercept = (method, path) => {
      if (method !== 'POST' || !path.endsWith('subscriptions')) return undefined;
      // The connection is lost while the call is under way, and the call fails.
      made.release('resumable');
      return new Response('{}', { status: 400 });
    };
    await expect(protocol.updateTopics(MORE, signal)).rejects.toMatchObject({ code: 'refused' });
    intercept = () => undefined;
    newCalls();
    await plan('resume');
    expect(newCalls()).toEqual([
      ['HEAD', 'channels/{id}'],
      ['PUT', 'channels/{id}/subscriptions', ...MORE],
    ]);
  });

  it('reaches a channel that is being prepared', async () => {
    await start();
    const planning = plan();
    await protocol.updateTopics(MORE, signal);
    await planning;
    newCalls();
    await protocol.updateTopics([...MORE, 'v2.users.e.presence'], signal);
    expect(newCalls()).toEqual([['POST', 'channels/{id}/subscriptions', 'v2.users.e.presence']]);
  });
});

describe('on the socket', () => {
  it('the first message asks for the proof of life that makes it ready', async () => {
    await start();
    expect(protocol.openMessages()).toEqual([protocol.pingMessage()]);
    expect(protocol.limits).toEqual(NOTIFICATION_CHANNELS_LIMITS);
  });

  it('ends are classified by the table', async () => {
    await start();
    expect(protocol.classifyClose({ code: 1008, reason: '' })).toBe('reauthenticate');
    expect(protocol.classifyClose({ code: 1006, reason: '', upgradeStatus: 404 })).toBe('replan');
  });
});

it('a channel in use says so every ten seconds', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  await start();
  let touches = 0;
  const watched = Object.assign(Object.create(store) as ChannelStore, { touch: async () => void touches++ });
  protocol = make(TOPICS, watched);
  const made = await plan();
  for (let n = 1; n <= 3; n++) {
    vi.advanceTimersByTime(TOUCH_INTERVAL_MS);
    await vi.waitFor(() => expect(touches).toBe(n), { interval: 1 });
  }
  made.release('gone');
  vi.advanceTimersByTime(5 * TOUCH_INTERVAL_MS);
  await protocol.end();
  expect(touches).toBe(3);
});
