import type { Frame } from 'switchboard-local/simulator/frame.ts';
import { Simulator, type SimulatorOptions } from 'switchboard-local/simulator/simulator.ts';
import { expect } from 'vitest';
import type { IngesterDependencies } from '../../functions/ingester/dependencies.ts';
import { Ingester } from '../../functions/ingester/ingester.ts';
import { type IngesterConfig, readConfig } from '../../functions/ingester/ingester-config.ts';
import type { ChannelConfiguration } from '../../functions/ingester/protocols/notification-channels/channel-configuration.ts';
import { eventually } from './eventually.ts';
import { LocalAws, STATE_TABLE } from './local-aws.ts';
import { TestLog } from './test-log.ts';

/** Short times for tests. */
export const QUICK: NonNullable<IngesterDependencies['limits']> = {
  backoff: { baseMs: 10, capMs: 200, stableMs: 500 },
  batcher: { lingerMs: 5 },
  requestsPerMinute: 10_000,
};

/** Options of a run. */
export interface RunOptions {
  simulator?: SimulatorOptions;
  environment?: Record<string, string>;
  config?: Partial<IngesterConfig>;
  /** Shorter than the environment allows. */
  topicRefreshSeconds?: number;
  dependencies?: Partial<IngesterDependencies>;
  aws?: Parameters<typeof LocalAws.start>[0];
}

/** A presence with its own recovery key. */
function occurrence(n: number): object {
  const modifiedDate = new Date(1_800_000_000_000 + n).toISOString();
  return { n, source: 'PURECLOUD', modifiedDate, presenceDefinition: { id: 'available' } };
}

/** An ingester between a simulated Genesys Cloud and emulated AWS services, over HTTP and WebSockets. */
export class IngesterRun {
  readonly simulator: Simulator;
  readonly aws: LocalAws;
  readonly log = new TestLog();
  readonly ingester: Ingester;
  /** Base URL of the simulated Genesys Cloud. */
  readonly url: string;
  private readonly config: IngesterConfig;
  private readonly options: RunOptions;
  private emittedEvents = 0;

  private constructor(simulator: Simulator, url: string, aws: LocalAws, options: RunOptions) {
    this.simulator = simulator;
    this.url = url;
    this.aws = aws;
    this.options = options;
    const config = readConfig({
      GENESYS_API_URL: url,
      GENESYS_LOGIN_URL: url,
      GENESYS_CLIENT_ID: 'simulator-client',
      GENESYS_CLIENT_SECRET: 'simulator-secret',
      TOPICS: 'v2.users.{id}.presence',
      EVENTS_QUEUE_URL: aws.eventsQueueUrl,
      STATE_TABLE,
      HEALTH_PORT: '0',
      ...options.environment,
    });
    const { topicRefreshSeconds } = options;
    const protocols = config.protocols.map(({ protocol, configuration }) => {
      const topics = configuration as ChannelConfiguration;
      if (topicRefreshSeconds === undefined) return { protocol, configuration };
      return { protocol, configuration: { ...topics, TOPIC_REFRESH_SECONDS: topicRefreshSeconds } };
    });
    this.config = { ...config, protocols, ...options.config };
    this.ingester = this.newIngester();
  }

  /** Start everything and wait until every subscription is covered. */
  static async start(options: RunOptions = {}): Promise<IngesterRun> {
    const run = await IngesterRun.prepare(options);
    await run.ingester.start();
    await run.covered();
    return run;
  }

  /** Start everything but the ingester. */
  static async prepare(options: RunOptions = {}): Promise<IngesterRun> {
    const simulator = new Simulator({ users: 5, queues: 2, requestsPerMinute: 10_000, ...options.simulator });
    const { url } = await simulator.listen();
    return new IngesterRun(simulator, url, await LocalAws.start(options.aws), options);
  }

  /** Number of events that {@link emit} has emitted. */
  get emitted(): number {
    return this.emittedEvents;
  }

  /** Another ingester with the same configuration, as after a restart, or with another one, as after an upgrade. */
  newIngester(changes: Partial<IngesterConfig> = {}): Ingester {
    const config = { ...this.config, ...changes };
    return new Ingester(config, {
      sqs: this.aws.sqs,
      dynamodb: this.aws.dynamodb,
      credentials: [async () => ({ clientId: 'simulator-client', clientSecret: 'simulator-secret' })],
      log: this.log,
      limits: QUICK,
      ...this.options.dependencies,
    });
  }

  async covered(): Promise<void> {
    await eventually(() => this.ingester.isCovered).toBe(true);
  }

  /** Publish different events; by default the topics of all users in turn. */
  emit(count: number, topicOf?: (n: number) => string, extra: object = {}): void {
    const { userIds } = this.simulator;
    for (let left = count; left > 0; left--) {
      const n = this.emittedEvents++;
      const topicName = topicOf?.(n) ?? `v2.users.${userIds[n % userIds.length]}.presence`;
      this.publish(topicName, { ...occurrence(n), ...extra });
    }
  }

  /** Publish events without a recovery key, each with different content; the topics of all users in turn. */
  emitWeak(count: number): void {
    const { userIds } = this.simulator;
    for (let left = count; left > 0; left--) {
      const n = this.emittedEvents++;
      this.publish(`v2.users.${userIds[n % userIds.length]}.presence`, { n });
    }
  }

  private publish(topicName: string, eventBody: object): void {
    const frame: Frame = { topicName, version: '2', eventBody, metadata: {} };
    this.simulator.emit(frame);
  }

  /** The simulator's report about its events, after it was told which ones are in the queue. */
  get account() {
    this.aws.settle(this.simulator.ledger);
    const { sent, uncovered, unproven, lost, published, unexpected, uncoveredSpans } =
      this.simulator.ledger.report();
    return { sent, uncovered, unproven, lost, published, unexpected, uncoveredSpans };
  }

  async health(): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`http://127.0.0.1:${this.ingester.healthPort}/healthz`);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /** The value of a metric by its name without the prefix, with its labels. */
  async metric(name: string): Promise<number | undefined> {
    const response = await fetch(`http://127.0.0.1:${this.ingester.healthPort}/metrics`);
    const line = (await response.text()).split('\n').find((one) => one.startsWith(`switchboard_${name} `));
    return line === undefined ? undefined : Number(line.split(' ')[1]);
  }

  /** Connections that were opened for a reason; undefined if there is none. */
  opened(reason: string): Promise<number | undefined> {
    return this.metric(`connects_total{protocol="notification-channels",reason="${reason}"}`);
  }

  /** Emit an event every millisecond while something happens. */
  async whileEmitting(happens: () => Promise<unknown>, emit = () => this.emit(1)): Promise<void> {
    const timer = setInterval(emit, 1);
    try {
      await happens();
    } finally {
      clearInterval(timer);
    }
  }

  /** Stop, and expect that everything that was sent is in the queue, once each, and nothing else. */
  async expectEverythingArrives(): Promise<void> {
    await this.ingester.stop();
    const ids = this.aws.events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const all = { sent: ids.length, published: ids.length };
    expect(this.account).toMatchObject({ ...all, lost: 0, unproven: 0, unexpected: 0 });
  }

  async close(): Promise<void> {
    await this.ingester.stop();
    await this.simulator.close();
    await this.aws.close();
  }
}
