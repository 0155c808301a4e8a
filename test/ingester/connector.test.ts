import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BACKOFF_LIMITS } from '../../functions/ingester/backoff.ts';
import { CLOSE_TIMEOUT_MS } from '../../functions/ingester/transport.ts';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { CONFLICT_CODE, type FakeProtocol, MAX_CONFLICTS, STOP_CODE } from './fake-protocol.ts';
import type { FakeSockets } from './fake-socket.ts';
import { Supervised } from './supervised.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const { baseMs, capMs, failedAttempts, stableMs, throttledCapMs } = BACKOFF_LIMITS;

let supervised: Supervised;
let protocol: FakeProtocol;
let sockets: FakeSockets;

beforeEach(() => {
  supervised = new Supervised();
  ({ protocol, sockets } = supervised);
});
afterEach(() => supervised.close());

const rejectWith = (error: unknown) => () => Promise.reject(error);
const acceptConnects = () => {
  protocol.beforeConnect = async () => {};
};

describe('connecting', () => {
  test('A supervisor is live when the session that it opened is ready', async () => {
    const { supervisor, reports } = supervised;
    expect(supervisor.state).toBe('idle');
    supervisor.start();
    expect(supervisor.state).toBe('connecting');
    await supervised.pass();
    expect(sockets.last.url).toBe('ws://session-1');
    sockets.last.open();
    expect(sockets.last.sent).toEqual(['hello']);
    sockets.last.message('alive');
    await supervised.pass(20);
    expect(supervisor.state).toBe('connecting');
    expect(reports).toEqual([]);
    await supervised.makeReady();
    expect(supervisor.state).toBe('live');
    expect(supervisor.openConnections).toBe(1);
    expect(reports).toEqual([
      ['connected', 'start'],
      ['covered', 20],
    ]);
    expect(protocol.recoveries).toEqual(['resume']);
  });

  test('Data that arrives before the session is ready reaches the sink', async () => {
    supervised.supervisor.start();
    await supervised.pass();
    sockets.last.open();
    sockets.last.message('early');
    expect(supervised.reports).toEqual([['notice', 'early']]);
  });

  test('A supervisor makes one attempt at a time', async () => {
    supervised.supervisor.start();
    supervised.supervisor.start();
    await supervised.beginReplacement();
    expect(sockets.all).toHaveLength(1);
  });

  test('A connection that is not ready in time is closed, even if it becomes ready while closing', async () => {
    const { supervisor } = supervised;
    supervisor.start();
    await supervised.pass();
    const slow = sockets.last;
    slow.answersClose = false;
    slow.open();
    await supervised.pass(protocol.limits.readyMs);
    slow.message('ready');
    await supervised.pass(CLOSE_TIMEOUT_MS);
    expect(slow.isClosed).toBe(true);
    expect(supervisor.state).toBe('connecting');
    expect(supervised.reports).toEqual([]);
    expect(protocol.released).toEqual([[1, 'reusable']]);
    expect(supervisor.lastError).toMatch(/before it was ready \(1006, not ready in time\)/);
  });
});

describe('failed attempts', () => {
  test('Failed attempts are retried with increasing delays, at most ten times in a row', async () => {
    const { supervisor, reports } = supervised;
    supervisor.start();
    for (let attempt = 1; attempt < failedAttempts; attempt++) {
      await supervised.pass();
      expect(sockets.all).toHaveLength(attempt);
      sockets.last.end(1006, 'no');
      const delayMs = Math.min(capMs, baseMs * 2 ** attempt);
      await supervised.pass(delayMs - 1);
      expect(sockets.all).toHaveLength(attempt);
      await supervised.pass(1);
    }
    expect(supervisor.state).toBe('connecting');
    expect(reports).toEqual([]);
    sockets.last.end(1006, 'no');
    await supervised.pass();
    expect(supervisor.state).toBe('failed');
    expect(reports).toEqual([['failed', 'the connection ended before it was ready (1006, no)']]);
    await supervised.pass(3_600_000);
    expect(sockets.all).toHaveLength(failedAttempts);
  });

  test('A first attempt that failed permanently stops the supervisor at once', async () => {
    const { supervisor } = supervised;
    protocol.beforeConnect = rejectWith(
      new GenesysError('wrong_secret', 'check the secret', { retriable: false }),
    );
    supervisor.start();
    await supervised.pass();
    expect(supervisor.state).toBe('failed');
    expect(supervisor.lastError).toBe('check the secret');
    expect(supervised.reports).toEqual([['failed', 'check the secret']]);
    expect(protocol.requests).toHaveLength(1);
  });

  test('A permanent failure after a success is retried like any other', async () => {
    const { supervisor } = supervised;
    const socket = await supervised.goLive();
    protocol.beforeConnect = rejectWith(
      new GenesysError('missing_permission', 'a role was removed', { retriable: false }),
    );
    socket.end(1006);
    await supervised.pass(60_000);
    expect(supervisor.state).toBe('connecting');
    await supervised.pass(600_000);
    expect(supervisor.state).toBe('failed');
    expect(protocol.requests).toHaveLength(1 + failedAttempts);
  });

  test('An unknown error is retried like any other', async () => {
    protocol.beforeConnect = rejectWith('not an Error');
    supervised.supervisor.start();
    await supervised.pass(600_000);
    expect(supervised.reports).toEqual([['failed', 'not an Error']]);
    expect(protocol.requests).toHaveLength(failedAttempts);
  });

  test.each([
    ['not_found', 'restart'],
    ['unauthorized', 'reauthenticate'],
    ['unavailable', 'resume'],
    ['rate_limited', 'resume'],
  ] as const)('The attempt after the error %s has the recovery %s', async (code, recovery) => {
    protocol.beforeConnect = rejectWith(new GenesysError(code, 'no', { retriable: code !== 'not_found' }));
    supervised.supervisor.start();
    await supervised.pass();
    acceptConnects();
    await supervised.pass(60_000);
    expect(protocol.recoveries).toEqual(['resume', recovery]);
  });

  test('A required new session or token stays required after another failure', async () => {
    supervised.supervisor.start();
    await supervised.pass();
    sockets.last.refuse(404);
    await supervised.pass(1_000);
    sockets.last.end(1006);
    await supervised.pass(2_000);
    sockets.last.refuse(401);
    await supervised.pass(4_000);
    sockets.last.end(1006);
    await supervised.pass(8_000);
    expect(protocol.recoveries).toEqual(['resume', 'restart', 'restart', 'reauthenticate', 'reauthenticate']);
    expect(protocol.released.map(([, remainder]) => remainder)).toEqual([
      'gone',
      'reusable',
      'gone',
      'reusable',
    ]);
  });

  test('The next attempt knows how the previous connection ended', async () => {
    supervised.supervisor.start();
    await supervised.pass();
    sockets.last.refuse(404);
    await supervised.pass(1_000);
    const socket = await supervised.makeReady();
    socket.end(1001, 'maintenance');
    await supervised.pass(capMs);
    expect(protocol.requests.map(({ after }) => after)).toEqual([
      undefined,
      { code: 1006, reason: 'upgrade refused with HTTP 404', upgradeStatus: 404 },
      { code: 1001, reason: 'maintenance' },
    ]);
  });

  test('The count of failed attempts starts over after a success', async () => {
    const { supervisor } = supervised;
    supervisor.start();
    for (let round = 0; round < 3; round++) {
      for (let n = 1; n < failedAttempts; n++) {
        await supervised.pass(capMs);
        sockets.last.end(1006);
      }
      await supervised.pass(capMs);
      const socket = await supervised.makeReady();
      expect(supervisor.state).toBe('live');
      expect(supervisor.lastError).toBeUndefined();
      socket.end(1001);
    }
    expect(supervisor.state).toBe('connecting');
  });
});

describe('rate limits', () => {
  test('A refused upgrade with Retry-After delays the next attempt by that time', async () => {
    supervised.supervisor.start();
    await supervised.pass();
    sockets.last.refuse(429, { 'retry-after': '7' });
    await supervised.pass(6_999);
    expect(sockets.all).toHaveLength(1);
    await supervised.pass(1);
    expect(sockets.all).toHaveLength(2);
  });

  test('A 429 on the upgrade releases the session as reusable and keeps the recovery', async () => {
    supervised.supervisor.start();
    await supervised.pass();
    sockets.last.refuse(429);
    await supervised.pass(capMs);
    expect(protocol.released).toEqual([[1, 'reusable']]);
    expect(protocol.recoveries).toEqual(['resume', 'resume']);
  });

  test('A refused upgrade without Retry-After delays the next attempt by the longest delay', async () => {
    supervised.supervisor.start();
    await supervised.pass();
    sockets.last.refuse(429);
    await supervised.pass(capMs - 1);
    expect(sockets.all).toHaveLength(1);
    await supervised.pass(1);
    expect(sockets.all).toHaveLength(2);
  });

  test('A very long Retry-After is limited', async () => {
    protocol.beforeConnect = rejectWith(
      new GenesysError('rate_limited', 'no', { retriable: true, retryAfterMs: 86_400_000 }),
    );
    supervised.supervisor.start();
    await supervised.pass(throttledCapMs - 1);
    expect(protocol.requests).toHaveLength(1);
    await supervised.pass(1);
    expect(protocol.requests).toHaveLength(2);
  });
});

describe('repeated ends', () => {
  /** Lose the connection and make the next one ready, which lives for `livedMs`. */
  async function lose(code: number, livedMs = 0): Promise<void> {
    sockets.last.end(code);
    await supervised.pass(capMs);
    if (supervised.supervisor.state !== 'connecting') return;
    const socket = await supervised.makeReady();
    for (let ms = 0; ms < livedMs; ms += 30_000) {
      await supervised.pass(30_000);
      socket.message('alive');
    }
  }

  test('An end that may occur a limited number of times in a row stops the supervisor at the next one', async () => {
    const { supervisor } = supervised;
    await supervised.goLive();
    for (let n = 1; n <= MAX_CONFLICTS; n++) await lose(CONFLICT_CODE);
    expect(supervisor.state).toBe('live');
    await lose(CONFLICT_CODE);
    expect(supervisor.state).toBe('failed');
    expect(supervised.reports.at(-1)).toEqual([
      'failed',
      `the server ended the subscription: ${CONFLICT_CODE} (a conflict)`,
    ]);
    expect(sockets.all).toHaveLength(1 + MAX_CONFLICTS);
  });

  test('A different end resets the count of repeated ends', async () => {
    await supervised.goLive();
    for (const code of [CONFLICT_CODE, CONFLICT_CODE, 1001, CONFLICT_CODE, CONFLICT_CODE]) await lose(code);
    expect(supervised.supervisor.state).toBe('live');
    await lose(CONFLICT_CODE);
    expect(supervised.supervisor.state).toBe('failed');
  });

  test('A stable connection resets the count of repeated ends', async () => {
    await supervised.goLive();
    await lose(CONFLICT_CODE);
    await lose(CONFLICT_CODE, stableMs);
    for (let n = 1; n <= MAX_CONFLICTS; n++) await lose(CONFLICT_CODE);
    expect(supervised.supervisor.state).toBe('live');
    await lose(CONFLICT_CODE);
    expect(supervised.supervisor.state).toBe('failed');
  });

  test('A connection that is lost before it is stable does not reset the count of repeated ends', async () => {
    await supervised.goLive();
    await lose(CONFLICT_CODE, stableMs - 30_000);
    await lose(CONFLICT_CODE);
    await lose(CONFLICT_CODE);
    expect(supervised.supervisor.state).toBe('failed');
  });

  test('Repeated ends before the first success also stop the supervisor', async () => {
    supervised.supervisor.start();
    for (let n = 0; n <= MAX_CONFLICTS; n++) {
      expect(supervised.supervisor.state).toBe('connecting');
      await supervised.pass(capMs);
      sockets.last.end(CONFLICT_CODE);
      await supervised.pass();
    }
    expect(supervised.supervisor.state).toBe('failed');
    expect(sockets.all).toHaveLength(MAX_CONFLICTS + 1);
  });

  test('Attempts that end the same way too many times in a row stop the supervisor even after an earlier success', async () => {
    await supervised.goLive();
    await lose(1006, stableMs);
    sockets.last.end(1006);
    for (let n = 0; n <= MAX_CONFLICTS; n++) {
      await supervised.pass(capMs);
      expect(supervised.supervisor.state).toBe('connecting');
      sockets.last.end(CONFLICT_CODE, 'a bad filter');
      await supervised.pass();
    }
    expect(supervised.supervisor.state).toBe('failed');
    expect(supervised.reports.at(-1)).toEqual([
      'failed',
      `the connection ended before it was ready (${CONFLICT_CODE}, a bad filter)`,
    ]);
  });

  test('An attempt that ends so before and after a stable connection does not stop the supervisor', async () => {
    await supervised.goLive();
    for (let round = 0; round < 3; round++) {
      await lose(1006, stableMs);
      sockets.last.end(1006);
      for (let n = 0; n < MAX_CONFLICTS; n++) {
        await supervised.pass(capMs);
        sockets.last.end(CONFLICT_CODE);
        await supervised.pass();
      }
      await supervised.pass(capMs);
      await supervised.makeReady();
      expect(supervised.supervisor.state).toBe('live');
    }
  });

  test('An end that stops the subscription stops the first attempt', async () => {
    supervised.supervisor.start();
    await supervised.pass();
    sockets.last.end(STOP_CODE, 'unsubscribed');
    await supervised.pass();
    expect(supervised.supervisor.state).toBe('failed');
    expect(supervised.reports).toEqual([
      ['failed', 'the connection ended before it was ready (4999, unsubscribed)'],
    ]);
  });
});
