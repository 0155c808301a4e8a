import {
  CLOUD_FAULT_KINDS,
  CLOUD_FAULTS,
  type CloudFaultKind,
} from 'switchboard-local/simulator/cloud-fault-kinds.ts';
import { CloudFaults } from 'switchboard-local/simulator/cloud-faults.ts';
import { Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { type Listening, Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { ClientSocket, CloudClient, eventually, frameNumber } from './cloud-client.ts';

/** Longer than any test, so that only injected faults occur. */
const NEVER_MS = 3_600_000;

let simulator: Simulator;
let cloud: Listening;
let client: CloudClient;
let faults: CloudFaults;

async function start(
  kinds: readonly CloudFaultKind[],
  meanIntervalMs: number,
  options: ConstructorParameters<typeof Simulator>[0] = {},
): Promise<void> {
  faults = new CloudFaults({ seed: 1, kinds, meanIntervalMs });
  simulator = new Simulator({ closingGraceMs: 50, ...options, faults });
  cloud = await simulator.listen();
  client = new CloudClient(cloud);
  await client.login();
}

const topic = (): string => `v2.users.${simulator.userIds[0]}.presence`;
afterEach(() => simulator.close());

const hitCounts = (): [string, number][] => Object.entries(faults.counts).filter(([, count]) => count > 0);

describe('an injected fault', () => {
  const closes: [CloudFaultKind, number[]][] = [
    ['socket_drop', [1006]],
    ['close_during_batch', [1000, 1001, 1011, 1012, 1013]],
    ['socket_closing', [1001]],
    ['eviction', [1001]],
    ['token_revoked', [1001]],
  ];
  test.each(closes)('The fault %s ends the socket with one of the codes %j', async (kind, codes) => {
    await start(CLOUD_FAULT_KINDS, NEVER_MS);
    const { socket } = await client.open([topic()]);
    expect(faults.inject(kind)).toBe(true);
    await eventually(() => codes.includes(socket.closed?.code ?? 0)).toBe(true);
    expect(hitCounts()).toEqual([[kind, 1]]);
  });

  test.each(['half_open', 'garbage_frame', 'duplicate_frame', 'reordered_frames'] as const)(
    'The fault %s leaves the socket open',
    async (kind) => {
      await start(CLOUD_FAULT_KINDS, NEVER_MS);
      const { socket } = await client.open([topic()]);
      expect(faults.inject(kind)).toBe(true);
      const other = await client.open([topic()]);
      simulator.emit(frameNumber(topic(), 1));
      await eventually(() => other.socket.events.length).toBe(1);
      expect(socket.closed).toBeUndefined();
      expect(faults.counts[kind]).toBe(1);
    },
  );

  test.each(['listing_shrinks', 'listing_empty'] as const)(
    'With the fault %s the first listing is right, and so is each one after a wrong one',
    async (kind) => {
      await start(CLOUD_FAULT_KINDS, NEVER_MS);
      const sizes: unknown[] = [];
      for (let times = 5; times > 0; times--) {
        faults.inject(kind);
        const { body } = await client.call('GET', '/api/v2/users?pageSize=100');
        sizes.push((body.entities as unknown as unknown[]).length === 20);
      }
      expect(sizes).toEqual([true, false, true, false, true]);
    },
  );

  test.each([
    ['rest_401', 401],
    ['rest_429', 429],
    ['rest_503', 503],
    ['slow_rest', 200],
  ] as const)('The fault %s hits only the next REST call, which gets status %i', async (kind, expected) => {
    await start(CLOUD_FAULT_KINDS, NEVER_MS);
    expect(faults.inject(kind)).toBe(true);
    expect(faults.counts[kind]).toBe(0);
    const startedMs = performance.now();
    const { status, headers } = await client.call('GET', '/api/v2/users');
    expect(status).toBe(expected);
    if (kind === 'rest_429') expect(headers.get('retry-after')).toBe('1');
    if (kind === 'slow_rest') expect(performance.now() - startedMs).toBeGreaterThan(1_900);
    expect((await client.call('GET', '/api/v2/users')).status).toBe(200);
    expect(faults.counts[kind]).toBe(1);
  });

  test('The fault large_event sends a real event of 1, 3 or 12 MiB', async () => {
    await start(CLOUD_FAULT_KINDS, NEVER_MS);
    const { socket } = await client.open([topic()]);
    const sizes = new Set<number>();
    for (let round = 1; sizes.size < 3; round += 1) {
      expect(faults.inject('large_event')).toBe(true);
      await eventually(() => socket.events.length).toBe(round);
      sizes.add(Math.round(JSON.stringify(socket.events.at(-1)).length / 1_048_576));
    }
    expect([...sizes].sort((a, b) => a - b)).toEqual([1, 3, 12]);
    expect(simulator.ledger.report().sent).toBe(socket.events.length);
  });

  test.each([
    ['listing_shrinks', 19, 20],
    ['listing_empty', 0, undefined],
  ] as const)(
    'The fault %s hits only the next listing, which has %i entities',
    async (kind, expected, total) => {
      await start(CLOUD_FAULT_KINDS, NEVER_MS);
      await client.call('GET', '/api/v2/users?pageSize=100');
      expect(faults.inject(kind)).toBe(true);
      const { status, body } = await client.call('GET', '/api/v2/users?pageSize=100');
      expect(status).toBe(200);
      expect(body.entities).toHaveLength(expected);
      expect(body.total).toBe(total);
      const after = await client.call('GET', '/api/v2/users?pageSize=100');
      expect(after.body.entities).toHaveLength(20);
      expect(faults.counts[kind]).toBe(1);
    },
  );

  test('The fault subscription_omits hits only the next subscription, whose answer and events lack some topics', async () => {
    await start(CLOUD_FAULT_KINDS, NEVER_MS);
    const topics = simulator.userIds.map((id) => `v2.users.${id}.presence`);
    const channel = await client.createChannel();
    expect(faults.inject('subscription_omits')).toBe(true);
    const { status, body } = await client.subscribe(channel, topics, '?ignoreErrors=true');
    expect(status).toBe(200);
    const named = (body.entities as unknown as { id: string }[]).map(({ id }) => id);
    const omitted = topics.filter((name) => !named.includes(name));
    expect(omitted.length).toBeGreaterThan(0);
    expect(omitted.length).toBeLessThan(4);
    const socket = await ClientSocket.connect(channel.connectUri);
    for (const [n, name] of topics.entries()) simulator.emit(frameNumber(name, n));
    await eventually(() => socket.events.length).toBe(named.length);
    expect(simulator.ledger.report().uncovered).toBe(omitted.length);
    const again = await client.subscribe(channel, topics, '?ignoreErrors=true');
    expect(again.body.entities).toHaveLength(topics.length);
  });

  test('The fault upgrade_refused hits only the next upgrade', async () => {
    await start(CLOUD_FAULT_KINDS, NEVER_MS);
    const channel = await client.createChannel();
    faults.inject('upgrade_refused');
    await expect(ClientSocket.connect(channel.connectUri)).rejects.toThrow(/401|503/);
    await ClientSocket.connect(channel.connectUri);
    expect(faults.counts.upgrade_refused).toBe(1);
  });

  test('A socket fault has no target without a connection', async () => {
    await start(CLOUD_FAULT_KINDS, NEVER_MS);
    expect(faults.inject('socket_drop')).toBe(false);
  });

  test('Request faults do not pile up while there are no requests', async () => {
    await start(CLOUD_FAULT_KINDS, NEVER_MS);
    expect(faults.inject('rest_503')).toBe(true);
    expect(faults.inject('rest_503')).toBe(false);
  });
});

describe('the schedule', () => {
  test('The schedule waits for the client to recover before it hits a second connection of the same topics', async () => {
    await start(['socket_drop', 'garbage_frame'], 2);
    faults.stop();
    const both = [await client.open([topic()]), await client.open([topic()])];
    faults.start(simulator.faultTarget);
    await eventually(() => both.filter(({ socket }) => socket.closed).length).toBe(1);
    // Other faults continue meanwhile, which shows that many intervals have passed.
    const before = faults.counts.garbage_frame;
    await eventually(() => faults.counts.garbage_frame).toBeGreaterThan(before + 20);
    expect(faults.counts.socket_drop).toBe(1);
    expect(simulator.coverageOf(topic())).toBe(1);
    await client.open([topic()]);
    await eventually(() => faults.counts.socket_drop).toBeGreaterThan(1);
  });

  test('A requested fault is injected as soon as there is a connection, before those that wait', async () => {
    await start(['socket_drop'], NEVER_MS);
    faults.request('socket_drop');
    faults.request('socket_closing');
    const { socket } = await client.open([topic()]);
    await eventually(() => socket.closed?.code).toBe(1001);
    expect(hitCounts()).toEqual([['socket_closing', 1]]);
    await client.open([topic()]);
    await eventually(hitCounts).toEqual([
      ['socket_drop', 1],
      ['socket_closing', 1],
    ]);
  });

  test('The simulator reports when a second connection opens for a topic', async () => {
    await start(CLOUD_FAULT_KINDS, NEVER_MS);
    let overlaps = 0;
    simulator.onOverlap = () => {
      overlaps += 1;
    };
    await client.open([topic()]);
    await client.open([`v2.users.${simulator.userIds[1]}.presence`]);
    expect(overlaps).toBe(0);
    await client.open([topic()]);
    expect(overlaps).toBe(1);
  });

  test('CloudFaults rejects options without kinds or with an interval of zero', async () => {
    await start(CLOUD_FAULT_KINDS, NEVER_MS);
    expect(() => new CloudFaults({ seed: 1, kinds: [] })).toThrow(/at least one/);
    expect(() => new CloudFaults({ seed: 1, kinds: CLOUD_FAULT_KINDS, meanIntervalMs: 0 })).toThrow(
      /meanIntervalMs/,
    );
  });

  test('CloudFaults injects no fault before the simulator listens', async () => {
    await start(CLOUD_FAULT_KINDS, NEVER_MS);
    const idle = new CloudFaults({ seed: 1, kinds: CLOUD_FAULT_KINDS });
    expect(() => idle.inject('rest_401')).toThrow(/listen/);
  });
});

/** Several heartbeats, and how many such intervals without one are tolerated. */
const SILENT_INTERVAL_MS = 75;
const MAX_SILENT_INTERVALS = 1;

/** A client that reconnects after every failure and reports to the ledger what it receives. */
class ReconnectingClient {
  private readonly client: CloudClient;
  private readonly topics: readonly string[];
  private stopped = false;
  private socket: ClientSocket | undefined;

  constructor(url: string, topics: readonly string[]) {
    this.client = new CloudClient({ url });
    this.topics = topics;
  }

  async run(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.client.login();
        const channel = await this.client.createChannel();
        if ((await this.client.subscribe(channel, this.topics)).status !== 200) continue;
        this.socket = await ClientSocket.connect(channel.connectUri, {
          maxPayload: 4_000_000,
          onFrame: (frame) => simulator.ledger.received(simulator.ledger.keyOf(frame)),
        });
      } catch {
        // The next attempt may succeed.
        continue;
      }
      if (this.stopped) this.socket.ws.close();
      await this.watch(this.socket);
    }
  }

  /**
   * Resolves when the socket closes. Terminates it if no heartbeat arrives in two intervals: after a stall of this
   * process, the first one ends before anything that has arrived is read.
   */
  private watch({ ws, closed }: ClientSocket): Promise<void> {
    if (closed) return Promise.resolve();
    return new Promise((resolve) => {
      let silent = 0;
      const timer = setInterval(() => {
        silent += 1;
        if (silent > MAX_SILENT_INTERVALS) ws.terminate();
      }, SILENT_INTERVAL_MS);
      ws.on('message', () => {
        silent = 0;
      });
      ws.on('close', () => {
        clearInterval(timer);
        resolve();
      });
    });
  }

  stop(): void {
    this.stopped = true;
    this.socket?.ws.close();
  }
}

test('Under all faults at once, every event that counts as sent arrives', async () => {
  // At this pace, large events would leave no time for anything else. These clients use no listings, and do not read
  // the answer to a subscription.
  const unused = ['slow_rest', 'large_event', 'listing_shrinks', 'listing_empty', 'subscription_omits'];
  const kinds = CLOUD_FAULT_KINDS.filter((kind) => !unused.includes(kind));
  await start(kinds, 25, { users: 5, queues: 2, heartbeatMs: 20, requestsPerMinute: 100_000 });
  const topics = [
    ...simulator.userIds.map((id) => `v2.users.${id}?presence&routingStatus&conversations`),
    ...simulator.queueIds.map((id) => `v2.routing.queues.${id}.conversations`),
    ...simulator.queueIds.map((id) => `v2.analytics.queues.${id}.observations`),
  ];
  const clients = [new ReconnectingClient(cloud.url, topics), new ReconnectingClient(cloud.url, topics)];
  const runs = clients.map((one) => one.run());
  await eventually(() => simulator.liveConnections).toBe(2);
  const source = new Generator(simulator, { seed: 1 });
  const runner = new GeneratorRunner({ source, target: simulator, ratePerSecond: 1_500 }).start();
  // While the clients recover, the schedule skips faults that end a connection. Drawn at random, some would come late.
  for (const kind of kinds) if (CLOUD_FAULTS[kind].scope === 'socket') faults.request(kind);
  await eventually(() => Object.values(faults.counts).filter((count) => count > 0).length).toBe(kinds.length);
  runner.stop();
  await runner.done;
  const { emitted } = runner;
  faults.stop();
  await eventually(() => simulator.liveConnections).toBeGreaterThan(0);
  faults.inject('large_event');
  expect(await simulator.ledger.settled(15_000), JSON.stringify(simulator.ledger.report())).toBe(true);
  for (const one of clients) one.stop();
  await Promise.all(runs);
  const { sent, lost, unexpected, uncovered, unproven } = simulator.ledger.report();
  expect(lost).toBe(0);
  expect(unexpected).toBe(0);
  expect(sent + uncovered + unproven).toBe(emitted + faults.counts.large_event);
  expect(sent).toBeGreaterThan(emitted / 2);
});
