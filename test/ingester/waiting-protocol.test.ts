import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Intake } from '../../functions/ingester/intake.ts';
import { ProtocolStreams } from '../../functions/ingester/protocol-streams.ts';
import { PROTOCOLS } from '../../functions/ingester/protocols/registry.ts';
import { TaskCoverage } from '../../functions/ingester/task-coverage.ts';
import { CLOSE_TIMEOUT_MS } from '../../functions/ingester/transport.ts';
import { FakeProtocol, offlineContext } from './fake-protocol.ts';
import { FakeSockets } from './fake-socket.ts';
import { KeptItems } from './kept-items.ts';
import { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

/** A protocol whose standby does not connect. */
class WaitingProtocol extends FakeProtocol {
  readonly onStandby = 'waits';

  override async *subscriptions() {
    yield new Map([['0', { topics: ['a'] }]]);
  }
}

let sockets: FakeSockets;
let streams: ProtocolStreams;
let coverage: TaskCoverage;
let stop: AbortController;

beforeEach(async () => {
  vi.useFakeTimers();
  const log = new TestLog();
  sockets = new FakeSockets();
  stop = new AbortController();
  coverage = new TaskCoverage({
    log,
    sources: {
      readUntilMs: (name) => streams.readUntilMs(name),
      servedTopics: (name) => streams.servedTopics(name),
      oldestUnsentMs: () => undefined,
    },
  });
  streams = new ProtocolStreams({
    protocols: [{ protocol: new WaitingProtocol(), configuration: {} }],
    contextOf: () => offlineContext(log, stop.signal),
    intake: new Intake(new KeptItems(), { onSequenceGap: () => {} }, log),
    coverage,
    onFailed: (error) => {
      throw error;
    },
    openSocket: sockets.open,
    limits: undefined,
  });
  streams.setLeading(false);
  await streams.start();
  await pass();
});
afterEach(async () => {
  stop.abort();
  const stopping = streams.stop();
  await pass(CLOSE_TIMEOUT_MS);
  await stopping;
  vi.useRealTimers();
});

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

test('A standby finds the subscriptions, does not connect, and has nothing to be unhealthy about', () => {
  expect(sockets.all).toHaveLength(0);
  expect(streams.areFound).toBe(true);
  expect(coverage.isComplete(streams.names)).toBe(true);
  expect(coverage.longestOpenGap()).toBeUndefined();
});

test('It connects when the task leads, and closes its connections when another task does', async () => {
  streams.setLeading(true);
  await pass();
  sockets.last.open();
  sockets.last.message('ready');
  await pass();
  expect(streams.openConnections).toBe(1);
  expect(coverage.isComplete(streams.names)).toBe(true);
  streams.setLeading(false);
  await pass(CLOSE_TIMEOUT_MS);
  expect(streams.openConnections).toBe(0);
  expect(streams.names).toEqual([]);
  await pass(60_000);
  expect(sockets.all).toHaveLength(1);
});

test('The protocols with a cursor or a consumer group wait, and the others connect', () => {
  const waiting = PROTOCOLS.filter(({ onStandby }) => onStandby === 'waits').map(({ name }) => name);
  expect(waiting.toSorted()).toEqual(['analytics-events', 'notification-stream']);
});
