import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Intake } from '../../functions/ingester/intake.ts';
import { readFrame } from '../../functions/ingester/protocols/notification-channels/channel-frames.ts';
import type { ProtocolContext, StreamProtocol } from '../../functions/ingester/protocols/stream-protocol.ts';
import { Subscriptions } from '../../functions/ingester/subscriptions.ts';
import { TaskCoverage } from '../../functions/ingester/task-coverage.ts';
import { CLOSE_TIMEOUT_MS } from '../../functions/ingester/transport.ts';
import { FakeProtocol, type FakeSession, offlineContext } from './fake-protocol.ts';
import { type FakeSocket, FakeSockets } from './fake-socket.ts';
import { KeptItems } from './kept-items.ts';
import { MemoryCoverageStore } from './memory-coverage-store.ts';
import { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const START_MS = 1_800_000_000_000;
const STATE_TOPIC = 'v2.conversations.2f7bf00a-0fc2-4d6a-9b56-92238191433e.state';
const AUDIT_TOPIC = 'v2.audits.entitytype.Queue.entityid.4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01';

/** A protocol whose frames are words of the fake protocol, or events as JSON. */
class EventProtocol extends FakeProtocol {
  override async connect(request: Parameters<StreamProtocol['connect']>[0], context: ProtocolContext) {
    const session = (await super.connect(request, context)) as FakeSession;
    const words = session.onFrame.bind(session);
    session.onFrame = (data) => (data.toString().startsWith('{') ? [readFrame(data, false)] : words(data));
    return session;
  }
}

let protocol: EventProtocol;
let sockets: FakeSockets;
let queue: KeptItems;
let intake: Intake;
let store: MemoryCoverageStore;
let coverage: TaskCoverage;
const SUBSCRIPTION = { topics: [STATE_TOPIC] };
let subscriptions: Subscriptions;

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  vi.spyOn(Math, 'random').mockReturnValue(1);
  const log = new TestLog();
  protocol = new EventProtocol();
  sockets = new FakeSockets();
  queue = new KeptItems();
  intake = new Intake(queue, { onSequenceGap: () => {} }, log);
  store = new MemoryCoverageStore();
  coverage = new TaskCoverage({
    log,
    sources: {
      readUntilMs: (name) => subscriptions.readUntilMs(name),
      servedTopics: (name) => subscriptions.servedTopics(name),
      oldestUnsentMs: () => undefined,
    },
  });
  coverage.lead({ task: 'this', store });
  subscriptions = new Subscriptions({
    protocol,
    context: offlineContext(log),
    intake,
    coverage,
    onFailed: (error) => {
      throw error;
    },
    openSocket: sockets.open,
  });
  subscriptions.assign(new Map([['0', SUBSCRIPTION]]));
});
afterEach(async () => {
  const stopping = subscriptions.stop();
  await pass(CLOSE_TIMEOUT_MS);
  await stopping;
  coverage.abandon();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const state = (n: number) => JSON.stringify({ topicName: STATE_TOPIC, eventBody: { n } });
const audit = (id: string) => JSON.stringify({ topicName: AUDIT_TOPIC, eventBody: { id } });
const states = () => queue.events.map(({ frame: { eventBody } }) => eventBody.n);

async function open(): Promise<FakeSocket> {
  await pass();
  const socket = sockets.last;
  socket.open();
  return socket;
}

async function makeReady(socket: FakeSocket): Promise<void> {
  socket.message('ready');
  await pass();
}

async function goLive(): Promise<FakeSocket> {
  const socket = await open();
  await makeReady(socket);
  return socket;
}

/** The server asks for another connection; the new socket is open and not ready. */
async function beginOverlap(old: FakeSocket): Promise<FakeSocket> {
  old.message('closing');
  const next = await open();
  expect(next).not.toBe(old);
  return next;
}

describe('an orderly replacement', () => {
  test('A recurring state that both connections deliver is queued once per occurrence', async () => {
    const old = await goLive();
    old.message(state(1));
    const next = await beginOverlap(old);
    for (const n of [2, 1, 2, 1]) {
      old.message(state(n));
      await pass(10);
      next.message(state(n));
      await pass(10);
    }
    await makeReady(next);
    next.message(state(3));
    expect(states()).toEqual([1, 2, 1, 2, 1, 3]);
    expect(intake.totals).toMatchObject({ received: 10, copies: 4 });
  });

  test('Events that the old connection delivers after the close was sent are queued, and the new one continues', async () => {
    const old = await goLive();
    const next = await beginOverlap(old);
    old.answersClose = false;
    await makeReady(next);
    old.message(state(1));
    next.message(state(2));
    expect(states()).toEqual([1]);
    old.end(1000);
    expect(states()).toEqual([1, 2]);
    next.message(state(3));
    expect(states()).toEqual([1, 2, 3]);
  });

  test('Events with a recovery key are not held, and are queued once', async () => {
    const old = await goLive();
    const next = await beginOverlap(old);
    next.message(audit('a1'));
    expect(queue.items).toHaveLength(1);
    old.message(audit('a1'));
    expect(queue.items).toHaveLength(1);
    expect(intake.totals.copies).toBe(1);
  });

  test('A held event keeps the time at which it was received', async () => {
    const old = await goLive();
    const next = await beginOverlap(old);
    old.answersClose = false;
    await makeReady(next);
    await pass(100);
    next.message(state(1));
    const receivedAt = new Date().toISOString();
    await pass(2_000);
    old.end(1000);
    expect(queue.events).toMatchObject([{ receivedAt }]);
    expect(queue.receivedAtMs).toEqual([Date.parse(receivedAt)]);
  });

  test('Several consecutive replacements neither lose nor repeat events', async () => {
    let current = await goLive();
    let n = 0;
    for (let round = 0; round < 20; round++) {
      const next = await beginOverlap(current);
      for (const socket of [current, next]) socket.message(state(n));
      n++;
      await pass(500);
      await makeReady(next);
      await pass(1_500);
      next.message(state(n++));
      current = next;
      // Requests to reconnect that follow each other sooner are delayed.
      for (let minutes = 0; minutes < 2; minutes++) {
        await pass(30_000);
        current.message('alive');
      }
    }
    expect(states()).toEqual(Array.from({ length: n }, (_, index) => index));
  });
});

describe('an old connection that does not acknowledge the close', () => {
  test('Everything that the new connection delivered since shortly before the last frame is queued', async () => {
    const old = await goLive();
    old.message(state(1));
    await pass(10_000);
    const next = await beginOverlap(old);
    old.answersClose = false;
    // The old connection is dead from here on.
    await pass(1_500);
    for (const n of [2, 1, 2]) {
      next.message(state(n));
      await pass(100);
    }
    await makeReady(next);
    next.message(state(3));
    expect(states()).toEqual([1]);
    await pass(CLOSE_TIMEOUT_MS);
    expect(states()).toEqual([1, 2, 1, 2, 3]);
    expect(store.gaps).toMatchObject([{ reason: 'no reply to the close frame (replaced)' }]);
  });

  test('A proof that is stored before the old connection has ended is not later than what was read of it', async () => {
    const old = await goLive();
    await pass(6_000);
    const next = await beginOverlap(old);
    old.answerProbe();
    const readUntilMs = Date.now();
    old.answersClose = false;
    await pass(2_500);
    await makeReady(next);
    // The interval of proofs ends before the time limit of the close.
    await pass(2_000);
    expect(store.proof('this')).toMatchObject({ storedAtMs: START_MS + 10_000 });
    expect(store.proof('this')?.coveredUntilMs).toBeLessThanOrEqual(readUntilMs);
    await pass(CLOSE_TIMEOUT_MS);
    expect(store.gaps).toMatchObject([{ fromMs: readUntilMs }]);
  });

  test('A close from the server that crosses ours is not an acknowledgment, and loses nothing', async () => {
    const old = await goLive();
    const next = await beginOverlap(old);
    old.message(state(1));
    next.message(state(1));
    await pass(20);
    // The server has closed the old connection; its close is on the way.
    next.message(state(2));
    await pass(20);
    old.answersClose = false;
    await makeReady(next);
    old.end(1001);
    expect(states()).toContain(2);
  });
});

describe('failures during an overlap', () => {
  test('A new connection that fails during the overlap leaves the old one speaking', async () => {
    const old = await goLive();
    const failing = await beginOverlap(old);
    for (const socket of [failing, old]) socket.message(state(1));
    failing.end(1011);
    old.message(state(2));
    expect(states()).toEqual([1, 2]);
    await pass(1_000);
    const next = await open();
    expect(next).not.toBe(failing);
    for (const socket of [next, old]) socket.message(state(3));
    await pass(10);
    await makeReady(next);
    next.message(state(4));
    expect(states()).toEqual([1, 2, 3, 4]);
  });

  test('A speaker that is lost before the new connection is ready loses nothing that the new one delivered', async () => {
    const old = await goLive();
    old.message(state(1));
    await pass(5_000);
    const next = await beginOverlap(old);
    await pass(2_000);
    next.message(state(2));
    old.end(1006);
    next.message(state(3));
    expect(states()).toEqual([1, 2, 3]);
    await makeReady(next);
    next.message(state(4));
    expect(states()).toEqual([1, 2, 3, 4]);
  });

  test('A stop during an overlap queues what both connections delivered last', async () => {
    const old = await goLive();
    const next = await beginOverlap(old);
    for (const socket of [old, next]) socket.answersClose = false;
    old.message(state(1));
    next.message(state(1));
    await pass(10);
    const stopping = subscriptions.stop();
    await pass(10);
    next.message(state(2));
    old.end(1000);
    next.message(state(3));
    next.end(1000);
    await pass();
    await stopping;
    expect(states()).toEqual([1, 2, 3]);
  });

  test('Two subscriptions have one speaker each', async () => {
    const first = await goLive();
    subscriptions.assign(
      new Map([
        ['0', SUBSCRIPTION],
        ['1', { topics: [STATE_TOPIC] }],
      ]),
    );
    const second = await open();
    expect(second).not.toBe(first);
    first.message(state(1));
    second.message(state(2));
    expect(states()).toEqual([1, 2]);
  });
});
