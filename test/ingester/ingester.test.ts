import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from './eventually.ts';
import { IngesterRun, type RunOptions } from './ingester-run.ts';

let run: IngesterRun;
afterEach(() => run.close());

async function start(options: RunOptions = {}): Promise<void> {
  run = await IngesterRun.start(options);
}

describe('an event', () => {
  it('goes from the socket to the queue, whole', async () => {
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

  it('that is none goes to the queue for quarantine', async () => {
    await start();
    run.simulator.hooks.garbage('this is not JSON');
    run.simulator.hooks.garbage(Buffer.from([0xff, 0xfe]));
    await eventually(() => run.aws.rejected).toHaveLength(2);
    expect(run.aws.rejected.map(({ reason, body }) => [reason, body])).toEqual([
      ['not_json', 'this is not JSON'],
      ['not_json', '//4='],
    ]);
    expect(await run.metric('frames_rejected_total{reason="not_json"}')).toBe(2);
  });
});

describe('topics', () => {
  it('beyond a thousand are spread over several channels', async () => {
    const users = 2_300;
    await start({ simulator: { users } });
    expect([run.ingester.connections, run.simulator.channelIds.length]).toEqual([3, 3]);
    run.emit(users);
    await eventually(() => run.aws.events.length).toBe(users);
    expect(new Set(run.aws.events.map(({ frame }) => frame.topicName)).size).toBe(users);
    const { body } = await run.health();
    expect(body.channels).toMatchObject([{ topics: 1_000 }, { topics: 1_000 }, { topics: 300 }]);
    await run.everythingArrives();
  });

  it('follow the users that exist, without a reconnect', async () => {
    await start({ config: { topicRefreshSeconds: 0.05 } });
    const added = run.simulator.addUser();
    const topic = (id: string | undefined) => `v2.users.${id}.presence`;
    await eventually(() => run.simulator.coverageOf(topic(added))).toBe(1);
    const [gone] = run.simulator.userIds;
    run.simulator.removeUser(gone ?? '');
    await eventually(() => run.simulator.coverageOf(topic(gone))).toBe(0);
    run.emit(1, () => topic(added));
    await eventually(() => run.aws.events.length).toBe(1);
    expect(run.simulator.channelIds).toHaveLength(1);
    expect([await run.opened('start'), await run.opened('topics')]).toEqual([1, undefined]);
  });

  it('get a channel more when one is full, and give it up when it is empty', async () => {
    await start({ simulator: { users: 999 }, config: { topicRefreshSeconds: 0.1 } });
    const added = Array.from({ length: 3 }, () => run.simulator.addUser());
    await eventually(() => run.simulator.liveConnections).toBe(2);
    await run.covered();
    for (const id of added) run.simulator.removeUser(id);
    await eventually(() => run.simulator.connections).toBe(1);
    await eventually(() => run.ingester.connections).toBe(1);
    expect(run.ingester.coverage.totals.gaps).toBe(0);
  });

  it('that cannot be changed on a connection get another one', async () => {
    let refusals = 1;
    const refusing: typeof fetch = async (input, init) => {
      const isAddition = init?.method === 'POST' && String(input).includes('/subscriptions');
      return isAddition && refusals-- > 0 ? new Response('{}', { status: 400 }) : fetch(input, init);
    };
    await start({ config: { topicRefreshSeconds: 0.05 }, edges: { fetch: refusing } });
    const added = run.simulator.addUser();
    await eventually(() => run.simulator.coverageOf(`v2.users.${added}.presence`)).toBe(1);
    await eventually(() => run.simulator.connections).toBe(1);
    expect([await run.opened('topics'), run.ingester.coverage.totals.gaps]).toEqual([1, 0]);
  });

  it('that cannot be listed for now stay as they are', async () => {
    let isUp = true;
    const flaky: typeof fetch = async (input, init) =>
      isUp || !String(input).includes('/users') ? fetch(input, init) : new Response('{}', { status: 403 });
    await start({ config: { topicRefreshSeconds: 0.02 }, edges: { fetch: flaky } });
    isUp = false;
    await eventually(() => run.log.about('could not be refreshed').length).toBeGreaterThan(1);
    run.emit(10);
    await eventually(() => run.aws.events.length).toBe(10);
  });

  it('may be none at all: there is nothing to cover', async () => {
    run = await IngesterRun.prepare({ simulator: { users: 0 }, config: { topicRefreshSeconds: 0.02 } });
    await run.ingester.start();
    expect(await run.health()).toMatchObject({ status: 503, body: { ready: false, live: true } });
    expect(run.log.about('nothing to subscribe to')).toHaveLength(1);
    run.simulator.addUser();
    await run.covered();
  });

  it('that are rejected are named', async () => {
    await start({
      environment: { TOPICS: 'v2.users.{id}.presence,v2.routing.queues.{id}.users' },
      simulator: { queues: 1, deniedTopics: ['v2.routing.queues.{id}.users'] },
    });
    const rejected = `v2.routing.queues.${run.simulator.queueIds[0]}.users`;
    expect((await run.health()).body.channels).toMatchObject([
      { rejectedTopics: { [rejected]: expect.stringMatching(/routing:queue:view/) } },
    ]);
    expect(await run.metric('topics_rejected')).toBe(1);
  });
});

describe('health', () => {
  it('is ready when all is covered, still live in a short gap, and says why not', async () => {
    const gate = Promise.withResolvers<void>();
    const gated: typeof fetch = async (input, init) => {
      if (init?.method === 'PUT') await gate.promise;
      return fetch(input, init);
    };
    run = await IngesterRun.prepare({ edges: { fetch: gated } });
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
        channels: [{ number: 0, state: 'live', topics: 5, rejectedTopics: {} }],
      },
    });
    await run.simulator.close();
    await eventually(() => run.ingester.isCovered).toBe(false);
    await eventually(async () => (await run.health()).body.reasons).toEqual([
      'not every subscription has a live connection',
      expect.stringMatching(/^channel 0 has had no live connection for \d s: 100[16]/),
      expect.stringMatching(/ECONNREFUSED|could not be reached/),
    ]);
    expect(await run.health()).toMatchObject({ status: 200, body: { ready: true, live: true } });
  });

  it('does not start on a port that is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    run = await IngesterRun.prepare({ config: { healthPort: port } });
    await expect(run.ingester.start()).rejects.toThrow(/is taken; set HEALTH_PORT/);
    await new Promise((resolve) => other.close(resolve));
  });
});

describe('a restart', () => {
  it('uses the channel that the stop gave back', async () => {
    await start();
    const before = run.simulator.channelIds;
    await run.ingester.stop();
    const [record] = await run.aws.records('channel#');
    expect(record?.seenAtMs?.N).toBe('0');
    const again = run.another();
    await again.start();
    await eventually(() => again.isCovered).toBe(true);
    expect(run.simulator.channelIds).toEqual(before);
    await again.stop();
  });
});
