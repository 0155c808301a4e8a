import { afterEach, beforeEach, expect, test } from 'vitest';
import { LocalSystem, until } from '../end-to-end/local-system.ts';
import { batchProtocol } from './batch-protocol.ts';
import { BatchServer, SERVER_FAULTS } from './batch-server.ts';

const STREAMS = ['red', 'blue'];
const EVENTS_PER_STREAM = 1_500;
const BURST = 25;
/** Failures of AWS whose outcome is known, so that nothing may be published twice. */
const AWS_FAULTS = {
  throttle: 0.05,
  partial_failure: 0.1,
  duplicate_delivery: 0.2,
  reorder: 0.2,
};

let server: BatchServer;
let system: LocalSystem;
let cursors: Map<string, string>;

beforeEach(async () => {
  server = await BatchServer.listen(11);
  cursors = new Map();
});
afterEach(async () => {
  await system.close();
  await server.close();
});

/** @param silenceMs - short, so that a half-open connection is noticed soon */
function startSystem(
  store: Pick<Map<string, string>, 'get' | 'set'>,
  rates = {},
  silenceMs = 400,
): Promise<LocalSystem> {
  return LocalSystem.start({
    rates,
    ingester: {
      protocols: [batchProtocol(server.url, store)],
      environment: { PROTOCOLS: 'batch', STREAMS: STREAMS.join(',') },
      limits: {
        connection: { silenceMs, pingEveryMs: 100, readyMs: 0.75 * silenceMs },
        batcher: { backoffCapMs: 50 },
      },
    },
  });
}

/** Names of the events on the bus, by stream and serial, in order of serial. */
function publishedSerials(stream: string): number[] {
  return system.published
    .map(({ detail }) => detail.eventBody as { stream: string; serial: number })
    .filter((body) => body.stream === stream)
    .map(({ serial }) => serial)
    .sort((left, right) => left - right);
}

function idsInQueueOrOnBus(): string[] {
  const queued = system.events
    .peek()
    .flatMap(({ body }) => (JSON.parse(body) as { events: { id: string }[] }).events.map(({ id }) => id));
  const published = system.published.map(({ detail }) => (detail.metadata as { eventId: string }).eventId);
  return [...queued, ...published];
}

const serialsUpTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('A protocol with batches and a cursor neither loses nor duplicates events under faults of its server and AWS', async () => {
  system = await startSystem(cursors, AWS_FAULTS);
  const faults = SERVER_FAULTS[Symbol.iterator]();
  for (let burst = 1; burst <= EVENTS_PER_STREAM / BURST; burst++) {
    for (const stream of STREAMS) server.emit(stream, BURST);
    const fault = burst % 5 === 0 ? faults.next().value : undefined;
    if (fault) server.strike(fault);
    await until(() => system.ingester.isCovered);
  }
  for (const stream of STREAMS) {
    await until(() => new Set(publishedSerials(stream)).size === EVENTS_PER_STREAM);
    await until(() => cursors.get(stream) === String(EVENTS_PER_STREAM));
  }
  await system.drain();
  for (const stream of STREAMS) expect(publishedSerials(stream)).toEqual(serialsUpTo(EVENTS_PER_STREAM));
  expect(system.published[0]).toMatchObject({
    'detail-type': expect.stringMatching(/^v2\.streams\.(red|blue)\.events$/),
    detail: { metadata: { protocol: 'batch', eventId: expect.stringMatching(/^batch:/) } },
  });
  expect(system.countIn('deadLetterQueue')).toBe(0);
  for (const fault of SERVER_FAULTS) expect(server.struck[fault]).toBeGreaterThan(0);
});

test('A cursor is committed only when every event before it is in the events queue or beyond', async () => {
  const inQueueOrBeyond = new Set<string>();
  const uncovered: string[] = [];
  system = await startSystem(
    {
      get: (stream) => cursors.get(stream),
      set: (stream, cursor) => {
        for (const id of idsInQueueOrOnBus()) inQueueOrBeyond.add(id);
        for (let serial = 1; serial <= Number(cursor); serial++)
          if (!inQueueOrBeyond.has(`batch:${stream}-${serial}`)) uncovered.push(`${stream}-${serial}`);
        return cursors.set(stream, cursor);
      },
    },
    { throttle: 0.2, partial_failure: 0.5 },
  );
  for (let burst = 0; burst < 20; burst++) {
    for (const stream of STREAMS) server.emit(stream, BURST);
    await until(() => system.ingester.intake.totals.received >= (burst + 1) * BURST);
  }
  const last = String(20 * BURST);
  await until(() => STREAMS.every((stream) => cursors.get(stream) === last));
  expect(uncovered).toEqual([]);
});

test('A replacement that the server asks for overlaps, so that the subscription stays covered', async () => {
  // No connection is half-open here, and a busy machine must not look like one.
  system = await startSystem(cursors, {}, 10_000);
  for (let round = 0; round < 5; round++) {
    await until(() => server.connected === STREAMS.length);
    const { handshakes } = server;
    server.strike('move');
    server.emit('red', BURST);
    await until(() => server.handshakes > handshakes);
    await until(() => publishedSerials('red').length === (round + 1) * BURST);
  }
  await until(() => publishedSerials('red').length === 5 * BURST);
  expect(system.ingester.coverage.totals.gaps).toBe(0);
});
