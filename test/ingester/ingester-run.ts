import type { Frame } from 'switchboard-local/simulator/frame.ts';
import { Simulator, type SimulatorOptions } from 'switchboard-local/simulator/simulator.ts';
import { expect } from 'vitest';
import type { IngesterEdges } from '../../functions/ingester/edges.ts';
import { Ingester } from '../../functions/ingester/ingester.ts';
import { type IngesterConfig, readConfig } from '../../functions/ingester/ingester-config.ts';
import { eventually } from './eventually.ts';
import { LocalAws, STATE_TABLE } from './local-aws.ts';
import { TestLog } from './test-log.ts';

/** Times of the platform made short. */
export const QUICK: NonNullable<IngesterEdges['limits']> = {
  backoff: { baseMs: 10, capMs: 200, stableMs: 500 },
  batcher: { lingerMs: 5 },
  requestsPerMinute: 10_000,
};

/** What a run is made of; all has defaults. */
export interface RunOptions {
  simulator?: SimulatorOptions;
  environment?: Record<string, string>;
  config?: Partial<IngesterConfig>;
  edges?: Partial<IngesterEdges>;
  aws?: Parameters<typeof LocalAws.start>[0];
}

/** An ingester between a simulated Genesys Cloud and an emulated AWS, over HTTP and WebSockets. */
export class IngesterRun {
  readonly simulator: Simulator;
  readonly aws: LocalAws;
  readonly log = new TestLog();
  readonly ingester: Ingester;
  /** Another ingester with the same configuration, as after a restart. */
  readonly another: () => Ingester;
  #emitted = 0;

  private constructor(simulator: Simulator, url: string, aws: LocalAws, options: RunOptions) {
    this.simulator = simulator;
    this.aws = aws;
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
    this.another = () =>
      new Ingester(
        { ...config, ...options.config },
        {
          sqs: aws.sqs,
          dynamodb: aws.dynamodb,
          credentials: async () => ({ clientId: 'simulator-client', clientSecret: 'simulator-secret' }),
          log: this.log,
          limits: QUICK,
          ...options.edges,
        },
      );
    this.ingester = this.another();
  }

  /** Starts all and waits until every subscription is covered. */
  static async start(options: RunOptions = {}): Promise<IngesterRun> {
    const run = await IngesterRun.prepare(options);
    await run.ingester.start();
    await run.covered();
    return run;
  }

  /** Starts the cloud and AWS, and not the ingester. */
  static async prepare(options: RunOptions = {}): Promise<IngesterRun> {
    const simulator = new Simulator({ users: 5, queues: 2, requestsPerMinute: 10_000, ...options.simulator });
    const { url } = await simulator.listen();
    return new IngesterRun(simulator, url, await LocalAws.start(options.aws), options);
  }

  /** How many events were emitted by {@link emit}. */
  get emitted(): number {
    return this.#emitted;
  }

  async covered(): Promise<void> {
    await eventually(() => this.ingester.isCovered).toBe(true);
  }

  /** Publish events that no other is equal to; by default of all users in turn. */
  emit(count: number, topicOf?: (n: number) => string, extra: object = {}): void {
    const { userIds } = this.simulator;
    for (let left = count; left > 0; left--) {
      const n = this.#emitted++;
      const topicName = topicOf?.(n) ?? `v2.users.${userIds[n % userIds.length]}.presence`;
      const frame: Frame = { topicName, version: '2', eventBody: { n, ...extra }, metadata: {} };
      this.simulator.emit(frame);
    }
  }

  /** What the cloud knows of its events once all that lies in the queue is told to it. */
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

  /** One metric by its name without the prefix, with its labels. */
  async metric(name: string): Promise<number | undefined> {
    const response = await fetch(`http://127.0.0.1:${this.ingester.healthPort}/metrics`);
    const line = (await response.text()).split('\n').find((one) => one.startsWith(`switchboard_${name} `));
    return line === undefined ? undefined : Number(line.split(' ')[1]);
  }

  /** Connections that were opened for a reason; undefined while there is none. */
  opened(reason: string): Promise<number | undefined> {
    return this.metric(`connects_total{reason="${reason}"}`);
  }

  /** Emit one event each millisecond while something happens. */
  async whileEmitting(happens: () => Promise<unknown>): Promise<void> {
    const timer = setInterval(() => this.emit(1), 1);
    try {
      await happens();
    } finally {
      clearInterval(timer);
    }
  }

  /** Stop; then everything that was sent lies in the queue, once each and nothing else. */
  async everythingArrives(): Promise<void> {
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
