import { randomUUID } from 'node:crypto';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { Batcher } from './batcher.ts';
import { Coverage } from './coverage.ts';
import type { IngesterDependencies } from './dependencies.ts';
import { coverageStores, type GapAnnouncer } from './gap-announcer.ts';
import { type Health, type HealthServer, serveHealth } from './health.ts';
import { healthReasons } from './health-reasons.ts';
import type { IngesterConfig } from './ingester-config.ts';
import { Intake } from './intake.ts';
import { LargeItems } from './large-items.ts';
import { OAuthClients } from './oauth-clients.ts';
import { ingesterMetrics, type MetricSources } from './prometheus-metrics.ts';
import { ProtocolStreams, subscriptionKey } from './protocol-streams.ts';
import type { ProtocolContext, StreamProtocol } from './protocols/stream-protocol.ts';
import { atMost } from './time-limit.ts';

/** The process is unhealthy when a subscription had no live connection for this long (P5: within 60 s). */
export const UNHEALTHY_AFTER_MS = 30_000;
/** Time from SIGTERM to the end. What SQS has not accepted by then is recorded as a gap. Fargate waits 30 s. */
export const DRAIN_LIMIT_MS = 25_000;
/** Part of it for closing the sockets; a call to another service that hangs is not waited for. */
const CLOSE_LIMIT_MS = 5_000;
/** Part of it for recording what could not be sent. */
const RECORD_LIMIT_MS = 2_000;

/** Connects Genesys Cloud's sockets to the events queue. */
export class Ingester {
  /** Rejects when the process should end with a non-zero exit code. */
  readonly failed: Promise<never>;
  readonly intake: Intake;
  readonly batcher: Batcher;
  readonly coverage: Coverage;
  private readonly config: IngesterConfig;
  private readonly dependencies: IngesterDependencies;
  private readonly clients = new Map<'header' | 'form', OAuthClients>();
  private readonly large: LargeItems | undefined;
  private readonly announcer: GapAnnouncer | undefined;
  private readonly streams: ProtocolStreams;
  private readonly abort = new AbortController();
  private readonly failure = Promise.withResolvers<never>();
  private health: HealthServer | undefined;
  private isPaused = false;

  constructor(config: IngesterConfig, dependencies: IngesterDependencies) {
    const { sqs, log, limits, objectStore, redaction } = dependencies;
    this.config = config;
    this.dependencies = dependencies;
    this.large = objectStore && new LargeItems(objectStore, this.abort.signal, log);
    this.failed = this.failure.promise;
    this.failed.catch(() => undefined);
    const oldestUnsentMs = () => this.batcher.oldestUnsentMs;
    const announcing = { sqs, log, oldestUnsentMs, edgeMs: limits?.gapEdgeMs };
    const { store, announcer } = coverageStores(this.stateTable, config, announcing);
    this.announcer = announcer;
    this.coverage = new Coverage({
      log,
      sources: {
        readUntilMs: (subscription) => this.streams.readUntilMs(subscription),
        servedTopics: (subscription) => this.streams.servedTopics(subscription),
        oldestUnsentMs,
      },
      // Gap records and audit records name the same task.
      task: dependencies.audit?.session ?? randomUUID(),
      store,
    });
    this.batcher = new Batcher(
      (Entries) => sqs.send(new SendMessageBatchCommand({ QueueUrl: config.eventsQueueUrl, Entries })),
      {
        onPause: () => this.setPaused(true),
        onResume: () => this.setPaused(false),
        onAccepted: (position) => this.intake.onAccepted(position),
        onRefused: (json, reason) => this.intake.replacementOf(json, reason),
        onGiveUp: (error) => this.failure.reject(error),
      },
      log,
      limits?.batcher,
    );
    this.intake = new Intake(
      this.batcher,
      {
        onSequenceGap: (...gap) => this.coverage.addSequenceGap(...gap),
        onKeyedEvent: (...read) => this.announcer?.onRead(...read),
      },
      log,
      { large: this.large, redaction },
    );
    this.streams = new ProtocolStreams({
      protocols: config.protocols,
      contextOf: (protocol) => this.contextOf(protocol),
      intake: this.intake,
      coverage: this.coverage,
      audit: dependencies.audit,
      onFailed: (error) => this.failure.reject(error),
      openSocket: dependencies.openSocket,
      times: limits?.connection,
      socket: config.socket,
      backoff: limits?.backoff,
      limits,
    });
  }

  /** Port of the health endpoint, once started. */
  get healthPort(): number | undefined {
    return this.health?.port;
  }

  /** Open sockets. */
  get connections(): number {
    return this.streams.openConnections;
  }

  /** Whether every subscription has a live connection. */
  get isCovered(): boolean {
    return this.streams.areFound && this.coverage.isComplete(this.streams.names);
  }

  /**
   * Serve health, find the subscriptions, start connecting. The connections become ready after it returns.
   *
   * @throws GenesysError when Genesys Cloud refuses permanently: domain, client, secret, permission
   */
  async start(): Promise<void> {
    const { healthHost, healthPort } = this.config;
    this.health = await serveHealth(
      { host: healthHost, port: healthPort },
      () => this.readHealth(),
      ingesterMetrics(this.metricSources()),
    );
    await this.streams.start();
  }

  /** Stop reading, send everything that was read, record what could not be sent. Takes at most 25 s. */
  async stop(): Promise<void> {
    const endsAtMs = Date.now() + DRAIN_LIMIT_MS;
    this.abort.abort();
    this.coverage.stopping();
    await atMost(CLOSE_LIMIT_MS, this.streams.stop());
    const drained = this.batcher.drain().then(() => this.intake.settled());
    await atMost(endsAtMs - RECORD_LIMIT_MS - Date.now(), drained);
    const unsentSinceMs = this.batcher.oldestUnsentMs;
    if (unsentSinceMs !== undefined) {
      const toMs = Date.now();
      for (const subscription of this.streams.names)
        this.coverage.add({ subscription, fromMs: unsentSinceMs, toMs, reason: 'unsent at exit' });
    }
    const leftMs = endsAtMs - Date.now();
    this.announcer?.stopping();
    const recorded = this.coverage.close().then(() => this.announcer?.settled());
    await atMost(leftMs, Promise.all([recorded, this.dependencies.audit?.close(leftMs)]));
    this.coverage.abandon();
    await this.health?.close();
  }

  /** Sources of the metrics. */
  metricSources(): MetricSources {
    return {
      intake: () => this.intake.totals,
      batcher: () => this.batcher.totals,
      failedUploads: () => this.large?.failedUploads ?? 0,
      bufferedBytes: () => this.batcher.bufferedBytes,
      isPaused: () => this.isPaused,
      connections: () => this.connections,
      reconnects: () => this.streams.connects,
      covered: () => this.streams.names.map((name) => [name, this.coverage.isComplete([name])]),
      coverage: () => ({
        ...this.coverage.totals,
        complete: this.isCovered,
        pendingRecords: this.coverage.pendingRecords,
      }),
      rejectedTopics: () => this.streams.rejectedTopics,
      auditRecordsLost: () => this.dependencies.audit?.lost,
    };
  }

  private contextOf({ name, credentialsIn = 'header' }: StreamProtocol): ProtocolContext {
    const { log } = this.dependencies;
    const clients = this.clientsWith(credentialsIn);
    return {
      clients: () => clients.filled(),
      stateTable: this.stateTable,
      subscriptionSet: this.config.subscriptionSet,
      log,
      recordGap: (gap) => this.coverage.addForTopics(subscriptionKey(name, 'topics'), gap),
      signal: this.abort.signal,
    };
  }

  /** Protocols share tokens and rate limits if they request tokens in the same way. */
  private clientsWith(credentialsIn: 'header' | 'form'): OAuthClients {
    const { apiUrl, loginUrl } = this.config;
    const { credentials, fetch, log, limits } = this.dependencies;
    const requestsPerMinute = limits?.requestsPerMinute;
    const known = this.clients.get(credentialsIn);
    const clients =
      known ??
      new OAuthClients({ apiUrl, loginUrl, credentials, credentialsIn, log, fetch, requestsPerMinute });
    this.clients.set(credentialsIn, clients);
    return clients;
  }

  private get stateTable(): ProtocolContext['stateTable'] {
    const { dynamodb } = this.dependencies;
    const { stateTable } = this.config;
    return dynamodb && stateTable ? { client: dynamodb, name: stateTable } : undefined;
  }

  private setPaused(isPaused: boolean): void {
    this.isPaused = isPaused;
    this.dependencies.log.warn(
      isPaused ? 'the buffer is full; reading is paused' : 'the buffer has room; reading is resumed',
      { bufferedBytes: this.batcher.bufferedBytes },
    );
    this.streams.setPaused(isPaused);
  }

  private readHealth(): Health {
    const { names, errors, areFound, emptySecret } = this.streams;
    const gap = this.coverage.longestOpenGap();
    const stalledMs = this.batcher.failingForMs;
    const isStalled = stalledMs >= UNHEALTHY_AFTER_MS;
    const reasons = [
      ...healthReasons({ isCovered: this.isCovered, gap, stalledMs: isStalled ? stalledMs : 0 }),
      ...errors,
    ];
    return {
      ready: areFound && this.coverage.wasComplete(names),
      live: (gap?.ms ?? 0) < UNHEALTHY_AFTER_MS && !isStalled,
      reasons,
      ...(emptySecret
        ? { waitingFor: 'secret' }
        : this.onlyFailedIsDown(stalledMs)
          ? { waitingFor: 'operator' }
          : {}),
      paused: this.isPaused,
      subscriptions: this.streams.describe(),
    };
  }
  /** Whether some protocols have failed permanently, and all others are live. A restart would only interrupt those. */
  private onlyFailedIsDown(stalledMs: number): boolean {
    const { failed, names } = this.streams;
    const others = names.filter(
      (name) => !failed.some((protocol) => name.startsWith(subscriptionKey(protocol, ''))),
    );
    const gapMs = this.coverage.longestOpenGap(others)?.ms ?? 0;
    const areLive = this.coverage.wasComplete(others) && Math.max(gapMs, stalledMs) < UNHEALTHY_AFTER_MS;
    return failed.length > 0 && others.length > 0 && areLive;
  }
}
