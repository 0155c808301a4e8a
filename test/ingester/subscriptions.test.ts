import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Intake } from '../../functions/ingester/intake.ts';
import type { StreamProtocol, Subscription } from '../../functions/ingester/protocols/stream-protocol.ts';
import { Subscriptions } from '../../functions/ingester/subscriptions.ts';
import { TaskCoverage } from '../../functions/ingester/task-coverage.ts';
import { CLOSE_TIMEOUT_MS } from '../../functions/ingester/transport.ts';
import { FakeProtocol, offlineContext, STOP_CODE } from './fake-protocol.ts';
import { type FakeSocket, FakeSockets } from './fake-socket.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';
import { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const START_MS = 1_800_000_000_000;

let protocol: FakeProtocol & Pick<StreamProtocol, 'end'>;
let sockets: FakeSockets;
let log: TestLog;
let abort: AbortController;
let coverage: TaskCoverage;
let store: MemoryCoverageStore;
let failures: Error[];
/** Subscriptions that were ended, in order. */
let ended: Subscription[];
let subscriptions: Subscriptions;

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  sockets = new FakeSockets();
  log = new TestLog();
  abort = new AbortController();
  store = new MemoryCoverageStore();
  failures = [];
  ended = [];
  protocol = Object.assign(new FakeProtocol(), {
    end: async (subscription: Subscription) => void ended.push(subscription),
  });
  coverage = new TaskCoverage({
    log,
    sources: {
      readUntilMs: (name) => subscriptions.readUntilMs(name),
      servedTopics: (name) => subscriptions.servedTopics(name),
      oldestUnsentMs: () => undefined,
    },
  });
  coverage.lead({ task: 'this', store });
  const queue = { add: () => {}, addLater: () => {}, lastPosition: 0, acceptedPosition: 0 };
  subscriptions = new Subscriptions({
    protocol,
    context: offlineContext(log, abort.signal),
    intake: new Intake(queue, { onSequenceGap: () => {} }, log),
    coverage,
    onFailed: (error) => failures.push(error),
    openSocket: sockets.open,
  });
});
afterEach(async () => {
  const stopping = subscriptions.stop();
  await pass(CLOSE_TIMEOUT_MS);
  await stopping;
  coverage.abandon();
  vi.useRealTimers();
});

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const subscription = (...topics: string[]): Subscription => ({ topics });

async function assign(wanted: Record<string, Subscription>): Promise<void> {
  subscriptions.assign(new Map(Object.entries(wanted)));
  await pass();
}

async function makeReady(socket: FakeSocket = sockets.last): Promise<void> {
  socket.open();
  socket.message('ready');
  await pass();
}

describe('assigning subscriptions', () => {
  test('Every new subscription gets its own connection', async () => {
    await assign({ a: subscription('x'), b: subscription('y', 'z') });
    for (const socket of sockets.all) await makeReady(socket);
    expect(subscriptions.names).toEqual(['a', 'b']);
    expect(subscriptions.openConnections).toBe(2);
    expect(coverage.isComplete(['a', 'b'])).toBe(true);
    expect(protocol.requests.map(({ subscription: { topics } }) => topics)).toEqual([['x'], ['y', 'z']]);
  });

  test('A subscription that stays the same object is left alone', async () => {
    const same = subscription('x');
    await assign({ a: same });
    await makeReady();
    await assign({ a: same });
    expect(sockets.all).toHaveLength(1);
    expect(subscriptions.describe()).toMatchObject([{ state: 'live' }]);
  });

  test('A subscription that is a new object is changed', async () => {
    const updates: Subscription[] = [];
    protocol.update = async (_session, wanted) => void updates.push(wanted);
    await assign({ a: subscription('x') });
    await makeReady();
    const changed = subscription('x', 'y');
    await assign({ a: changed });
    expect(updates).toEqual([changed]);
    expect(sockets.all).toHaveLength(1);
    expect(subscriptions.describe()).toMatchObject([{ topics: 2 }]);
  });

  test('A subscription that is no longer wanted is closed and ended', async () => {
    const [first, second] = [subscription('x'), subscription('y')];
    await assign({ a: first, b: second });
    for (const socket of sockets.all) await makeReady(socket);
    await assign({ b: second });
    expect(subscriptions.names).toEqual(['b']);
    expect(sockets.all[0]?.isClosed).toBe(true);
    expect(ended).toEqual([first]);
    expect(store.gaps).toEqual([]);
  });

  test('A subscription is ended after its connections are closed', async () => {
    await assign({ a: subscription('x') });
    await makeReady();
    sockets.last.answersClose = false;
    await assign({});
    expect(ended).toEqual([]);
    await pass(CLOSE_TIMEOUT_MS);
    expect(ended).toHaveLength(1);
  });

  test('A removed subscription that appears again gets a new connection', async () => {
    await assign({ a: subscription('x') });
    await makeReady();
    await assign({});
    await assign({ a: subscription('x') });
    await makeReady();
    expect(sockets.all).toHaveLength(2);
    expect(coverage.isComplete(['a'])).toBe(true);
  });

  test('After an abort nothing is assigned', async () => {
    abort.abort();
    await assign({ a: subscription('x') });
    expect(subscriptions.names).toEqual([]);
  });
});

describe('what subscriptions report', () => {
  test('A subscription is described by name, state, topics and rejected topics', async () => {
    const rejected = new Map([['y', 'no permission']]);
    await assign({ a: { topics: ['x', 'y'], rejected }, b: subscription('z') });
    expect(subscriptions.describe()).toEqual([
      { name: 'a', state: 'connecting', topics: 2, rejectedTopics: { y: 'no permission' } },
      { name: 'b', state: 'connecting', topics: 1, rejectedTopics: {} },
    ]);
    expect(subscriptions.rejectedTopics).toBe(1);
  });

  test('The reasons of rejected topics are described without secrets', async () => {
    const channel = 'streaming-0-fmtdmf8cdis7jh14udg5p89t6z';
    const rejected = new Map([['x', `the channel ${channel} has too many topics`]]);
    await assign({ a: { topics: ['x'], rejected } });
    expect(subscriptions.describe()).toMatchObject([
      { rejectedTopics: { x: 'the channel [redacted] has too many topics' } },
    ]);
  });

  test('A subscription is read as far as its connection, and nothing is known without one', async () => {
    await assign({ a: subscription('x') });
    expect(subscriptions.readUntilMs('a')).toBeUndefined();
    await makeReady();
    await pass(5_000);
    sockets.last.answerProbe();
    await pass(1_000);
    expect(subscriptions.readUntilMs('a')).toBe(START_MS + 5_000);
    sockets.last.end(1006);
    expect(subscriptions.readUntilMs('a')).toBeUndefined();
    expect(subscriptions.readUntilMs('unknown')).toBeUndefined();
  });

  test('Until a replaced connection has ended, its subscription counts as read only as far as that connection', async () => {
    await assign({ a: subscription('x') });
    await makeReady();
    const old = sockets.last;
    await pass(5_000);
    old.answerProbe();
    old.message('closing');
    await pass(1_000);
    old.answersClose = false;
    await makeReady();
    await pass(1_000);
    sockets.last.answerProbe();
    expect(subscriptions.readUntilMs('a')).toBe(START_MS + 5_000);
    old.end(1000);
    await pass();
    expect(subscriptions.readUntilMs('a')).toBe(START_MS + 7_000);
  });

  test('The served topics are those of the live connection, not those that are wanted', async () => {
    const update = Promise.withResolvers<void>();
    protocol.update = () => update.promise;
    await assign({ a: subscription('x') });
    expect(subscriptions.servedTopics('a')).toBeUndefined();
    await makeReady();
    await assign({ a: subscription('x', 'y') });
    expect(subscriptions.servedTopics('a')).toEqual(['x']);
    update.resolve();
    await pass();
    expect(subscriptions.servedTopics('a')).toEqual(['x', 'y']);
    sockets.last.end(1006);
    await pass();
    expect(subscriptions.servedTopics('a')).toBeUndefined();
  });

  test('A topic that the server refuses is not served, even as a part of a combined topic', async () => {
    const rejected = new Map([['v2.users.1.station', 'no permission']]);
    await assign({ a: { topics: ['v2.users.1?presence&station', 'v2.users.2.presence'], rejected } });
    await makeReady();
    expect(subscriptions.servedTopics('a')).toEqual(['v2.users.1.presence', 'v2.users.2.presence']);
    rejected.clear();
    expect(subscriptions.servedTopics('a')).toEqual(['v2.users.1?presence&station', 'v2.users.2.presence']);
  });

  test('Connections are counted by the first word of their reason, and logged with their subscription', async () => {
    await assign({ a: subscription('x') });
    await makeReady();
    sockets.last.end(1001, 'maintenance');
    await pass(60_000);
    await makeReady();
    expect(Object.fromEntries(subscriptions.connects)).toEqual({ start: 1, 1001: 1 });
    expect(log.about('connected').map(({ fields }) => fields)).toEqual([
      { subscription: 'a', reason: 'start' },
      { subscription: 'a', reason: '1001 maintenance' },
    ]);
  });

  test('A gap has the name of its subscription', async () => {
    await assign({ first: subscription('x') });
    await makeReady();
    sockets.last.end(1006);
    await pass(60_000);
    await makeReady();
    expect(store.gaps).toMatchObject([{ subscription: 'first', fromMs: START_MS, reason: '1006' }]);
  });

  test('The errors are those of the subscriptions whose last attempt failed', async () => {
    await assign({ a: subscription('x'), b: subscription('y') });
    const [first, second] = sockets.all;
    await makeReady(first);
    second?.end(1006, 'no');
    await pass();
    expect(subscriptions.errors).toEqual(['the connection ended before it was ready (1006, no)']);
  });

  test('A permanent failure of a subscription is reported', async () => {
    await assign({ a: subscription('x') });
    await makeReady();
    sockets.last.end(STOP_CODE);
    expect(failures).toMatchObject([{ message: expect.stringMatching(/ended the subscription: 4999/) }]);
    expect(subscriptions.describe()).toMatchObject([{ state: 'failed' }]);
  });
});

describe('pausing and stopping subscriptions', () => {
  test('A pause applies to every subscription, and to those that are added during it', async () => {
    const first = subscription('x');
    await assign({ a: first });
    await makeReady();
    subscriptions.setPaused(true);
    await assign({ a: first, b: subscription('y') });
    await makeReady();
    expect(sockets.all.map(({ isPaused }) => isPaused)).toEqual([true, true]);
    subscriptions.setPaused(false);
    expect(sockets.all.map(({ isPaused }) => isPaused)).toEqual([false, false]);
  });

  test('A stop closes and ends every subscription, including those that are being removed', async () => {
    const second = subscription('y');
    await assign({ a: subscription('x'), b: second });
    for (const socket of sockets.all) {
      await makeReady(socket);
      socket.answersClose = false;
    }
    await assign({ b: second });
    const stopping = subscriptions.stop();
    await pass(CLOSE_TIMEOUT_MS);
    await stopping;
    expect(ended).toHaveLength(2);
    expect(subscriptions.openConnections).toBe(0);
  });
});
