import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { IngesterRun, QUICK, type RunOptions } from './ingester-run.ts';

let run: IngesterRun;
afterEach(() => run.close());

async function start(options: RunOptions = {}): Promise<void> {
  run = await IngesterRun.start(options);
}

describe('events', () => {
  test('An event is delivered from the socket to the queue unchanged', async () => {
    await start();
    const topicName = `v2.users.${run.simulator.userIds[0]}.presence`;
    run.simulator.emit({
      topicName,
      version: '2',
      eventBody: { a: 'é', b: [1, null] },
      metadata: { CorrelationId: 'c' },
    });
    await eventually(() => run.aws.events).toHaveLength(1);
    expect(run.aws.events[0]).toMatchObject({
      type: 'v2.users.{id}.presence',
      protocol: 'notification-channels',
      frame: {
        topicName,
        version: '2',
        eventBody: { a: 'é', b: [1, null] },
        metadata: { CorrelationId: 'c' },
      },
    });
  });

  test('A frame that is not an event is queued for quarantine', async () => {
    await start();
    run.simulator.hooks.garbage('this is not JSON');
    run.simulator.hooks.garbage(Buffer.from([0xff, 0xfe]));
    await eventually(() => run.aws.rejected).toHaveLength(2);
    expect(run.aws.rejected.map(({ reason, body }) => [reason, body])).toEqual([
      ['not_json', 'this is not JSON'],
      ['not_json', '//4='],
    ]);
    expect(
      await run.metric('frames_rejected_total{protocol="notification-channels",reason="not_json"}'),
    ).toBe(2);
  });
});

describe('topics', () => {
  test('More than 1,000 topics are spread across several channels', async () => {
    const users = 2_300;
    await start({ simulator: { users } });
    expect(run.ingester.connections).toBe(3);
    expect(run.simulator.channelIds).toHaveLength(3);
    run.emit(users);
    await eventually(() => run.aws.events.length).toBe(users);
    expect(new Set(run.aws.events.map(({ frame }) => frame.topicName)).size).toBe(users);
    const { body } = await run.health();
    expect(body.subscriptions).toMatchObject([
      { name: 'notification-channels/0', topics: 1_000 },
      { name: 'notification-channels/1', topics: 1_000 },
      { name: 'notification-channels/2', topics: 300 },
    ]);
    await run.expectEverythingArrives();
  });

  test('Topics follow the current users without a reconnect', async () => {
    await start({ topicRefreshSeconds: 0.05 });
    const added = run.simulator.addUser();
    const topic = (id: string | undefined) => `v2.users.${id}.presence`;
    await eventually(() => run.simulator.coverageOf(topic(added))).toBe(1);
    const [gone] = run.simulator.userIds;
    run.simulator.removeUser(gone ?? '');
    await eventually(() => run.simulator.coverageOf(topic(gone))).toBe(0);
    run.emit(1, () => topic(added));
    await eventually(() => run.aws.events.length).toBe(1);
    expect(run.simulator.channelIds).toHaveLength(1);
    expect(await run.opened('start')).toBe(1);
    expect(await run.opened('topics')).toBeUndefined();
  });

  test('A channel is added when the others are full, and closed when it is empty', async () => {
    await start({ simulator: { users: 999 }, topicRefreshSeconds: 0.1 });
    const added = Array.from({ length: 3 }, () => run.simulator.addUser());
    await eventually(() => run.simulator.liveConnections).toBe(2);
    await run.covered();
    for (const id of added) run.simulator.removeUser(id);
    await eventually(() => run.simulator.connections).toBe(1);
    await eventually(() => run.ingester.connections).toBe(1);
    expect(run.ingester.coverage.totals.gaps).toBe(0);
  });

  test('A connection whose topics cannot be changed is replaced', async () => {
    let refusals = 1;
    const refusing: typeof fetch = async (input, init) => {
      const isAddition = init?.method === 'POST' && String(input).includes('/subscriptions');
      return isAddition && refusals-- > 0 ? new Response('{}', { status: 400 }) : fetch(input, init);
    };
    await start({ topicRefreshSeconds: 0.05, dependencies: { fetch: refusing } });
    const added = run.simulator.addUser();
    await eventually(() => run.simulator.coverageOf(`v2.users.${added}.presence`)).toBe(1);
    await eventually(() => run.simulator.connections).toBe(1);
    expect(await run.opened('topics')).toBe(1);
    expect(run.ingester.coverage.totals.gaps).toBe(0);
  });

  test('Topics stay unchanged while users cannot be listed', async () => {
    let isUp = true;
    const flaky: typeof fetch = async (input, init) =>
      isUp || !String(input).includes('/users') ? fetch(input, init) : new Response('{}', { status: 403 });
    await start({ topicRefreshSeconds: 0.02, dependencies: { fetch: flaky } });
    isUp = false;
    await eventually(() => run.log.about('could not be refreshed').length).toBeGreaterThan(1);
    run.emit(10);
    await eventually(() => run.aws.events.length).toBe(10);
  });

  test('Without topics the process is live and not ready', async () => {
    run = await IngesterRun.prepare({ simulator: { users: 0 }, topicRefreshSeconds: 0.02 });
    await run.ingester.start();
    expect(await run.health()).toMatchObject({ status: 503, body: { ready: false, live: true } });
    expect(run.log.about('nothing to subscribe to')).toHaveLength(1);
    run.simulator.addUser();
    await run.covered();
  });

  test('Rejected topics are reported by health and metrics', async () => {
    await start({
      environment: { TOPICS: 'v2.users.{id}.presence,v2.routing.queues.{id}.users' },
      simulator: { queues: 1, deniedTopics: ['v2.routing.queues.{id}.users'] },
    });
    const rejected = `v2.routing.queues.${run.simulator.queueIds[0]}.users`;
    expect((await run.health()).body.subscriptions).toMatchObject([
      { rejectedTopics: { [rejected]: expect.stringMatching(/routing:queue:view/) } },
    ]);
    expect(await run.metric('topics_rejected')).toBe(1);
  });
});

describe('health', () => {
  test('Health is ready when everything is covered, stays live during a short gap, and reports reasons', async () => {
    const gate = Promise.withResolvers<void>();
    const gated: typeof fetch = async (input, init) => {
      if (init?.method === 'PUT') await gate.promise;
      return fetch(input, init);
    };
    run = await IngesterRun.prepare({ dependencies: { fetch: gated } });
    await run.ingester.start();
    expect(await run.health()).toMatchObject({
      status: 503,
      body: { ready: false, live: true, reasons: ['not every subscription has a live connection'] },
    });
    gate.resolve();
    await run.covered();
    expect(await run.health()).toEqual({
      status: 200,
      body: {
        ready: true,
        live: true,
        reasons: [],
        paused: false,
        leadership: { role: 'leader', isLiveStandby: false, keptBytes: 0, bridgedSeconds: 0, takeovers: 0 },
        subscriptions: [{ name: 'notification-channels/0', state: 'live', topics: 5, rejectedTopics: {} }],
      },
    });
    await run.simulator.close();
    await eventually(() => run.ingester.isCovered).toBe(false);
    await eventually(async () => (await run.health()).body.reasons).toEqual([
      'not every subscription has a live connection',
      expect.stringMatching(
        /^subscription notification-channels\/0 has had no live connection for \d s: 100[16]/,
      ),
      expect.stringMatching(/ECONNREFUSED|could not be reached/),
    ]);
    expect(await run.health()).toMatchObject({ status: 200, body: { ready: true, live: true } });
  });

  test('While the first listing fails temporarily the process is unhealthy with the reason, and then it starts', async () => {
    let isUp = false;
    const flaky: typeof fetch = async (input, init) =>
      isUp || !String(input).includes('/users') ? fetch(input, init) : new Response('{}', { status: 503 });
    run = await IngesterRun.prepare({
      dependencies: {
        fetch: flaky,
        limits: { ...QUICK, backoff: { baseMs: 1, capMs: 5, failedAttempts: 1e6 } },
      },
    });
    const starting = run.ingester.start();
    await eventually(() => run.log.about('the subscriptions could not be found').length).toBeGreaterThan(0);
    const { status, body } = await run.health();
    expect(status).toBe(503);
    expect(body.reasons).toContainEqual(expect.stringMatching(/503/));
    isUp = true;
    await starting;
    await run.covered();
    expect(await run.health()).toMatchObject({ status: 200, body: { reasons: [] } });
  });

  test('A health port in use is an error', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    run = await IngesterRun.prepare({ config: { healthPort: port } });
    await expect(run.ingester.start()).rejects.toThrow(/is in use; set HEALTH_PORT/);
    await new Promise((resolve) => other.close(resolve));
  });
});

describe('restarts', () => {
  test('A restart uses the channel that the stop released', async () => {
    await start();
    const before = run.simulator.channelIds;
    await run.ingester.stop();
    const [record] = await run.aws.records('channel#');
    expect(record?.seenAtMs?.N).toBe('0');
    const again = run.newIngester();
    await again.start();
    await eventually(() => again.isCovered).toBe(true);
    expect(run.simulator.channelIds).toEqual(before);
    await again.stop();
  });
});
