import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKOFF_LIMITS } from '../../functions/ingester/backoff.ts';
import { Supervisor } from '../../functions/ingester/supervisor.ts';
import { SUPERVISOR_STATES, type SupervisorState } from '../../functions/ingester/supervisor-states.ts';
import { CLOSE_TIMEOUT_MS } from '../../functions/ingester/transport.ts';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { FakeProtocol, STOP_CODE } from './fake-protocol.ts';
import { type FakeSocket, FakeSockets } from './fake-socket.ts';
import { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const START_MS = 1_800_000_000_000;
const visited = new Set<SupervisorState>();

let protocol: FakeProtocol;
let sockets: FakeSockets;
let supervisor: Supervisor;
/** What the owner was told; times in milliseconds since the start. */
let told: unknown[][];

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  // The longest delay that jitter allows, so that times are exact.
  vi.spyOn(Math, 'random').mockReturnValue(1);
  protocol = new FakeProtocol();
  sockets = new FakeSockets();
  told = [];
  const since = (atMs: number) => atMs - START_MS;
  supervisor = new Supervisor(
    protocol,
    {
      onDecoded: (decoded) =>
        told.push(['notice', decoded.kind === 'notice' ? decoded.message : decoded.kind]),
      onCovered: (atMs) => told.push(['covered', since(atMs)]),
      onUncovered: (fromMs, reason) => told.push(['uncovered', since(fromMs), reason]),
      onGap: (fromMs, toMs, reason) => told.push(['gap', since(fromMs), since(toMs), reason]),
      onConnected: (reason) => told.push(['connected', reason]),
      onFailed: (error) => told.push(['failed', error.message]),
    },
    new TestLog(),
    { open: sockets.open },
  );
});
afterEach(async () => {
  visited.add(supervisor.state);
  const stopping = supervisor.stop();
  await vi.advanceTimersByTimeAsync(CLOSE_TIMEOUT_MS);
  await stopping;
  visited.add(supervisor.state);
  expect(vi.getTimerCount()).toBe(0);
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Time passes; without an argument only what is due now happens. */
async function pass(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  visited.add(supervisor.state);
}

async function makeReady(socket = sockets.last): Promise<FakeSocket> {
  if (socket.readyState === 0) socket.open();
  socket.message('ready');
  await pass();
  return socket;
}

async function goLive(): Promise<FakeSocket> {
  supervisor.start();
  await pass();
  return makeReady();
}

const elapsedMs = () => Date.now() - START_MS;
const names = () => told.map(([name]) => name);

describe('connecting', () => {
  it('plans, opens, says hello, and is live once the protocol is ready', async () => {
    expect(supervisor.state).toBe('idle');
    visited.add(supervisor.state);
    supervisor.start();
    expect(supervisor.state).toBe('connecting');
    await pass();
    expect(sockets.last.url).toBe('ws://plan-1');
    sockets.last.open();
    expect(sockets.last.sent).toEqual(['hello']);
    sockets.last.message('alive');
    await pass(20);
    expect([supervisor.state, told]).toEqual(['connecting', []]);
    await makeReady();
    expect([supervisor.state, supervisor.openConnections]).toEqual(['live', 1]);
    expect(told).toEqual([
      ['connected', 'start'],
      ['covered', 20],
    ]);
    expect(protocol.modes).toEqual(['resume']);
  });

  it('hands on what comes before it is ready', async () => {
    supervisor.start();
    await pass();
    sockets.last.open();
    sockets.last.message('early');
    expect(told).toEqual([['notice', 'early']]);
  });

  it('is begun once, however often it is asked for', async () => {
    supervisor.start();
    supervisor.start();
    supervisor.replace('impatience');
    await pass();
    expect(sockets.all).toHaveLength(1);
  });

  it('gives up a socket that is not ready in time, even when it says so while it is closed', async () => {
    supervisor.start();
    await pass();
    const slow = sockets.last;
    slow.answers = false;
    slow.open();
    await pass(protocol.limits.readyTimeoutMs);
    slow.message('ready');
    await pass(CLOSE_TIMEOUT_MS);
    expect([slow.isOver, supervisor.state, told]).toEqual([true, 'connecting', []]);
    expect(protocol.released).toEqual([[1, 'reusable']]);
    expect(supervisor.lastError).toMatch(/before it was ready \(1006, not ready in time\)/);
  });
});

describe('failed attempts', () => {
  it('are repeated with growing delays, ten times', async () => {
    supervisor.start();
    const { baseMs, capMs, failedAttempts } = BACKOFF_LIMITS;
    for (let attempt = 1; attempt < failedAttempts; attempt++) {
      await pass();
      expect(sockets.all).toHaveLength(attempt);
      sockets.last.end(1006, 'no');
      const delayMs = Math.min(capMs, baseMs * 2 ** attempt);
      await pass(delayMs - 1);
      expect(sockets.all).toHaveLength(attempt);
      await pass(1);
    }
    expect([supervisor.state, told]).toEqual(['connecting', []]);
    sockets.last.end(1006, 'no');
    await pass();
    expect(supervisor.state).toBe('failed');
    expect(told).toEqual([['failed', 'the connection ended before it was ready (1006, no)']]);
    await pass(3_600_000);
    expect(sockets.all).toHaveLength(failedAttempts);
  });

  it('end the subscription at once where trying again cannot help', async () => {
    protocol.beforePlan = () =>
      Promise.reject(new GenesysError('wrong_secret', 'check the secret', { retriable: false }));
    supervisor.start();
    await pass();
    expect([supervisor.state, supervisor.lastError, told]).toEqual([
      'failed',
      'check the secret',
      [['failed', 'check the secret']],
    ]);
    expect(protocol.modes).toHaveLength(1);
  });

  it('are no reason to stop at once for what was live before', async () => {
    const socket = await goLive();
    protocol.beforePlan = () =>
      Promise.reject(new GenesysError('missing_permission', 'a role was taken away', { retriable: false }));
    socket.end(1006);
    await pass(60_000);
    expect(supervisor.state).toBe('connecting');
    await pass(600_000);
    expect([supervisor.state, protocol.modes.length]).toEqual(['failed', 1 + BACKOFF_LIMITS.failedAttempts]);
  });

  it('of something unforeseen are repeated, and end as others do', async () => {
    protocol.beforePlan = () => Promise.reject('no error at all');
    supervisor.start();
    await pass(600_000);
    expect(told).toEqual([['failed', 'no error at all']]);
    expect(protocol.modes).toHaveLength(BACKOFF_LIMITS.failedAttempts);
  });

  it.each([
    ['not_found', 'fresh'],
    ['unauthorized', 'reauthenticate'],
    ['unavailable', 'resume'],
    ['rate_limited', 'resume'],
  ] as const)('with %s are followed by a plan of mode %s', async (code, mode) => {
    protocol.beforePlan = () =>
      Promise.reject(new GenesysError(code, 'no', { retriable: code !== 'not_found' }));
    supervisor.start();
    await pass();
    protocol.beforePlan = async () => {};
    await pass(60_000);
    expect(protocol.modes).toEqual(['resume', mode]);
  });

  it('keep to a fresh channel once one was wanted', async () => {
    supervisor.start();
    await pass();
    sockets.last.refuse(404);
    await pass(1_000);
    sockets.last.end(1006);
    await pass(2_000);
    sockets.last.refuse(401);
    await pass(4_000);
    sockets.last.end(1006);
    await pass(8_000);
    expect(protocol.modes).toEqual(['resume', 'fresh', 'fresh', 'reauthenticate', 'reauthenticate']);
    expect(protocol.released.map(([, outcome]) => outcome)).toEqual(['gone', 'reusable', 'gone', 'reusable']);
  });

  it('count from anew after a success', async () => {
    supervisor.start();
    for (let round = 0; round < 3; round++) {
      for (let n = 1; n < BACKOFF_LIMITS.failedAttempts; n++) {
        await pass(BACKOFF_LIMITS.capMs);
        sockets.last.end(1006);
      }
      await pass(BACKOFF_LIMITS.capMs);
      const socket = await makeReady();
      expect([supervisor.state, supervisor.lastError]).toEqual(['live', undefined]);
      socket.end(1001);
    }
    expect(supervisor.state).toBe('connecting');
  });
});

describe('the throttled', () => {
  it('wait as long as the server asks', async () => {
    supervisor.start();
    await pass();
    sockets.last.refuse(429, { 'retry-after': '7' });
    await pass(6_999);
    expect(sockets.all).toHaveLength(1);
    await pass(1);
    expect(sockets.all).toHaveLength(2);
  });

  it('wait the longest delay where it does not say', async () => {
    supervisor.start();
    await pass();
    sockets.last.refuse(429);
    await pass(BACKOFF_LIMITS.capMs - 1);
    expect(sockets.all).toHaveLength(1);
    await pass(1);
    expect(sockets.all).toHaveLength(2);
  });

  it('wait no longer than a limit, whatever it says', async () => {
    protocol.beforePlan = () =>
      Promise.reject(new GenesysError('rate_limited', 'no', { retriable: true, retryAfterMs: 86_400_000 }));
    supervisor.start();
    await pass(BACKOFF_LIMITS.throttledCapMs - 1);
    expect(protocol.modes).toHaveLength(1);
    await pass(1);
    expect(protocol.modes).toHaveLength(2);
  });
});

describe('a lost connection', () => {
  it('is uncovered since its last proof of life, and covered when the next one is ready', async () => {
    const socket = await goLive();
    await pass(1_000);
    socket.message('an event');
    await pass(500);
    socket.end(1006, 'gone');
    expect(supervisor.state).toBe('connecting');
    await pass(BACKOFF_LIMITS.baseMs * 2);
    await makeReady();
    expect(told.slice(2)).toEqual([
      ['notice', 'an event'],
      ['uncovered', 1_000, '1006 gone'],
      ['connected', '1006 gone'],
      ['covered', 2_500],
    ]);
    expect(protocol.modes).toEqual(['resume', 'resume']);
    expect(protocol.released).toEqual([[1, 'resumable']]);
  });

  it('that dies silently is found by the watch, and uncovered since its last frame', async () => {
    await goLive();
    await pass(40_000);
    expect(told.at(-1)).toEqual(['uncovered', 0, '1006 no frame for 40000 ms']);
    expect(sockets.all[0]?.sent).toEqual(['hello', 'ping', 'ping']);
  });

  it.each([
    [1000, 'resume', 'resumable'],
    [1001, 'resume', 'resumable'],
    [1008, 'reauthenticate', 'gone'],
    [4_321, 'fresh', 'gone'],
  ] as const)('with %i is followed by a plan of mode %s', async (code, mode, left) => {
    const socket = await goLive();
    socket.end(code);
    await pass(BACKOFF_LIMITS.capMs);
    expect([protocol.modes[1], protocol.released[0]]).toEqual([mode, [1, left]]);
  });

  it('that ends as soon as it is ready is a lost one', async () => {
    supervisor.start();
    await pass();
    sockets.last.open();
    sockets.last.message('ready');
    sockets.last.end(1001, 'bye');
    await pass();
    expect([supervisor.state, names()]).toEqual(['connecting', ['connected', 'covered', 'uncovered']]);
    await pass(BACKOFF_LIMITS.baseMs * 2);
    await makeReady();
    expect(told.slice(3)).toEqual([
      ['connected', 'ended'],
      ['covered', BACKOFF_LIMITS.baseMs * 2],
    ]);
  });

  it('whose server says that it is for good ends the subscription', async () => {
    const socket = await goLive();
    socket.end(STOP_CODE, 'unsubscribed');
    await pass(3_600_000);
    expect(supervisor.state).toBe('failed');
    expect(told.slice(2)).toEqual([
      ['uncovered', 0, '4999 unsubscribed'],
      ['failed', 'the server ended the subscription: 4999 unsubscribed'],
    ]);
    expect(sockets.all).toHaveLength(1);
  });

  it('again and again is met with growing delays, until one lives long enough', async () => {
    const { baseMs, stableMs } = BACKOFF_LIMITS;
    let socket = await goLive();
    for (const delayMs of [baseMs * 2, baseMs * 4, baseMs * 8]) {
      socket.end(1006);
      const count = sockets.all.length;
      await pass(delayMs - 1);
      expect(sockets.all).toHaveLength(count);
      await pass(1);
      socket = await makeReady();
    }
    for (let ms = 0; ms < stableMs; ms += 30_000) {
      await pass(30_000);
      socket.message('alive');
    }
    socket.end(1006);
    const count = sockets.all.length;
    await pass(baseMs);
    expect(sockets.all).toHaveLength(count + 1);
  });
});

describe('an announced end', () => {
  it.each([
    ['closing', 'fresh', 'socket_closing'],
    ['revoked', 'reauthenticate', 'token_revoked'],
  ] as const)(
    '(%s) is met by overlap: the new connection is ready before the old one closes',
    async (word, mode, reason) => {
      const old = await goLive();
      old.message(word);
      expect(supervisor.state).toBe('overlapping');
      await pass();
      const fresh = sockets.last;
      fresh.open();
      await pass(2_000);
      old.message('still here');
      expect([old.readyState, supervisor.openConnections]).toEqual([1, 2]);
      fresh.message('ready');
      await pass();
      expect([old.isOver, supervisor.state, supervisor.openConnections]).toEqual([true, 'live', 1]);
      expect(told.slice(2)).toEqual([
        ['notice', 'still here'],
        ['connected', reason],
      ]);
      expect(protocol.modes).toEqual(['resume', mode]);
      expect(protocol.released).toEqual([[1, 'gone']]);
    },
  );

  it('that comes before the connection is ready is met as soon as it is', async () => {
    supervisor.start();
    await pass();
    sockets.last.open();
    sockets.last.message('closing');
    await makeReady();
    expect(supervisor.state).toBe('overlapping');
    await pass(BACKOFF_LIMITS.baseMs);
    await makeReady();
    expect([supervisor.state, sockets.all[0]?.isOver]).toEqual(['live', true]);
    expect(protocol.modes).toEqual(['resume', 'fresh']);
  });

  it('of a connection that is being replaced already changes nothing', async () => {
    const old = await goLive();
    supervisor.replace('expiry');
    await pass();
    old.message('closing');
    old.message('revoked');
    await makeReady();
    await pass(60);
    expect([sockets.all.length, supervisor.state]).toEqual([2, 'live']);
    old.message('closing');
    await pass(60);
    expect(sockets.all).toHaveLength(2);
  });

  it('keeps the old connection while the new one fails, as long as it lives', async () => {
    const old = await goLive();
    old.message('closing');
    for (let n = 0; n < 2 * BACKOFF_LIMITS.failedAttempts; n++) {
      await pass(BACKOFF_LIMITS.capMs);
      old.message('alive');
      sockets.last.end(1006);
    }
    expect([supervisor.state, names()]).toEqual(['overlapping', ['connected', 'covered']]);
    old.end(1001);
    expect(names().at(-1)).toBe('uncovered');
    await pass(BACKOFF_LIMITS.capMs);
    sockets.last.end(1006);
    await pass();
    expect(supervisor.state).toBe('failed');
  });

  it('that comes true before the new connection is ready is a gap until it is', async () => {
    const old = await goLive();
    old.message('closing');
    await pass(1_000);
    old.end(1001, 'maintenance');
    expect(supervisor.state).toBe('connecting');
    await pass(1_000);
    await makeReady();
    expect(told.slice(2)).toEqual([
      ['uncovered', 0, '1001 maintenance'],
      ['connected', 'socket_closing'],
      ['covered', 2_000],
    ]);
    expect(sockets.all).toHaveLength(2);
  });
});

describe('replacing', () => {
  it('comes before the plan ends, again and again', async () => {
    protocol.lifeMs = 3_600_000;
    await goLive();
    for (let round = 1; round <= 3; round++) {
      for (let elapsed = 0; elapsed < protocol.lifeMs; elapsed += 30_000) {
        expect(sockets.all).toHaveLength(round);
        await pass(30_000);
        sockets.all[round - 1]?.message('alive');
      }
      await makeReady();
    }
    expect(told.filter(([name]) => name === 'connected').map(([, reason]) => reason)).toEqual([
      'start',
      'expiry',
      'expiry',
      'expiry',
    ]);
    expect(names()).not.toContain('uncovered');
    expect(protocol.modes).toEqual(['resume', 'fresh', 'fresh', 'fresh']);
  });

  it('is not done without a pause, however short the plan says that it lives', async () => {
    protocol.lifeMs = -1;
    await goLive();
    await pass(999);
    expect(sockets.all).toHaveLength(1);
    await pass(1);
    expect(sockets.all).toHaveLength(2);
  });

  it('of a plan that lives longer than a timer can wait does not happen at once', async () => {
    protocol.lifeMs = 2 ** 40;
    await goLive();
    await pass(10_000);
    expect(sockets.all).toHaveLength(1);
  });

  it('hands on what the old connection still delivers', async () => {
    const old = await goLive();
    old.answers = false;
    supervisor.replace('topics');
    await pass();
    await makeReady();
    old.message('late');
    old.end(1000, 'replaced');
    await pass();
    expect(told.slice(2)).toEqual([
      ['connected', 'topics'],
      ['notice', 'late'],
    ]);
  });

  it('of a connection that was dead already is a gap since its last proof of life', async () => {
    const dead = await goLive();
    dead.answers = false;
    await pass(20_000);
    supervisor.replace('expiry');
    await pass();
    await makeReady();
    await pass(CLOSE_TIMEOUT_MS);
    expect(told.slice(2)).toEqual([
      ['connected', 'expiry'],
      ['gap', 0, 20_000, 'replaced without an answer'],
    ]);
  });
});

describe('stopping', () => {
  it('a live connection closes it in good order and reads it to its end', async () => {
    const socket = await goLive();
    socket.answers = false;
    const stopping = supervisor.stop();
    socket.message('under way');
    socket.end(1000, 'stopping');
    await stopping;
    expect([supervisor.state, supervisor.openConnections]).toEqual(['stopped', 0]);
    expect(told.slice(2)).toEqual([['notice', 'under way']]);
    expect(protocol.released).toEqual([[1, 'resumable']]);
    await pass(3_600_000);
    expect(sockets.all).toHaveLength(1);
  });

  it('a dead connection is a gap since its last proof of life', async () => {
    const socket = await goLive();
    socket.answers = false;
    await pass(5_000);
    const stopping = supervisor.stop();
    await pass(CLOSE_TIMEOUT_MS);
    await stopping;
    expect(told.slice(2)).toEqual([['gap', 0, 5_000, 'stopping without an answer']]);
  });

  it('while a plan is made aborts it', async () => {
    protocol.beforePlan = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    supervisor.start();
    await pass();
    await supervisor.stop();
    expect([supervisor.state, sockets.all.length, told]).toEqual(['stopped', 0, []]);
  });

  it('while a plan is made that cannot be aborted gives back what was planned', async () => {
    const planned = Promise.withResolvers<void>();
    protocol.beforePlan = () => planned.promise;
    supervisor.start();
    await pass();
    const stopping = supervisor.stop();
    planned.resolve();
    await stopping;
    expect([sockets.all.length, protocol.released]).toEqual([0, [[1, 'reusable']]]);
  });

  it('while a socket opens closes it', async () => {
    supervisor.start();
    await pass();
    await supervisor.stop();
    expect([sockets.last.isOver, supervisor.state, told]).toEqual([true, 'stopped', []]);
    expect(protocol.released).toEqual([[1, 'reusable']]);
  });

  it('while it backs off ends the wait', async () => {
    supervisor.start();
    await pass();
    sockets.last.end(1006);
    await pass();
    await supervisor.stop();
    expect([supervisor.state, elapsedMs()]).toEqual(['stopped', 0]);
    await pass(60_000);
    expect(sockets.all).toHaveLength(1);
  });

  it('during an overlap closes both connections', async () => {
    await goLive();
    supervisor.replace('expiry');
    await pass();
    sockets.last.open();
    await supervisor.stop();
    expect(sockets.all.map(({ isOver }) => isOver)).toEqual([true, true]);
    expect(told.slice(2)).toEqual([]);
  });

  it('before it started, or after it failed, is harmless', async () => {
    protocol.beforePlan = () => Promise.reject(new GenesysError('refused', 'no', { retriable: false }));
    supervisor.start();
    await pass();
    await supervisor.stop();
    expect(supervisor.state).toBe('failed');
  });
});

describe('a pause', () => {
  it('stops reading from every connection that is ready, and is over when it is', async () => {
    await goLive();
    supervisor.replace('expiry');
    await pass();
    const [old, fresh] = sockets.all;
    fresh?.open();
    supervisor.pause();
    // What makes a connection ready has to be read.
    expect([old?.isPaused, fresh?.isPaused]).toEqual([true, false]);
    fresh?.message('ready');
    await pass();
    expect([supervisor.state, old?.isOver, fresh?.isPaused]).toEqual(['live', true, true]);
    supervisor.resume();
    expect(fresh?.isPaused).toBe(false);
  });

  it('holds for a connection that is made in it', async () => {
    supervisor.start();
    supervisor.pause();
    await pass();
    sockets.last.open();
    expect(sockets.last.isPaused).toBe(false);
    sockets.last.message('ready');
    await pass();
    expect([sockets.last.isPaused, supervisor.state]).toEqual([true, 'live']);
  });

  it('may end before the connection is ready', async () => {
    supervisor.start();
    supervisor.pause();
    await pass();
    supervisor.resume();
    await makeReady();
    expect(sockets.last.isPaused).toBe(false);
  });

  it('is no silence, and none of it is proof of life', async () => {
    const socket = await goLive();
    await pass(10_000);
    socket.message('alive');
    supervisor.pause();
    await pass(300_000);
    expect(supervisor.state).toBe('live');
    supervisor.resume();
    socket.end(1006);
    expect(told.at(-1)).toEqual(['uncovered', 10_000, '1006']);
  });

  it('does not keep a stop from reading to the end', async () => {
    const socket = await goLive();
    supervisor.pause();
    const stopping = supervisor.stop();
    supervisor.pause();
    expect(socket.isPaused).toBe(false);
    await stopping;
  });
});

it('has been in every state that there is', () => {
  expect([...visited].toSorted()).toEqual(Object.keys(SUPERVISOR_STATES).toSorted());
});
