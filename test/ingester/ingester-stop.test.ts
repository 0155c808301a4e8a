import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DRAIN_LIMIT_MS, Ingester } from '../../functions/ingester/ingester.ts';
import { readConfig } from '../../functions/ingester/ingester-config.ts';
import { FakeSockets } from './fake-socket.ts';
import { TestLog } from './test-log.ts';

vi.mock('node:timers/promises', () => import('./timers-promises.ts'));

const TOPIC = 'v2.users.4f6f2a53-3f2c-4d6e-9a55-0d4a3c3f9a01.presence';
const CHANNEL_URL = 'wss://streaming.mypurecloud.com/channels/streaming-0-abc';
const never = () => new Promise<never>(() => {});

/** The REST API as far as a channel needs it. */
const cloud = async (input: unknown): Promise<Response> => {
  const path = new URL(String(input)).pathname;
  if (path === '/oauth/token') return Response.json({ access_token: 'a-token', expires_in: 86_400 });
  if (path.endsWith('/subscriptions'))
    return Response.json({ entities: [{ id: TOPIC, state: 'Permitted' }] });
  const expires = new Date(Date.now() + 86_400_000).toISOString();
  return Response.json({ id: 'streaming-0-abc', connectUri: CHANNEL_URL, expires });
};

let sockets: FakeSockets;
let log: TestLog;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  });
  sockets = new FakeSockets();
  log = new TestLog();
});
afterEach(() => vi.useRealTimers());

async function start(dependencies: {
  fetch?: unknown;
  send: () => Promise<unknown>;
  dynamodb?: () => Promise<unknown>;
}) {
  const config = readConfig({
    GENESYS_DOMAIN: 'mypurecloud.com',
    GENESYS_CLIENT_ID: 'id',
    GENESYS_CLIENT_SECRET: 'secret',
    TOPICS: TOPIC,
    EVENTS_QUEUE_URL: 'http://127.0.0.1/queue',
    STATE_TABLE: 'state',
    HEALTH_PORT: '0',
  });
  const ingester = new Ingester(config, {
    sqs: { send: dependencies.send } as unknown as SQSClient,
    dynamodb: { send: dependencies.dynamodb ?? (async () => ({})) } as unknown as DynamoDBClient,
    credentials: [async () => ({ clientId: 'id', clientSecret: 'secret' })],
    log,
    fetch: (dependencies.fetch ?? cloud) as typeof fetch,
    openSocket: sockets.open,
  });
  const starting = ingester.start();
  // Without an answer of Genesys Cloud the start does not end. It has begun when the health endpoint is up.
  if (dependencies.fetch)
    await vi.waitFor(() => expect(ingester.healthPort).toBeDefined(), { interval: 1, timeout: 60_000 });
  else await starting;
  return ingester;
}

async function goLive(): Promise<void> {
  await vi.waitFor(() => expect(sockets.all).toHaveLength(1), { interval: 1, timeout: 60_000 });
  sockets.last.open();
  sockets.last.message('{"topicName":"channel.metadata","eventBody":{"message":"pong"}}');
}
const receive = (n: number) => sockets.last.message(JSON.stringify({ topicName: TOPIC, eventBody: { n } }));

const alive = () => sockets.last.message('{"topicName":"channel.metadata","eventBody":{"message":"pong"}}');

async function healthOf(ingester: Ingester) {
  const response = await fetch(`http://127.0.0.1:${ingester.healthPort}/healthz`);
  const body = (await response.json()) as { ready: boolean; live: boolean; reasons: string[] };
  return { status: response.status, ...body };
}

/** Duration of a stop by the fake clock. */
async function stopMs(ingester: Ingester): Promise<number> {
  const startedAtMs = Date.now();
  let stopped = false;
  const stopping = ingester.stop().then(() => {
    stopped = true;
  });
  while (!stopped && Date.now() - startedAtMs < 2 * DRAIN_LIMIT_MS) {
    await vi.advanceTimersByTimeAsync(50);
    // The health endpoint needs the real event loop to close.
    await new Promise(setImmediate);
  }
  await stopping;
  return Date.now() - startedAtMs;
}

describe('stopping', () => {
  test('A stop without failures takes almost no time', async () => {
    const ingester = await start({ send: async () => ({ Successful: [{ Id: '0' }] }) });
    await goLive();
    receive(1);
    expect(await stopMs(ingester)).toBeLessThan(500);
    expect(ingester.batcher.totals.itemsSent).toBe(1);
    expect(ingester.connections).toBe(0);
  });

  test('A stop is short even if Genesys Cloud does not respond', async () => {
    const ingester = await start({ send: never, fetch: never });
    expect(await stopMs(ingester)).toBeLessThan(6_000);
  });

  test('A stop while SQS fails is limited, and what was not accepted is recorded as a gap', async () => {
    const written: unknown[] = [];
    const ingester = await start({
      send: () => Promise.reject(new Error('no queue')),
      dynamodb: async (...[command]: unknown[]) => {
        written.push((command as { input: unknown }).input);
        return {};
      },
    });
    await goLive();
    const receivedAtMs = Date.now();
    receive(1);
    await vi.advanceTimersByTimeAsync(1_000);
    receive(2);
    const tookMs = await stopMs(ingester);
    expect(tookMs).toBeGreaterThan(20_000);
    expect(tookMs).toBeLessThanOrEqual(DRAIN_LIMIT_MS);
    const [gap] = written.filter((input) => JSON.stringify(input).includes('gap#'));
    expect(gap).toMatchObject({
      Item: { fromMs: { N: String(receivedAtMs) }, reason: { S: 'unsent at exit' } },
    });
  });

  test('A stop tells coverage first, so that the last proof ends when the stop begins', async () => {
    const written: unknown[] = [];
    const ingester = await start({
      send: async () => ({ Successful: [{ Id: '0' }] }),
      dynamodb: async (...[command]: unknown[]) => {
        written.push((command as { input: unknown }).input);
        return {};
      },
    });
    await goLive();
    await vi.waitFor(() => expect(ingester.isCovered).toBe(true), { interval: 1, timeout: 60_000 });
    await vi.advanceTimersByTimeAsync(1_000);
    sockets.last.answersClose = false;
    const stopsAtMs = Date.now();
    expect(await stopMs(ingester)).toBeGreaterThan(2_500);
    const proof = written.findLast((input) => JSON.stringify(input).includes('proof#'));
    expect(proof).toMatchObject({
      Item: { coveredUntilMs: { N: String(stopsAtMs) }, isFinal: { BOOL: true } },
    });
  });

  test('A stop is limited in time if neither SQS nor the state table responds', async () => {
    const ingester = await start({ send: never, dynamodb: never });
    // The channel cannot be looked up, so there is no connection and no event. Add an item and a gap.
    ingester.coverage.add({ subscription: '0', fromMs: 1, toMs: 2, reason: 'a test' });
    ingester.batcher.add({ json: '{}', bytes: 2 });
    expect(await stopMs(ingester)).toBeLessThanOrEqual(DRAIN_LIMIT_MS + 100);
  });
});

describe('a queue that accepts nothing', () => {
  test('The process ends after five minutes without an accepted message', async () => {
    const ingester = await start({ send: () => Promise.reject(new Error('no queue')) });
    await goLive();
    let failure: unknown;
    ingester.failed.catch((error: unknown) => {
      failure = error;
    });
    receive(1);
    for (let seconds = 0; seconds < 290; seconds += 10) {
      await vi.advanceTimersByTimeAsync(10_000);
      alive();
    }
    expect(failure).toBeUndefined();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(failure).toMatchObject({ message: 'SQS accepts no messages', cause: { message: 'no queue' } });
    await stopMs(ingester);
  });

  test('The process is unhealthy with a reason after 30 seconds without an accepted message, until one is accepted', async () => {
    let isUp = true;
    const ingester = await start({
      send: async () => {
        if (!isUp) throw new Error('no queue');
        return { Successful: [{ Id: '0' }] };
      },
    });
    await goLive();
    await vi.waitFor(async () => expect(await healthOf(ingester)).toMatchObject({ status: 200 }), {
      interval: 1,
      timeout: 60_000,
    });
    isUp = false;
    receive(1);
    await vi.advanceTimersByTimeAsync(25_000);
    alive();
    expect(await healthOf(ingester)).toMatchObject({ status: 200, live: true, reasons: [] });
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await healthOf(ingester)).toMatchObject({
      status: 503,
      live: false,
      reasons: [expect.stringMatching(/^SQS has accepted no message for 3\d s; see the log for the error$/)],
    });
    isUp = true;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await healthOf(ingester)).toMatchObject({ status: 200, live: true, reasons: [] });
    await stopMs(ingester);
  });
});

describe('a lost subscription', () => {
  test('A subscription that is lost for 30 seconds makes the process unhealthy', async () => {
    let isUp = true;
    const ingester = await start({
      send: async () => ({ Successful: [{ Id: '0' }] }),
      fetch: (input: unknown) => (isUp ? cloud(input) : Promise.reject(new TypeError('fetch failed'))),
    });
    await goLive();
    const health = () => healthOf(ingester);
    await vi.waitFor(async () => expect(await health()).toMatchObject({ status: 200 }), {
      interval: 1,
      timeout: 60_000,
    });
    isUp = false;
    sockets.last.end(1008);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(await health()).toMatchObject({ status: 200, ready: true, live: true });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await health()).toMatchObject({ status: 503, ready: true, live: false });
    await stopMs(ingester);
  });
});
