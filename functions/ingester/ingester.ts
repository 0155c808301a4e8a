import { setTimeout as delay } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Log } from '../../lib/aws/logger.ts';
import { type Credentials, TokenSource } from '../../lib/genesys/oauth.ts';
import { RateLimit } from '../../lib/genesys/rate-limit.ts';
import { RestClient } from '../../lib/genesys/rest.ts';
import type { BackoffLimits } from './backoff.ts';
import { Batcher, type BatcherLimits } from './batcher.ts';
import { DynamoDbChannelStore, MemoryChannelStore } from './channel-store.ts';
import type { IngesterConfig } from './config.ts';
import { Coverage, gapRecorder } from './coverage.ts';
import { type Health, type HealthServer, serveHealth } from './health.ts';
import { Intake } from './intake.ts';
import { ingesterMetrics } from './metrics.ts';
import { NotificationChannels } from './protocols/notification-channels.ts';
import type { ConnectionLimits } from './protocols/protocol.ts';
import { Supervisor } from './supervisor.ts';
import { expandTopics, spreadTopics } from './topics.ts';
import type { SocketFactory } from './transport.ts';

/** A subscription without a live connection for this long makes the process unhealthy (P5: within 60 s). */
export const UNHEALTHY_AFTER_MS = 30_000;
/** From SIGTERM to the end: what is not accepted by SQS by then is recorded as a gap. Fargate waits 30 s. */
export const DRAIN_LIMIT_MS = 25_000;
/** Of it, for writing down what could not be sent. */
const LAST_WORDS_MS = 2_000;

/** The ingester's connections to the world; all but the AWS clients have defaults. */
export interface IngesterEdges {
  sqs: SQSClient;
  /** Needed with a state table. */
  dynamodb?: DynamoDBClient;
  credentials: () => Promise<Credentials>;
  log: Log;
  fetch?: typeof fetch;
  openSocket?: SocketFactory;
  /** Narrower limits make a test or a simulation quick. */
  limits?: {
    connection?: Partial<ConnectionLimits>;
    backoff?: Partial<BackoffLimits>;
    batcher?: Partial<BatcherLimits>;
    requestsPerMinute?: number;
  };
}

/** One channel's worth of topics and what keeps it live. */
interface Slot {
  protocol: NotificationChannels;
  supervisor: Supervisor;
}

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
  private readonly channels: DynamoDbChannelStore | MemoryChannelStore;
  private readonly slots = new Map<number, Slot>();
  private readonly abort = new AbortController();
  private readonly connects = new Map<string, number>();
  private readonly failure = Promise.withResolvers<never>();
  private topicsBySlot: string[][] = [];
  private health: HealthServer | undefined;
  private refreshing: Promise<void> = Promise.resolve();
  private paused = false;

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
    this.channels = table
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
  }

  /** Address of the health endpoint's port, once started. */
  get healthPort(): number | undefined {
    return this.health?.port;
  }

  /** Open sockets. */
  get connections(): number {
    let count = 0;
    for (const { supervisor } of this.slots.values()) count += supervisor.openConnections;
    return count;
  }

  /** Whether every subscription has a live connection. */
  get isCovered(): boolean {
    return this.slots.size > 0 && this.coverage.isComplete(this.slots.keys());
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
      this.metrics(),
    );
    this.assign(await this.findTopics());
    this.refreshing = this.refreshTopics();
  }

  /** Stop reading, send everything that was read, record what could not be sent. Takes at most 25 s. */
  async stop(): Promise<void> {
    const endsAtMs = Date.now() + DRAIN_LIMIT_MS;
    this.abort.abort();
    await this.refreshing;
    await Promise.all([...this.slots.values()].map(endSlot));
    const leftMs = Math.max(0, endsAtMs - Date.now() - LAST_WORDS_MS);
    const gaveUp = new AbortController();
    await Promise.race([
      this.batcher.drain(),
      delay(leftMs, undefined, { signal: gaveUp.signal }).catch(() => undefined),
    ]);
    gaveUp.abort();
    const unsentSinceMs = this.batcher.oldestUnsentMs;
    if (unsentSinceMs !== undefined) {
      const toMs = Date.now();
      for (const slot of this.slots.keys())
        this.coverage.add({ slot, fromMs: unsentSinceMs, toMs, reason: 'unsent at exit' });
    }
    await this.coverage.close();
    await this.health?.close();
  }

  private async findTopics(): Promise<string[][]> {
    const topics = await expandTopics(this.config.topics, this.rest, this.abort.signal);
    if (topics.length === 0)
      this.edges.log.warn('there is nothing to subscribe to: no users or queues are listed');
    return spreadTopics(this.topicsBySlot, topics);
  }

  /** Every slot gets its topics: new ones are started, changed ones told, empty ones stopped. */
  private assign(topicsBySlot: string[][]): void {
    if (this.abort.signal.aborted) return;
    this.topicsBySlot = topicsBySlot;
    for (const [number, topics] of topicsBySlot.entries()) {
      const slot = this.slots.get(number);
      if (topics.length === 0) {
        this.slots.delete(number);
        this.coverage.forget(number);
        if (slot) void endSlot(slot);
      } else if (slot) {
        slot.protocol.updateTopics(topics, this.abort.signal).catch((error: unknown) => {
          this.edges.log.warn('the topics of a channel could not be changed; its connection is replaced', {
            error,
          });
          slot.supervisor.replace('topics');
        });
      } else {
        this.slots.set(number, this.startSlot(number, topics));
      }
    }
  }

  private startSlot(number: number, topics: readonly string[]): Slot {
    const { log, openSocket, limits } = this.edges;
    const protocol = new NotificationChannels({
      rest: this.rest,
      tokens: this.tokens,
      channels: this.channels,
      log,
      topics,
      ...(limits?.connection ? { limits: limits.connection } : {}),
    });
    const supervisor = new Supervisor(
      protocol,
      {
        onDecoded: (decoded, data) => this.intake.accept(protocol.name, decoded, data),
        onCovered: (atMs) => this.coverage.onCovered(number, atMs),
        onUncovered: (fromMs, reason) => this.coverage.onUncovered(number, fromMs, reason),
        onConnected: (reason) => this.countConnect(number, reason),
        onFailed: (error) => this.failure.reject(error),
      },
      log,
      {
        ...(openSocket ? { open: openSocket } : {}),
        ...(limits?.backoff ? { backoff: limits.backoff } : {}),
      },
    );
    supervisor.start();
    if (this.paused) supervisor.pause();
    return { protocol, supervisor };
  }

  /** Look again at which users and queues exist, until the end. */
  private async refreshTopics(): Promise<void> {
    const { signal } = this.abort;
    while (!signal.aborted) {
      try {
        await delay(this.config.topicRefreshSeconds * 1000, undefined, { signal });
        this.assign(await this.findTopics());
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
    for (const { supervisor } of this.slots.values()) {
      if (paused) supervisor.pause();
      else supervisor.resume();
    }
  }

  private countConnect(slot: number, reason: string): void {
    // The reason of an end may quote the server; its first word is one of a few.
    const word = reason.split(' ')[0] ?? reason;
    this.connects.set(word, (this.connects.get(word) ?? 0) + 1);
    this.edges.log.info('connected', { slot, reason });
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
    for (const { supervisor } of this.slots.values()) {
      if (supervisor.lastError) reasons.push(supervisor.lastError);
    }
    return {
      ready: this.isCovered || (gap !== undefined && live),
      live,
      reasons,
      paused: this.paused,
      channels: [...this.slots].map(([number, { protocol, supervisor }]) => ({
        number,
        state: supervisor.state,
        topics: this.topicsBySlot[number]?.length ?? 0,
        rejectedTopics: Object.fromEntries(protocol.rejectedTopics),
      })),
    };
  }

  private metrics() {
    return ingesterMetrics({
      intake: () => this.intake.totals,
      batcher: () => this.batcher.totals,
      bufferedBytes: () => this.batcher.bufferedBytes,
      isPaused: () => this.paused,
      connections: () => this.connections,
      reconnects: () => this.connects,
      coverage: () => ({ ...this.coverage.totals, complete: this.isCovered }),
      rejectedTopics: () => {
        let count = 0;
        for (const { protocol } of this.slots.values()) count += protocol.rejectedTopics.size;
        return count;
      },
    });
  }
}

async function endSlot({ protocol, supervisor }: Slot): Promise<void> {
  await supervisor.stop();
  await protocol.end();
}
