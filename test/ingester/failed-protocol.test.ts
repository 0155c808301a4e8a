import type { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Ingester } from '../../functions/ingester/ingester.ts';
import { UNHEALTHY_AFTER_MS } from '../../functions/ingester/ingester-health.ts';
import type { Subscription } from '../../functions/ingester/protocols/stream-protocol.ts';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { eventually } from './eventually.ts';
import { FakeProtocol } from './fake-protocol.ts';
import { FakeSockets } from './fake-socket.ts';
import { offlineConfig } from './offline-config.ts';
import { TestLog } from './test-log.ts';

/** A protocol with one subscription, which can be refused permanently. */
class RefusableProtocol extends FakeProtocol {
  isRefused = false;
  /** Whether even its subscriptions cannot be found. */
  hasNoSubscriptions = false;

  override async *subscriptions(): AsyncGenerator<ReadonlyMap<string, Subscription>> {
    if (this.hasNoSubscriptions) throw this.refusal();
    yield new Map([['main', { topics: [this.name] }]]);
  }

  override beforeConnect = async () => {
    if (this.isRefused) throw this.refusal();
  };

  private refusal(): GenesysError {
    return new GenesysError('refused', `${this.name} lacks a permission`, { retriable: false });
  }
}

let healthy: RefusableProtocol;
let refused: RefusableProtocol;
let sockets: FakeSockets;
let log: TestLog;
let ingester: Ingester;
let ended: Error | undefined;

beforeEach(() => {
  healthy = new RefusableProtocol('healthy');
  refused = new RefusableProtocol('refused');
  refused.isRefused = true;
  sockets = new FakeSockets();
  log = new TestLog();
  ended = undefined;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await ingester.stop();
});

function create(retryFailedMs: number): Ingester {
  ingester = new Ingester(offlineConfig([healthy, refused]), {
    sqs: { send: async () => ({}) } as unknown as SQSClient,
    credentials: [async () => ({ clientId: 'id', clientSecret: 'secret' })],
    log,
    fetch: async () => Response.json({ access_token: 'a-token', expires_in: 86_400 }),
    openSocket: sockets.open,
    limits: { backoff: { baseMs: 1 }, retryFailedMs },
  });
  ingester.failed.catch((error: unknown) => {
    ended = error as Error;
  });
  return ingester;
}

/** Starts, and completes the handshake of the healthy protocol. */
async function start(retryFailedMs = 60_000): Promise<void> {
  await create(retryFailedMs).start();
  await eventually(() => sockets.all.length).toBe(1);
  sockets.last.open();
  sockets.last.message('ready');
  await eventually(() => log.about('connected').length).toBe(1);
}

async function health(): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${ingester.healthPort}/healthz`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('one of two protocols that fails permanently', () => {
  test.each(['its connection is refused', 'its subscriptions cannot be found'])(
    'The other continues, and the process is unhealthy with the reason, if %s',
    async (cause) => {
      refused.hasNoSubscriptions = cause.includes('subscriptions');
      await start();
      await eventually(() => log.about('failed permanently').length).toBe(1);
      expect(log.about('failed permanently')[0]).toMatchObject({
        level: 'error',
        fields: { protocol: 'refused', reason: expect.stringContaining('refused lacks a permission') },
      });
      const { status, body } = await health();
      expect(status).toBe(503);
      expect(body).toMatchObject({ waitingFor: 'operator' });
      expect(JSON.stringify(body.reasons)).toContain('refused lacks a permission');
      expect(ingester.isCovered).toBe(false);
      expect(ingester.connections).toBe(1);
      expect(ended).toBeUndefined();
    },
  );

  test.each(['its connection is refused', 'its subscriptions cannot be found'])(
    'It is tried again, and is live once it is no longer refused, if %s',
    async (cause) => {
      refused.hasNoSubscriptions = cause.includes('subscriptions');
      await start(20);
      await eventually(() => log.about('failed permanently').length).toBeGreaterThan(1);
      refused.isRefused = false;
      refused.hasNoSubscriptions = false;
      await eventually(() => sockets.all.length).toBe(2);
      sockets.last.open();
      sockets.last.message('ready');
      await eventually(() => ingester.isCovered).toBe(true);
      expect((await health()).status).toBe(200);
      expect(ended).toBeUndefined();
    },
  );

  test('The health check does not wait for an operator when the other protocol has no connection either', async () => {
    await start();
    await eventually(() => log.about('failed permanently').length).toBe(1);
    expect((await health()).body).toHaveProperty('waitingFor');
    healthy.beforeConnect = () => new Promise(() => undefined);
    sockets.last.end(1006);
    await eventually(() => ingester.connections).toBe(0);
    const laterMs = UNHEALTHY_AFTER_MS + 1_000;
    for (const clock of [Date, performance]) {
      const now = clock.now.bind(clock);
      vi.spyOn(clock, 'now').mockImplementation(() => now() + laterMs);
    }
    expect((await health()).body).not.toHaveProperty('waitingFor');
  });
});

test('The process ends when the last protocol fails permanently', async () => {
  await start();
  await eventually(() => log.about('failed permanently').length).toBe(1);
  sockets.last.end(4_999);
  await expect(ingester.failed).rejects.toThrow(/the server ended the subscription: 4999/);
});

test('The start fails if the subscriptions of no protocol can be found', async () => {
  refused.hasNoSubscriptions = true;
  healthy.hasNoSubscriptions = true;
  await expect(create(60_000).start()).rejects.toThrow(/lacks a permission/);
});
