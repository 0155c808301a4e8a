import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Subscription } from '../../functions/ingester/protocols/stream-protocol.ts';
import type { FakeProtocol, FakeSession } from './fake-protocol.ts';
import type { FakeSockets } from './fake-socket.ts';
import { Supervised } from './supervised.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const A: Subscription = { topics: ['a'] };
const B: Subscription = { topics: ['b'] };
const C: Subscription = { topics: ['c'] };
const D: Subscription = { topics: ['d'] };

/** An update of a session that the test completes. */
interface Update {
  readonly session: number;
  readonly subscription: Subscription;
  readonly done: PromiseWithResolvers<void>;
}

let supervised: Supervised;
let protocol: FakeProtocol;
let sockets: FakeSockets;
let updates: Update[];
/** Updates that have not completed, by session; never more than one. */
let running: Map<number, number>;
let mostConcurrent: number;

beforeEach(() => {
  supervised = new Supervised({ subscription: A });
  ({ protocol, sockets } = supervised);
  updates = [];
  running = new Map();
  mostConcurrent = 0;
});
afterEach(() => supervised.close());

/** Let sessions be updated; the test completes each update. */
function allowUpdates(): void {
  protocol.update = async ({ number }: FakeSession, subscription) => {
    const done = Promise.withResolvers<void>();
    updates.push({ session: number, subscription, done });
    const concurrent = (running.get(number) ?? 0) + 1;
    running.set(number, concurrent);
    mostConcurrent = Math.max(mostConcurrent, concurrent);
    try {
      await done.promise;
    } finally {
      running.set(number, concurrent - 1);
    }
  };
}

const updated = () => updates.map(({ session, subscription }) => [session, subscription.topics[0]]);

async function finish(update: Update | undefined): Promise<void> {
  update?.done.resolve();
  await supervised.pass();
}

async function fail(update: Update | undefined): Promise<void> {
  update?.done.reject(new Error('refused'));
  await supervised.pass();
}

describe('changes of a subscription', () => {
  test('A change updates the live session and opens no connection', async () => {
    allowUpdates();
    await supervised.goLive();
    supervised.supervisor.change(B);
    await supervised.pass();
    await finish(updates[0]);
    expect(updated()).toEqual([[1, 'b']]);
    expect(sockets.all).toHaveLength(1);
    expect(supervised.supervisor.subscription).toBe(B);
  });

  test('The served subscription is the one that the live connection was opened with, until an update succeeds', async () => {
    allowUpdates();
    const { supervisor } = supervised;
    supervisor.start();
    await supervised.pass();
    expect(supervisor.served).toBeUndefined();
    const socket = await supervised.makeReady();
    supervisor.change(B);
    await supervised.pass();
    expect(supervisor.served).toBe(A);
    await finish(updates[0]);
    expect(supervisor.served).toBe(B);
    socket.end(1006);
    expect(supervisor.served).toBeUndefined();
  });

  test('A change to the same subscription updates nothing', async () => {
    allowUpdates();
    await supervised.goLive();
    supervised.supervisor.change(A);
    await supervised.pass();
    expect(updates).toEqual([]);
  });

  test('Changes are applied one after another, and only the latest waiting change is applied', async () => {
    allowUpdates();
    await supervised.goLive();
    for (const subscription of [B, C, D]) {
      supervised.supervisor.change(subscription);
      await supervised.pass();
    }
    expect(updated()).toEqual([[1, 'b']]);
    await finish(updates[0]);
    expect(updated()).toEqual([
      [1, 'b'],
      [1, 'd'],
    ]);
    await finish(updates[1]);
    expect(updates).toHaveLength(2);
    expect(mostConcurrent).toBe(1);
  });

  test('A change back to what a running update replaces is applied after it', async () => {
    allowUpdates();
    await supervised.goLive();
    supervised.supervisor.change(B);
    supervised.supervisor.change(A);
    await supervised.pass();
    await finish(updates[0]);
    await finish(updates[1]);
    expect(updated()).toEqual([
      [1, 'b'],
      [1, 'a'],
    ]);
  });

  test('A connection that is opened after a change has the new subscription', async () => {
    allowUpdates();
    const socket = await supervised.goLive();
    supervised.supervisor.change(B);
    await supervised.pass();
    await finish(updates[0]);
    socket.end(1006);
    await supervised.pass(1_000);
    expect(protocol.sessions[1]?.subscription).toBe(B);
    await supervised.makeReady();
    expect(updates).toHaveLength(1);
  });

  test('A change without a connection waits for the next attempt', async () => {
    allowUpdates();
    const socket = await supervised.goLive();
    socket.end(1006);
    await supervised.pass();
    supervised.supervisor.change(B);
    await supervised.pass(1_000);
    await supervised.makeReady();
    expect(protocol.sessions[1]?.subscription).toBe(B);
    expect(updates).toEqual([]);
  });
});

describe('changes during an attempt', () => {
  test('A change while the session is prepared updates it when it is ready', async () => {
    allowUpdates();
    const prepared = Promise.withResolvers<void>();
    protocol.beforeConnect = () => prepared.promise;
    supervised.supervisor.start();
    await supervised.pass();
    supervised.supervisor.change(B);
    prepared.resolve();
    await supervised.pass();
    expect(protocol.sessions[0]?.subscription).toBe(A);
    await supervised.makeReady();
    expect(updated()).toEqual([[1, 'b']]);
    await finish(updates[0]);
    expect(sockets.all).toHaveLength(1);
  });

  test('A change during the handshake updates the session once', async () => {
    allowUpdates();
    supervised.supervisor.start();
    await supervised.pass();
    supervised.supervisor.change(B);
    await supervised.makeReady();
    expect(updated()).toEqual([[1, 'b']]);
    await finish(updates[0]);
    expect(updates).toHaveLength(1);
  });

  test('An update that failed during the handshake is retried when the connection is ready', async () => {
    allowUpdates();
    supervised.supervisor.start();
    await supervised.pass();
    supervised.supervisor.change(B);
    await fail(updates[0]);
    await supervised.makeReady();
    expect(updated()).toEqual([
      [1, 'b'],
      [1, 'b'],
    ]);
    await finish(updates[1]);
    expect(sockets.all).toHaveLength(1);
  });

  test('A change during an overlap updates both sessions', async () => {
    allowUpdates();
    const old = await supervised.goLive();
    old.message('closing');
    await supervised.pass();
    sockets.last.open();
    supervised.supervisor.change(B);
    await supervised.pass();
    expect(updated()).toEqual([
      [1, 'b'],
      [2, 'b'],
    ]);
    await finish(updates[0]);
    await finish(updates[1]);
    await supervised.makeReady();
    expect(updates).toHaveLength(2);
  });

  test('A failed update of the old session during an overlap needs no further replacement', async () => {
    allowUpdates();
    const old = await supervised.goLive();
    old.message('closing');
    await supervised.pass();
    sockets.last.open();
    supervised.supervisor.change(B);
    await fail(updates[0]);
    await finish(updates[1]);
    await supervised.makeReady();
    await supervised.pass(60);
    expect(sockets.all).toHaveLength(2);
    expect(supervised.supervisor.state).toBe('live');
  });

  test('A failed update of the new session during an overlap is repaired after it', async () => {
    allowUpdates();
    const old = await supervised.goLive();
    old.message('closing');
    await supervised.pass();
    sockets.last.open();
    supervised.supervisor.change(B);
    await finish(updates[0]);
    await fail(updates[1]);
    await supervised.makeReady();
    expect(updated().at(-1)).toEqual([2, 'b']);
    expect(updates).toHaveLength(3);
    await fail(updates[2]);
    expect(supervised.supervisor.state).toBe('overlapping');
    await supervised.makeReady();
    expect(protocol.sessions[2]?.subscription).toBe(B);
    expect(supervised.supervisor.state).toBe('live');
    expect(updates).toHaveLength(3);
  });

  test('A session without update that is outdated after the attempt is replaced', async () => {
    const prepared = Promise.withResolvers<void>();
    protocol.beforeConnect = () => prepared.promise;
    supervised.supervisor.start();
    await supervised.pass();
    supervised.supervisor.change(B);
    prepared.resolve();
    await supervised.pass();
    await supervised.makeReady();
    expect(supervised.supervisor.state).toBe('overlapping');
    await supervised.makeReady();
    expect(protocol.sessions[1]?.subscription).toBe(B);
    expect(sockets.all).toHaveLength(2);
    expect(supervised.supervisor.state).toBe('live');
  });
});

describe('replacement because of a change', () => {
  test('A session without update is replaced by overlap', async () => {
    const old = await supervised.goLive();
    supervised.supervisor.change(B);
    await supervised.pass();
    expect(supervised.supervisor.state).toBe('overlapping');
    expect(old.isClosed).toBe(false);
    await supervised.makeReady();
    expect(old.isClosed).toBe(true);
    expect(protocol.sessions[1]?.subscription).toBe(B);
    expect(protocol.recoveries).toEqual(['resume', 'restart']);
    expect(supervised.reports.at(-1)).toEqual(['connected', 'topics']);
    expect(supervised.reportNames).not.toContain('uncovered');
    expect(supervised.log.about('could not update the subscription')).toEqual([]);
  });

  test('A session whose update failed is replaced by overlap, and the failure is logged', async () => {
    allowUpdates();
    const old = await supervised.goLive();
    supervised.supervisor.change(B);
    await supervised.pass();
    await fail(updates[0]);
    expect(supervised.supervisor.state).toBe('overlapping');
    await supervised.makeReady();
    expect(old.isClosed).toBe(true);
    expect(protocol.sessions[1]?.subscription).toBe(B);
    expect(supervised.reports.at(-1)).toEqual(['connected', 'topics']);
    const [line] = supervised.log.about('could not update the subscription');
    expect(line).toMatchObject({ level: 'warn', fields: { error: new Error('refused') } });
  });

  test('A failed update of a connection that was lost meanwhile opens no second connection', async () => {
    allowUpdates();
    const socket = await supervised.goLive();
    supervised.supervisor.change(B);
    await supervised.pass();
    socket.end(1006);
    await fail(updates[0]);
    await supervised.pass(1_000);
    await supervised.makeReady();
    await supervised.pass(60);
    expect(sockets.all).toHaveLength(2);
    expect(protocol.sessions[1]?.subscription).toBe(B);
  });

  test('A failed update of a session whose connection is being closed opens no connection', async () => {
    allowUpdates();
    const old = await supervised.goLive();
    old.answersClose = false;
    old.message('closing');
    await supervised.pass();
    await supervised.makeReady();
    supervised.supervisor.change(B);
    await fail(updates.find(({ session }) => session === 1));
    await finish(updates.find(({ session }) => session === 2));
    expect(sockets.all).toHaveLength(2);
    expect(supervised.supervisor.state).toBe('live');
  });

  test('A failed update after a stop opens no connection', async () => {
    allowUpdates();
    await supervised.goLive();
    supervised.supervisor.change(B);
    await supervised.pass();
    await supervised.supervisor.stop();
    await fail(updates[0]);
    await supervised.pass(60_000);
    expect(sockets.all).toHaveLength(1);
    expect(supervised.log.about('could not update the subscription')).toEqual([]);
  });
});
