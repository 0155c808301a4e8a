import { randomUUID } from 'node:crypto';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { Batcher } from './batcher.ts';
import type { CoverageStore } from './coverage-store.ts';
import type { IngesterDependencies } from './dependencies.ts';
import { coverageStores, type GapAnnouncer } from './gap-announcer.ts';
import { type HealthServer, serveHealth } from './health.ts';
import type { IngesterConfig } from './ingester-config.ts';
import { type HealthSources, healthOf } from './ingester-health.ts';
import { Intake } from './intake.ts';
import { LargeItems } from './large-items.ts';
import { OAuthClients } from './oauth-clients.ts';
import { ingesterMetrics, type MetricSources } from './prometheus-metrics.ts';
import { ProtocolStreams, subscriptionKey } from './protocol-streams.ts';
import type { ProtocolContext, StreamProtocol } from './protocols/stream-protocol.ts';
import { DynamoDbLeadershipStore } from './standby/leadership-store.ts';
import { TaskRole } from './standby/task-role.ts';
import { TaskCoverage } from './task-coverage.ts';
import { atMost } from './time-limit.ts';

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
  readonly coverage: TaskCoverage;
  readonly role: TaskRole;
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
    const readUntilMs = (subscription: string) => this.streams.readUntilMs(subscription);
    const announcing = { sqs, log, oldestUnsentMs, readUntilMs, edgeMs: limits?.gapEdgeMs };
    const { store, announcer } = coverageStores(this.stateTable, config, announcing);
    this.announcer = announcer;
    this.coverage = new TaskCoverage({
      log,
      sources: {
        readUntilMs,
        servedTopics: (subscription) => this.streams.servedTopics(subscription),
        oldestUnsentMs,
      },
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
    this.role = this.createRole(store);
    this.intake = new Intake(
      this.role.queue,
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
      () => healthOf(this.healthSources()),
      ingesterMetrics(this.metricSources()),
    );
    this.setLeading(this.role.isLeading);
    this.role.start();
    await this.streams.start();
  }

  /** Stop reading, send everything that was read, record what could not be sent. Takes at most 25 s. */
  async stop(): Promise<void> {
    const endsAtMs = Date.now() + DRAIN_LIMIT_MS;
    this.abort.abort();
    this.coverage.stopping();
    this.role.stopping();
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
    const recorded = this.coverage
      .close()
      .then(() => Promise.all([this.announcer?.settled(), this.role.release()]));
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
      role: () => this.role.state,
    };
  }

  /** A standby needs the state table. */
  private createRole(coverageStore: CoverageStore | undefined): TaskRole {
    const { stateTable, config, coverage, batcher } = this;
    const leadershipStore =
      stateTable &&
      config.tasks > 1 &&
      new DynamoDbLeadershipStore(stateTable.client, stateTable.name, config.subscriptionSet);
    return new TaskRole({
      // Gap records and audit records name the same task.
      task: this.dependencies.audit?.session ?? randomUUID(),
      batcher,
      coverage,
      coverageStore,
      leadershipStore: leadershipStore || undefined,
      isLive: () => this.isCovered,
      onChange: (isLeading) => this.setLeading(isLeading),
      log: this.dependencies.log,
    });
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

  private healthSources(): HealthSources {
    const { streams, coverage, isCovered, isPaused, role, batcher } = this;
    return { streams, coverage, isCovered, isPaused, role: role.state, stalledMs: batcher.failingForMs };
  }

  private setLeading(isLeading: boolean): void {
    this.streams.setLeading(isLeading);
    this.announcer?.setLeading(isLeading);
  }

  private setPaused(isPaused: boolean): void {
    this.isPaused = isPaused;
    this.dependencies.log.warn(
      isPaused ? 'the buffer is full; reading is paused' : 'the buffer has room; reading is resumed',
      { bufferedBytes: this.batcher.bufferedBytes },
    );
    this.streams.setPaused(isPaused);
  }
}
