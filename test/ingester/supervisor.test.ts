import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BACKOFF_LIMITS } from '../../functions/ingester/backoff.ts';
import { CLOSE_TIMEOUT_MS } from '../../functions/ingester/transport.ts';
import { type FakeProtocol, STOP_CODE } from './fake-protocol.ts';
import type { FakeSockets } from './fake-socket.ts';
import { Supervised } from './supervised.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const { baseMs, capMs, failedAttempts, stableMs } = BACKOFF_LIMITS;

let supervised: Supervised;
let protocol: FakeProtocol;
let sockets: FakeSockets;

beforeEach(() => {
  supervised = new Supervised();
  ({ protocol, sockets } = supervised);
});
afterEach(() => supervised.close());

/** The reports after those of the first connection. */
const laterReports = () => supervised.reports.slice(2);

describe('lost connections', () => {
  test('A lost connection is uncovered from the end of what was read until the next one is ready', async () => {
    const socket = await supervised.goLive();
    await supervised.pass(1_000);
    socket.message('an event');
    socket.answerProbe();
    await supervised.pass(500);
    socket.end(1006, 'gone');
    expect(supervised.supervisor.state).toBe('connecting');
    await supervised.pass(baseMs * 2);
    await supervised.makeReady();
    expect(laterReports()).toEqual([
      ['notice', 'an event'],
      ['uncovered', 1_000, '1006 gone'],
      ['connected', '1006 gone'],
      ['covered', 2_500],
    ]);
    expect(protocol.recoveries).toEqual(['resume', 'resume']);
    expect(protocol.released).toEqual([[1, 'resumable']]);
  });

  test('A silent connection is terminated and uncovered since its last frame', async () => {
    await supervised.goLive();
    await supervised.pass(40_000);
    expect(supervised.reports.at(-1)).toEqual(['uncovered', 0, '1006 nothing received for 40000 ms']);
    expect(sockets.all[0]?.sent).toEqual(['hello', 'ping', 'ping']);
  });

  test.each([
    [1000, 'resume', 'resumable'],
    [1001, 'resume', 'resumable'],
    [1008, 'reauthenticate', 'gone'],
    [4_321, 'restart', 'gone'],
  ] as const)(
    'A connection that ended with %i is followed by the recovery %s, and its session is %s',
    async (code, recovery, remainder) => {
      const socket = await supervised.goLive();
      socket.end(code);
      await supervised.pass(capMs);
      expect(protocol.recoveries[1]).toBe(recovery);
      expect(protocol.released[0]).toEqual([1, remainder]);
    },
  );

  test('The log says how a connection was lost, what that means, and how the next one is made', async () => {
    const socket = await supervised.goLive();
    socket.end(1008, 'expired');
    const [line] = supervised.log.about('connection lost');
    expect(line).toEqual({
      level: 'warn',
      message: 'connection lost',
      fields: {
        reason: '1008 expired',
        meaning: protocol.ends.codes[1008]?.meaning,
        recovery: 'reauthenticate',
      },
    });
  });

  test('A connection that ends as soon as it is ready is followed by the recovery of its end', async () => {
    supervised.supervisor.start();
    await supervised.pass();
    sockets.last.open();
    sockets.last.message('ready');
    sockets.last.end(1008);
    await supervised.pass(capMs);
    expect(protocol.requests[1]).toMatchObject({ recovery: 'reauthenticate', after: { code: 1008 } });
  });

  test('A connection that ends as soon as it is ready counts as lost', async () => {
    supervised.supervisor.start();
    await supervised.pass();
    sockets.last.open();
    sockets.last.message('ready');
    sockets.last.end(1001, 'bye');
    await supervised.pass();
    expect(supervised.supervisor.state).toBe('connecting');
    expect(supervised.reportNames).toEqual(['connected', 'covered', 'uncovered']);
    await supervised.pass(baseMs * 2);
    await supervised.makeReady();
    expect(supervised.reports.slice(3)).toEqual([
      ['connected', '1001 bye'],
      ['covered', baseMs * 2],
    ]);
  });

  test('An end that stops the subscription fails the supervisor', async () => {
    const socket = await supervised.goLive();
    socket.end(STOP_CODE, 'unsubscribed');
    await supervised.pass(3_600_000);
    expect(supervised.supervisor.state).toBe('failed');
    expect(laterReports()).toEqual([
      ['uncovered', 0, '4999 unsubscribed'],
      ['failed', 'the server ended the subscription: 4999 unsubscribed (the subscription was deleted)'],
    ]);
    expect(sockets.all).toHaveLength(1);
  });

  test('An end that stops the subscription also ends the attempts to replace the connection', async () => {
    const socket = await supervised.goLive();
    await supervised.beginReplacement();
    sockets.last.end(1006);
    await supervised.pass();
    socket.end(STOP_CODE);
    await supervised.pass(capMs);
    expect(supervised.supervisor.state).toBe('failed');
    expect(sockets.all).toHaveLength(2);
  });

  test('A lost connection ends the wait before the next attempt to replace it', async () => {
    const socket = await supervised.goLive();
    await supervised.beginReplacement();
    sockets.last.end(1006);
    await supervised.pass();
    expect(sockets.all).toHaveLength(2);
    socket.end(1006);
    await supervised.pass();
    expect(sockets.all).toHaveLength(3);
  });

  test('The expiry of a lost session does not shorten the wait before the next attempt', async () => {
    protocol.lifeMs = 10_000;
    const socket = await supervised.goLive();
    await supervised.pass(protocol.lifeMs - baseMs);
    socket.end(1006);
    await supervised.pass(2 * baseMs - 1);
    expect(sockets.all).toHaveLength(1);
    await supervised.pass(1);
    expect(sockets.all).toHaveLength(2);
  });

  test('Repeated losses lead to growing delays until a connection is stable', async () => {
    let socket = await supervised.goLive();
    for (const delayMs of [baseMs * 2, baseMs * 4, baseMs * 8]) {
      socket.end(1006);
      const count = sockets.all.length;
      await supervised.pass(delayMs - 1);
      expect(sockets.all).toHaveLength(count);
      await supervised.pass(1);
      socket = await supervised.makeReady();
    }
    for (let ms = 0; ms < stableMs; ms += 30_000) {
      await supervised.pass(30_000);
      socket.message('alive');
    }
    socket.end(1006);
    const count = sockets.all.length;
    await supervised.pass(baseMs);
    expect(sockets.all).toHaveLength(count + 1);
  });
});

describe('announced ends', () => {
  test.each([
    ['closing', 'restart', 'socket_closing'],
    ['revoked', 'reauthenticate', 'token_revoked'],
  ] as const)(
    'After the announcement "%s" the new connection is ready before the old one closes',
    async (word, recovery, reason) => {
      const { supervisor } = supervised;
      const old = await supervised.goLive();
      old.message(word);
      expect(supervisor.state).toBe('overlapping');
      await supervised.pass();
      const fresh = sockets.last;
      fresh.open();
      await supervised.pass(2_000);
      old.message('still here');
      expect(old.readyState).toBe(1);
      expect(supervisor.openConnections).toBe(2);
      fresh.message('ready');
      await supervised.pass();
      expect(old.isClosed).toBe(true);
      expect(supervisor.state).toBe('live');
      expect(supervisor.openConnections).toBe(1);
      expect(laterReports()).toEqual([
        ['notice', 'still here'],
        ['connected', reason],
      ]);
      expect(protocol.recoveries).toEqual(['resume', recovery]);
      expect(protocol.released).toEqual([[1, 'gone']]);
      const [line] = supervised.log.about('the server asked us to reconnect');
      expect(line).toMatchObject({ level: 'info', fields: { reason } });
    },
  );

  test('The first announcement is handled at once, and repeated ones after increasing delays', async () => {
    let socket = await supervised.goLive();
    for (const delayMs of [0, baseMs * 2, baseMs * 4]) {
      const count = sockets.all.length;
      socket.message('closing');
      if (delayMs > 0) await supervised.pass(delayMs - 1);
      expect(sockets.all).toHaveLength(count);
      await supervised.pass(delayMs > 0 ? 1 : 0);
      expect(sockets.all).toHaveLength(count + 1);
      socket = await supervised.makeReady();
    }
  });

  test('Announcements in frames that make connections ready are delayed like all others', async () => {
    supervised.supervisor.start();
    await supervised.pass();
    for (const delayMs of [0, baseMs * 2, baseMs * 4]) {
      const count = sockets.all.length;
      sockets.last.open();
      sockets.last.message('ready+closing');
      await supervised.pass(Math.max(0, delayMs - 1));
      expect(sockets.all).toHaveLength(delayMs > 0 ? count : count + 1);
      await supervised.pass(delayMs > 0 ? 1 : 0);
      expect(sockets.all).toHaveLength(count + 1);
    }
  });

  test('A repeated announcement does not shorten the wait before the next attempt', async () => {
    const old = await supervised.goLive();
    await supervised.beginReplacement();
    sockets.last.end(1006);
    await supervised.pass();
    old.message('closing');
    await supervised.pass(baseMs);
    expect(sockets.all).toHaveLength(2);
  });

  test('An announcement before the connection is ready leads to a replacement as soon as it is ready', async () => {
    const { supervisor } = supervised;
    supervisor.start();
    await supervised.pass();
    sockets.last.open();
    sockets.last.message('closing');
    await supervised.makeReady();
    expect(supervisor.state).toBe('overlapping');
    await supervised.pass(baseMs);
    await supervised.makeReady();
    expect(supervisor.state).toBe('live');
    expect(sockets.all[0]?.isClosed).toBe(true);
    expect(protocol.recoveries).toEqual(['resume', 'restart']);
  });

  test('An announcement on a connection that is being replaced has no effect', async () => {
    const { supervisor } = supervised;
    const old = await supervised.goLive();
    await supervised.beginReplacement();
    old.message('closing');
    old.message('revoked');
    await supervised.makeReady();
    await supervised.pass(60);
    expect(sockets.all).toHaveLength(2);
    expect(supervisor.state).toBe('live');
    old.message('closing');
    await supervised.pass(60);
    expect(sockets.all).toHaveLength(2);
  });

  test('The old connection stays in use while attempts to replace it fail', async () => {
    const { supervisor } = supervised;
    const old = await supervised.goLive();
    old.message('closing');
    for (let n = 0; n < 2 * failedAttempts; n++) {
      await supervised.pass(capMs);
      old.message('alive');
      sockets.last.end(1006);
    }
    expect(supervisor.state).toBe('overlapping');
    expect(supervised.reportNames).toEqual(['connected', 'covered']);
    old.end(1001);
    expect(supervised.reportNames.at(-1)).toBe('uncovered');
    await supervised.pass(capMs);
    sockets.last.end(1006);
    await supervised.pass();
    expect(supervisor.state).toBe('failed');
  });

  test('An announced end that precedes the new connection is uncovered until that is ready', async () => {
    const old = await supervised.goLive();
    old.message('closing');
    await supervised.pass(1_000);
    old.end(1001, 'maintenance');
    expect(supervised.supervisor.state).toBe('connecting');
    await supervised.pass(1_000);
    await supervised.makeReady();
    expect(laterReports()).toEqual([
      ['uncovered', 0, '1001 maintenance'],
      ['connected', 'socket_closing'],
      ['covered', 2_000],
    ]);
    expect(sockets.all).toHaveLength(2);
  });
});

describe('planned replacements', () => {
  test('A connection is replaced whenever its session expires', async () => {
    protocol.lifeMs = 3_600_000;
    await supervised.goLive();
    for (let round = 1; round <= 3; round++) {
      for (let elapsed = 0; elapsed < protocol.lifeMs; elapsed += 30_000) {
        expect(sockets.all).toHaveLength(round);
        await supervised.pass(30_000);
        sockets.all[round - 1]?.message('alive');
      }
      await supervised.makeReady();
    }
    const reasons = supervised.reports.filter(([name]) => name === 'connected').map(([, reason]) => reason);
    expect(reasons).toEqual(['start', 'expiry', 'expiry', 'expiry']);
    expect(supervised.reportNames).not.toContain('uncovered');
    expect(protocol.recoveries).toEqual(['resume', 'restart', 'restart', 'restart']);
  });

  test('Replacements have a minimum interval, even if the lifetime of a session is very short', async () => {
    protocol.lifeMs = -1;
    await supervised.goLive();
    await supervised.pass(999);
    expect(sockets.all).toHaveLength(1);
    await supervised.pass(1);
    expect(sockets.all).toHaveLength(2);
  });

  test('A session that does not expire is not replaced', async () => {
    protocol.lifeMs = Number.POSITIVE_INFINITY;
    await supervised.goLive();
    await supervised.pass(30_000);
    expect(sockets.all).toHaveLength(1);
  });

  test('A session that lives longer than the longest timer is not replaced at once', async () => {
    protocol.lifeMs = 2 ** 40;
    await supervised.goLive();
    await supervised.pass(10_000);
    expect(sockets.all).toHaveLength(1);
  });

  test('The proof of what was read includes a replaced connection until that connection has ended', async () => {
    const { supervisor } = supervised;
    const startMs = Date.now();
    supervisor.start();
    await supervised.pass();
    expect(supervisor.readUntilMs).toBeUndefined();
    const old = await supervised.makeReady();
    old.answersClose = false;
    expect(supervisor.readUntilMs).toBe(startMs);
    await supervised.pass(5_000);
    await supervised.beginReplacement();
    await supervised.makeReady();
    expect(supervisor.readUntilMs).toBe(startMs);
    old.end(1000, 'replaced');
    await supervised.pass();
    expect(supervisor.readUntilMs).toBe(startMs + 5_000);
    sockets.last.end(1006);
    expect(supervisor.readUntilMs).toBeUndefined();
  });

  test('Data that still arrives on a replaced connection reaches the sink', async () => {
    const old = await supervised.goLive();
    old.answersClose = false;
    await supervised.beginReplacement();
    await supervised.makeReady();
    old.message('late');
    old.end(1000, 'replaced');
    await supervised.pass();
    expect(laterReports()).toEqual([
      ['connected', 'topics'],
      ['notice', 'late'],
    ]);
  });

  test('A replaced connection that does not acknowledge the close leaves a gap since its last proof of life', async () => {
    const dead = await supervised.goLive();
    dead.answersClose = false;
    await supervised.pass(20_000);
    await supervised.beginReplacement();
    await supervised.makeReady();
    await supervised.pass(CLOSE_TIMEOUT_MS);
    expect(laterReports()).toEqual([
      ['connected', 'topics'],
      ['gap', 0, 20_000, 'no reply to the close frame (replaced)'],
    ]);
  });
});
