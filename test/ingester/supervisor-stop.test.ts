import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SupervisorState } from '../../functions/ingester/supervisor.ts';
import { CLOSE_TIMEOUT_MS } from '../../functions/ingester/transport.ts';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { type FakeProtocol, STOP_CODE } from './fake-protocol.ts';
import type { FakeSockets } from './fake-socket.ts';
import { Supervised } from './supervised.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

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

describe('stopping', () => {
  test('A stop closes the live connection gracefully and reads it to its end', async () => {
    const { supervisor } = supervised;
    const socket = await supervised.goLive();
    socket.answersClose = false;
    const stopping = supervisor.stop();
    socket.message('in transit');
    socket.end(1000, 'stopping');
    await stopping;
    expect(supervisor.state).toBe('stopped');
    expect(supervisor.openConnections).toBe(0);
    expect(laterReports()).toEqual([['notice', 'in transit']]);
    expect(protocol.released).toEqual([[1, 'reusable']]);
    await supervised.pass(3_600_000);
    expect(sockets.all).toHaveLength(1);
  });

  test('A connection that does not acknowledge the close at a stop leaves a gap since its last proof of life', async () => {
    const socket = await supervised.goLive();
    socket.answersClose = false;
    await supervised.pass(5_000);
    const stopping = supervised.supervisor.stop();
    await supervised.pass(CLOSE_TIMEOUT_MS);
    await stopping;
    expect(laterReports()).toEqual([['gap', 0, 5_000, 'no reply to the close frame (stopping)']]);
  });

  test('A stop aborts the call that prepares a session', async () => {
    const { supervisor } = supervised;
    protocol.beforeConnect = (_request, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    supervisor.start();
    await supervised.pass();
    await supervisor.stop();
    expect(supervisor.state).toBe('stopped');
    expect(sockets.all).toHaveLength(0);
    expect(supervised.reports).toEqual([]);
  });

  test('A session whose preparation cannot be aborted is released as reusable', async () => {
    const prepared = Promise.withResolvers<void>();
    protocol.beforeConnect = () => prepared.promise;
    supervised.supervisor.start();
    await supervised.pass();
    const stopping = supervised.supervisor.stop();
    prepared.resolve();
    await stopping;
    expect(sockets.all).toHaveLength(0);
    expect(protocol.released).toEqual([[1, 'reusable']]);
  });

  test('A stop closes a socket that is opening', async () => {
    const { supervisor } = supervised;
    supervisor.start();
    await supervised.pass();
    await supervisor.stop();
    expect(sockets.last.isClosed).toBe(true);
    expect(supervisor.state).toBe('stopped');
    expect(supervised.reports).toEqual([]);
    expect(protocol.released).toEqual([[1, 'reusable']]);
  });

  test('A stop ends the delay before the next attempt', async () => {
    const { supervisor } = supervised;
    supervisor.start();
    await supervised.pass();
    sockets.last.end(1006);
    await supervised.pass();
    await supervisor.stop();
    expect(supervisor.state).toBe('stopped');
    expect(supervised.elapsedMs).toBe(0);
    await supervised.pass(60_000);
    expect(sockets.all).toHaveLength(1);
  });

  test('A stop during an overlap closes both connections', async () => {
    await supervised.goLive();
    await supervised.beginReplacement();
    sockets.last.open();
    await supervised.supervisor.stop();
    expect(sockets.all.map(({ isClosed }) => isClosed)).toEqual([true, true]);
    expect(sockets.all.map(({ closeReason }) => closeReason)).toEqual(['stopping', 'stopping']);
    expect(laterReports()).toEqual([]);
  });

  test('A connection that becomes ready while stopping is closed and covers nothing', async () => {
    const { supervisor } = supervised;
    supervisor.start();
    await supervised.pass();
    sockets.last.open();
    sockets.last.message('ready');
    await supervisor.stop();
    expect(sockets.last.isClosed).toBe(true);
    expect(supervisor.openConnections).toBe(0);
    expect(supervised.reports).toEqual([]);
  });

  test('A stop of a supervisor that has failed leaves its state', async () => {
    const { supervisor } = supervised;
    protocol.beforeConnect = () => Promise.reject(new GenesysError('refused', 'no', { retriable: false }));
    supervisor.start();
    await supervised.pass();
    await supervisor.stop();
    expect(supervisor.state).toBe('failed');
  });

  test('A stop of a supervisor that was not started opens nothing', async () => {
    await supervised.supervisor.stop();
    supervised.supervisor.start();
    await supervised.pass(60_000);
    expect(supervised.supervisor.state).toBe('stopped');
    expect(protocol.requests).toEqual([]);
  });
});

describe('pausing', () => {
  test('A pause stops reading from every ready connection until it ends', async () => {
    const { supervisor } = supervised;
    await supervised.goLive();
    await supervised.beginReplacement();
    const [old, fresh] = sockets.all;
    fresh?.open();
    supervisor.pause();
    expect(old?.isPaused).toBe(true);
    // The handshake has to be read.
    expect(fresh?.isPaused).toBe(false);
    fresh?.message('ready');
    await supervised.pass();
    expect(supervisor.state).toBe('live');
    expect(old?.isClosed).toBe(true);
    expect(fresh?.isPaused).toBe(true);
    supervisor.resume();
    expect(fresh?.isPaused).toBe(false);
  });

  test('A connection that is made during a pause is paused when it is ready', async () => {
    const { supervisor } = supervised;
    supervisor.start();
    supervisor.pause();
    await supervised.pass();
    sockets.last.open();
    expect(sockets.last.isPaused).toBe(false);
    sockets.last.message('ready');
    await supervised.pass();
    expect(sockets.last.isPaused).toBe(true);
    expect(supervisor.state).toBe('live');
  });

  test('A pause that ends before the connection is ready has no effect on it', async () => {
    const { supervisor } = supervised;
    supervisor.start();
    supervisor.pause();
    await supervised.pass();
    supervisor.resume();
    await supervised.makeReady();
    expect(sockets.last.isPaused).toBe(false);
  });

  test('A connection that is made after a pause is read', async () => {
    const { supervisor } = supervised;
    await supervised.goLive();
    supervisor.pause();
    supervisor.resume();
    await supervised.beginReplacement();
    await supervised.makeReady();
    expect(sockets.all).toHaveLength(2);
    expect(sockets.last.isPaused).toBe(false);
  });

  test('A pause does not count as silence, and it proves nothing about what was read', async () => {
    const { supervisor } = supervised;
    const socket = await supervised.goLive();
    await supervised.pass(10_000);
    socket.answerProbe();
    supervisor.pause();
    await supervised.pass(300_000);
    expect(supervisor.state).toBe('live');
    supervisor.resume();
    socket.end(1006);
    expect(supervised.reports.at(-1)).toEqual(['uncovered', 10_000, '1006']);
  });

  test('A stop reads a paused connection to its end', async () => {
    const { supervisor } = supervised;
    const socket = await supervised.goLive();
    supervisor.pause();
    const stopping = supervisor.stop();
    supervisor.pause();
    expect(socket.isPaused).toBe(false);
    await stopping;
  });
});

test('A supervisor reaches every state', async () => {
  const all: readonly SupervisorState[] = ['connecting', 'failed', 'idle', 'live', 'overlapping', 'stopped'];
  const socket = await supervised.goLive();
  await supervised.beginReplacement();
  socket.end(1006);
  await supervised.pass();
  await supervised.close();
  const { states } = supervised;

  supervised = new Supervised();
  (await supervised.goLive()).end(STOP_CODE);
  await supervised.pass();
  expect([...new Set([...states, ...supervised.states])].toSorted()).toEqual(all);
});
