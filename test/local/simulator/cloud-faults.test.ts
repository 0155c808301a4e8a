import { CLOUD_FAULT_KINDS, type CloudFaultKind } from 'switchboard-local/simulator/cloud-fault-kinds.ts';
import { CloudFaults } from 'switchboard-local/simulator/cloud-faults.ts';
import { Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { type Listening, Simulator } from 'switchboard-local/simulator/simulator.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { ClientSocket, CloudClient, eventually, frameNumber } from './cloud-client.ts';

/** Longer than any test: the schedule brings nothing, and faults are injected. */
const NEVER_MS = 3_600_000;

let simulator: Simulator;
let cloud: Listening;
let client: CloudClient;
let faults: CloudFaults;
let seen: CloudFaultKind[] = [];

async function start(
  kinds: readonly CloudFaultKind[] | 'all',
  meanIntervalMs: number,
  options: ConstructorParameters<typeof Simulator>[0] = {},
): Promise<void> {
  seen = [];
  faults = new CloudFaults({ seed: 1, kinds, meanIntervalMs, onFault: (kind) => seen.push(kind) });
  simulator = new Simulator({ closingGraceMs: 50, ...options, faults });
  cloud = await simulator.listen();
  client = new CloudClient(cloud);
  await client.login();
}

const topic = (): string => `v2.users.${simulator.userIds[0]}.presence`;
afterEach(() => simulator.close());

describe('an injected fault', () => {
  const closes: [CloudFaultKind, number[]][] = [
    ['socket_drop', [1006]],
    ['close_during_batch', [1000, 1001, 1011, 1012, 1013]],
    ['socket_closing', [1001]],
    ['eviction', [1001]],
    ['token_revoked', [1001]],
  ];
  it.each(closes)('%s ends the socket with %j', async (kind, codes) => {
    await start('all', NEVER_MS);
    const { socket } = await client.open([topic()]);
    expect(faults.inject(kind)).toBe(true);
    await eventually(() => codes.includes(socket.closed?.code ?? 0)).toBe(true);
    expect([faults.counts[kind], seen]).toEqual([1, [kind]]);
  });

  it.each(['half_open', 'huge_frame', 'garbage_frame', 'duplicate_frame', 'reordered_frames'] as const)(
    '%s leaves the socket open',
    async (kind) => {
      await start('all', NEVER_MS);
      const { socket } = await client.open([topic()]);
      expect(faults.inject(kind)).toBe(true);
      const other = await client.open([topic()]);
      simulator.emit(frameNumber(topic(), 1));
      await eventually(() => other.socket.events.length).toBe(1);
      expect(socket.closed).toBeUndefined();
      expect(faults.counts[kind]).toBe(1);
    },
  );

  it.each([
    ['rest_401', 401],
    ['rest_429', 429],
    ['rest_503', 503],
    ['slow_rest', 200],
  ] as const)('%s hits the next call only, with %i', async (kind, expected) => {
    await start('all', NEVER_MS);
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

  it('upgrade_refused hits the next upgrade only', async () => {
    await start('all', NEVER_MS);
    const channel = await client.createChannel();
    faults.inject('upgrade_refused');
    await expect(ClientSocket.connect(channel.connectUri)).rejects.toThrow(/401|503/);
    await ClientSocket.connect(channel.connectUri);
    expect(faults.counts.upgrade_refused).toBe(1);
  });

  it('has nothing to hit without a connection, and piles up no faults of requests', async () => {
    await start('all', NEVER_MS);
    expect(faults.inject('socket_drop')).toBe(false);
    expect(faults.inject('rest_503')).toBe(true);
    expect(faults.inject('rest_503')).toBe(false);
  });
});

describe('the schedule', () => {
  it('waits for the client to recover before it hits a second connection of the same topics', async () => {
    await start(['socket_drop', 'garbage_frame'], 2);
    faults.stop();
    const both = [await client.open([topic()]), await client.open([topic()])];
    faults.start(simulator.faultTarget);
    await eventually(() => both.filter(({ socket }) => socket.closed).length).toBe(1);
    // Other faults go on meanwhile, which shows that many intervals pass.
    const before = faults.counts.garbage_frame;
    await eventually(() => faults.counts.garbage_frame).toBeGreaterThan(before + 20);
    expect(faults.counts.socket_drop).toBe(1);
    expect(simulator.coverageOf(topic())).toBe(1);
    await client.open([topic()]);
    await eventually(() => faults.counts.socket_drop).toBeGreaterThan(1);
  });

  it('refuses to run without kinds, and to inject without a simulator', async () => {
    await start('all', NEVER_MS);
    expect(() => new CloudFaults({ seed: 1, kinds: [] })).toThrow(/at least one/);
    expect(() => new CloudFaults({ seed: 1, kinds: 'all', meanIntervalMs: 0 })).toThrow(/meanIntervalMs/);
    expect(() => new CloudFaults({ seed: 1, kinds: 'all' }).inject('rest_401')).toThrow(/listen/);
  });
});

/** A client that keeps one subscription up through anything, and tells the ledger what it gets. */
class StubbornClient {
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
        this.socket = await ClientSocket.connect(channel.connectUri, { maxPayload: 2_000_000 });
      } catch {
        // Whatever it was, the next attempt may work.
        continue;
      }
      if (this.stopped) this.socket.ws.close();
      await this.watch(this.socket);
    }
  }

  /** Until it closes, or is silent for longer than heartbeats allow. */
  private watch(socket: ClientSocket): Promise<void> {
    socket.onFrame = (frame) => simulator.ledger.received(simulator.ledger.keyOf(frame));
    return new Promise((resolve) => {
      let timer = setTimeout(() => socket.ws.terminate(), 150);
      socket.ws.on('message', () => {
        clearTimeout(timer);
        timer = setTimeout(() => socket.ws.terminate(), 150);
      });
      socket.ws.on('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  stop(): void {
    this.stopped = true;
    this.socket?.ws.close();
  }
}

it('loses the trace of no event under all faults at once: what counts as sent has arrived', async () => {
  const kinds = CLOUD_FAULT_KINDS.filter((kind) => kind !== 'slow_rest');
  await start(kinds, 25, { users: 5, queues: 2, heartbeatMs: 20, requestsPerMinute: 100_000 });
  const topics = [
    ...simulator.userIds.map((id) => `v2.users.${id}?presence&routingStatus&conversations`),
    ...simulator.queueIds.map((id) => `v2.routing.queues.${id}.conversations`),
    ...simulator.queueIds.map((id) => `v2.analytics.queues.${id}.observations`),
  ];
  const stubborn = [new StubbornClient(cloud.url, topics), new StubbornClient(cloud.url, topics)];
  const runs = stubborn.map((one) => one.run());
  await eventually(() => simulator.liveConnections).toBe(2);
  const source = new Generator(simulator, { seed: 1 });
  const runner = new GeneratorRunner({ source, target: simulator, ratePerSecond: 1_500 }).start();
  await eventually(() => Object.values(faults.counts).filter((count) => count > 0).length).toBe(kinds.length);
  runner.stop();
  const { emitted } = await runner.done;
  faults.stop();
  expect(await simulator.ledger.settled(5_000)).toBe(true);
  for (const one of stubborn) one.stop();
  await Promise.all(runs);
  const { sent, lost, unexpected, uncovered, unproven } = simulator.ledger.report();
  expect({ lost, unexpected }).toEqual({ lost: 0, unexpected: 0 });
  expect(sent + uncovered + unproven).toBe(emitted);
  expect(sent).toBeGreaterThan(emitted / 2);
});
