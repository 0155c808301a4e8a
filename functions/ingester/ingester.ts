import { setTimeout as delay } from 'node:timers/promises';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { RateLimit } from '../../lib/genesys/request-rate-limit.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { Batcher } from './batcher.ts';
import { DynamoDbChannelStore, MemoryChannelStore } from './channel-store.ts';
import type { IngesterConfig } from './config.ts';
import { Coverage, gapRecorder } from './coverage.ts';
import { SecretEmptyError } from './credentials.ts';
import type { IngesterEdges } from './edges.ts';
import { type Health, type HealthServer, serveHealth } from './health.ts';
import { Intake } from './intake.ts';
import { ingesterMetrics, type MetricSources } from './metrics.ts';
import { Slots } from './slots.ts';
import { expandTopics, spreadTopics } from './topics.ts';

/** A subscription without a live connection for this long makes the process unhealthy (P5: within 60 s). */
export const UNHEALTHY_AFTER_MS = 30_000;
/** From SIGTERM to the end: what is not accepted by SQS by then is recorded as a gap. Fargate waits 30 s. */
export const DRAIN_LIMIT_MS = 25_000;
/** Of it, for the sockets to close; a call of another service that hangs is not waited for. */
const CLOSE_LIMIT_MS = 5_000;
/** Of it, for writing down what could not be sent. */
const LAST_WORDS_MS = 2_000;

/** Between two looks whether an empty secret has been filled. */
export const SECRET_POLL_MS = 15_000;

/** Genesys Cloud's sockets on one side, the events queue on the other. */
export class Ingester {
  /** Rejects when going on is pointless: the process should end with a non-zero code. */
  readonly failed: Promise<never>;
  readonly intake: Intake;
  readonly batcher: Batcher;
  readonly coverage: Coverage;
  private readonly config: IngesterConfig;
  private readonly edges: IngesterEdges;
  private readonly tokens: TokenSource;
  private readonly rest: RestClient;
  private readonly slots: Slots;
  private readonly abort = new AbortController();
  private readonly failure = Promise.withResolvers<never>();
  private topicsBySlot: string[][] = [];
  private health: HealthServer | undefined;
  private refreshing: Promise<void> = Promise.resolve();
  private paused = false;
  private waitingFor: SecretEmptyError | undefined;

  constructor(config: IngesterConfig, edges: IngesterEdges) {
    const { sqs, log, dynamodb, limits } = edges;
    this.config = config;
    this.edges = edges;
    this.failed = this.failure.promise;
    this.failed.catch(() => undefined);
    const io = edges.fetch ? { fetch: edges.fetch } : {};
    this.tokens = new TokenSource({ loginUrl: config.loginUrl, credentials: edges.credentials, ...io });
    const rateLimit = new RateLimit(limits?.requestsPerMinute);
    this.rest = new RestClient({ apiUrl: config.apiUrl, tokens: this.tokens, rateLimit, ...io });
    const table = dynamodb && config.stateTable ? { client: dynamodb, name: config.stateTable } : undefined;
    const channels = table
      ? new DynamoDbChannelStore(table.client, table.name, config.subscription)
      : new MemoryChannelStore();
    this.coverage = new Coverage(log, table && gapRecorder(table.client, table.name, config.subscription));
    this.batcher = new Batcher(
      (Entries) => sqs.send(new SendMessageBatchCommand({ QueueUrl: config.eventsQueueUrl, Entries })),
      {
        onPause: () => this.setPaused(true),
        onResume: () => this.setPaused(false),
        onRefused: (item, reason) => this.intake.takeBack(item, reason),
        onGiveUp: (error) => this.failure.reject(new Error('SQS accepts no messages', { cause: error })),
      },
      log,
      limits?.batcher,
    );
    this.intake = new Intake(this.batcher, log);
    this.slots = new Slots({
      rest: this.rest,
      tokens: this.tokens,
      channels,
      intake: this.intake,
      coverage: this.coverage,
      log,
      signal: this.abort.signal,
      onFailed: (error) => this.failure.reject(error),
      ...(edges.openSocket ? { openSocket: edges.openSocket } : {}),
      ...(limits ? { limits } : {}),
    });
  }

  /** Address of the health endpoint's port, once started. */
  get healthPort(): number | undefined {
    return this.health?.port;
  }

  /** Open sockets. */
  get connections(): number {
    return this.slots.connections;
  }

  /** Whether every subscription has a live connection. */
  get isCovered(): boolean {
    const { numbers } = this.slots;
    return numbers.length > 0 && this.coverage.isComplete(numbers);
  }

  /**
   * Find the topics, begin to connect, serve health. The connections come up after it returns.
   *
   * @throws GenesysError when Genesys Cloud refuses for good: domain, client, secret, permission
   */
  async start(): Promise<void> {
    const { healthHost, healthPort } = this.config;
    this.health = await serveHealth(
      { host: healthHost, port: healthPort },
      () => this.readHealth(),
      ingesterMetrics(this.metricSources()),
    );
    this.slots.assign(await this.findTopicsOnceAllowed());
    this.refreshing = this.refreshTopics();
  }

  /** Stop reading, send everything that was read, record what could not be sent. Takes at most 25 s. */
  async stop(): Promise<void> {
    const endsAtMs = Date.now() + DRAIN_LIMIT_MS;
    this.abort.abort();
    await atMost(CLOSE_LIMIT_MS, Promise.all([this.refreshing, this.slots.stop()]));
    await atMost(endsAtMs - LAST_WORDS_MS - Date.now(), this.batcher.drain());
    const unsentSinceMs = this.batcher.oldestUnsentMs;
    if (unsentSinceMs !== undefined) {
      const toMs = Date.now();
      for (const slot of this.slots.numbers)
        this.coverage.add({ slot, fromMs: unsentSinceMs, toMs, reason: 'unsent at exit' });
    }
    await atMost(endsAtMs - Date.now(), this.coverage.close());
    await this.health?.close();
  }

  /** The first look needs the OAuth client; while its secret is empty the process waits, unhealthy, and says why. */
  private async findTopicsOnceAllowed(): Promise<string[][]> {
    for (;;) {
      try {
        await this.tokens.get();
        const found = await this.findTopics();
        this.waitingFor = undefined;
        return found;
      } catch (error) {
        if (!(error instanceof SecretEmptyError)) throw error;
        if (!this.waitingFor) this.edges.log.error(error.message);
        this.waitingFor = error;
        await delay(this.edges.limits?.secretPollMs ?? SECRET_POLL_MS, undefined, {
          signal: this.abort.signal,
        });
      }
    }
  }

  private async findTopics(): Promise<string[][]> {
    const topics = await expandTopics(this.config.topics, this.rest, this.abort.signal);
    if (topics.length === 0)
      this.edges.log.warn('there is nothing to subscribe to: no users or queues are listed');
    this.topicsBySlot = spreadTopics(this.topicsBySlot, topics);
    return this.topicsBySlot;
  }

  /** Look again at which users and queues exist, until the end. */
  private async refreshTopics(): Promise<void> {
    const { signal } = this.abort;
    while (!signal.aborted) {
      try {
        await delay(this.config.topicRefreshSeconds * 1000, undefined, { signal });
        this.slots.assign(await this.findTopics());
      } catch (error) {
        if (signal.aborted) return;
        this.edges.log.warn('the list of topics could not be refreshed; the old one stays', { error });
      }
    }
  }

  private setPaused(paused: boolean): void {
    this.paused = paused;
    this.edges.log.warn(
      paused ? 'the buffer is full: reading is paused' : 'the buffer has room: reading goes on',
      {
        bufferedBytes: this.batcher.bufferedBytes,
      },
    );
    this.slots.setPaused(paused);
  }

  private readHealth(): Health {
    const reasons: string[] = [];
    const gap = this.coverage.longestOpenGap();
    const live = gap === undefined || gap.ms < UNHEALTHY_AFTER_MS;
    if (!this.isCovered) reasons.push('not every subscription has a live connection');
    if (gap)
      reasons.push(
        `channel ${gap.slot} has had no live connection for ${Math.round(gap.ms / 1000)} s: ${gap.reason}`,
      );
    reasons.push(...this.slots.errors);
    if (this.waitingFor) reasons.push(this.waitingFor.message);
    const { numbers } = this.slots;
    return {
      ready: numbers.length > 0 && this.coverage.wasComplete(numbers),
      live,
      reasons,
      ...(this.waitingFor ? { waitingFor: 'secret' } : {}),
      paused: this.paused,
      channels: this.slots.describe(),
    };
  }

  /** What is counted, for whoever reports it. */
  metricSources(): MetricSources {
    return {
      intake: () => this.intake.totals,
      batcher: () => this.batcher.totals,
      bufferedBytes: () => this.batcher.bufferedBytes,
      isPaused: () => this.paused,
      connections: () => this.connections,
      reconnects: () => this.slots.connects,
      coverage: () => ({ ...this.coverage.totals, complete: this.isCovered }),
      rejectedTopics: () => this.slots.rejectedTopics,
    };
  }
}

/** Wait for work, but no longer than this; what it still does is of no interest then. */
async function atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  const limit = delay(Math.max(0, limitMs), undefined, { signal: done.signal }).catch(() => undefined);
  try {
    await Promise.race([work, limit]);
  } finally {
    done.abort();
  }
}
