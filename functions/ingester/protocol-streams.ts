import { setTimeout as delay } from 'node:timers/promises';
import { redact } from '../../lib/events/redaction.ts';
import type { IngesterDependencies } from './dependencies.ts';
import type { ConfiguredProtocol } from './ingester-config.ts';
import type { ProtocolContext, StreamProtocol, Subscription } from './protocols/stream-protocol.ts';
import { SubscriptionSource } from './subscription-source.ts';
import { Subscriptions, type SubscriptionsOptions } from './subscriptions.ts';

/** A protocol that failed permanently is tried again at this interval while others run. */
export const RETRY_FAILED_MS = 300_000;

/** What the streams of all protocols share. */
export interface ProtocolStreamsOptions extends Omit<SubscriptionsOptions, 'protocol' | 'context'> {
  readonly protocols: readonly ConfiguredProtocol[];
  /** The context of a protocol. */
  readonly contextOf: (protocol: StreamProtocol) => ProtocolContext;
  readonly limits: IngesterDependencies['limits'];
}

/** The subscriptions of one protocol, and where they come from. */
interface Stream {
  readonly protocol: string;
  readonly source: SubscriptionSource;
  readonly subscriptions: Subscriptions;
  readonly context: ProtocolContext;
  /** A standby does not connect. */
  readonly isForLeader: boolean;
  /** The subscriptions that were found last. */
  found: ReadonlyMap<string, Subscription>;
  /** Why its subscriptions cannot be found. */
  failure: Error | undefined;
}

/** Connections that were opened for a reason. */
export interface ConnectCount {
  readonly protocol: string;
  readonly reason: string;
  readonly count: number;
}

/**
 * The name of a subscription in coverage, gap records, health and metrics. Two protocols can have subscriptions with the
 * same name.
 */
export function subscriptionKey(protocol: string, name: string): string {
  return `${protocol}/${name}`;
}

/**
 * The subscriptions of every protocol of a deployment.
 *
 * If a protocol fails permanently, such as by a permission that its OAuth client lacks, the others continue. To end the
 * process would give all of them a gap at every restart, and would not repair the one. It stays uncovered and unhealthy,
 * which raises an alarm, and is tried again every {@link RETRY_FAILED_MS}. Once every protocol has failed, so has the
 * process (P5).
 */
export class ProtocolStreams {
  private readonly streams: readonly Stream[];
  private readonly onFailed: (error: Error) => void;
  private readonly retryFailedMs: number;
  private following: Promise<unknown> = Promise.resolve();
  private isLeading = true;

  constructor({ protocols, contextOf, limits, ...shared }: ProtocolStreamsOptions) {
    this.onFailed = shared.onFailed;
    this.retryFailedMs = limits?.retryFailedMs ?? RETRY_FAILED_MS;
    this.streams = protocols.map(({ protocol, configuration }) => {
      const context = contextOf(protocol);
      const onFailed = (error: Error) => this.fail(stream, error);
      const stream: Stream = {
        protocol: protocol.name,
        source: new SubscriptionSource(protocol, configuration, context, limits),
        subscriptions: new Subscriptions({ ...shared, protocol, context, onFailed }),
        context,
        isForLeader: protocol.onStandby === 'waits',
        found: new Map(),
        failure: undefined,
      };
      return stream;
    });
  }

  /**
   * Find the subscriptions of every protocol and start connecting. A protocol does not wait for another one.
   *
   * @throws the error of the last protocol to fail, if the subscriptions of none can be found
   */
  async start(): Promise<void> {
    await Promise.all(this.streams.map((stream) => this.find(stream)));
    const { failure } = this.streams.find((stream) => !hasFailed(stream)) ?? this.streams.at(-1) ?? {};
    if (failure) throw failure;
    this.following = Promise.all(this.streams.map((stream) => this.follow(stream)));
  }

  /** Close all connections. What they still deliver reaches the intake before this settles. */
  async stop(): Promise<void> {
    await Promise.all([this.following, ...this.streams.map(({ subscriptions }) => subscriptions.stop())]);
  }

  /** Keys of the subscriptions of all protocols. */
  get names(): readonly string[] {
    return this.streams.flatMap(({ subscriptions }) => subscriptions.names);
  }

  /** Whether every protocol has found its subscriptions, and has at least one. */
  get areFound(): boolean {
    return this.streams.every(({ found }) => found.size > 0);
  }

  /** Open sockets. */
  get openConnections(): number {
    return this.sum(({ subscriptions }) => subscriptions.openConnections);
  }

  /** Topics that the servers refuse. */
  get rejectedTopics(): number {
    return this.sum(({ subscriptions }) => subscriptions.rejectedTopics);
  }

  /** Connections opened since the start. */
  get connects(): readonly ConnectCount[] {
    return this.streams.flatMap(({ protocol, subscriptions }) =>
      [...subscriptions.connects].map(([reason, count]) => ({ protocol, reason, count })),
    );
  }

  /** Why subscriptions could not be found, and why the last attempts to connect failed. */
  get errors(): readonly string[] {
    return [
      ...this.streams.flatMap(({ subscriptions }) => subscriptions.errors),
      ...this.streams.flatMap(({ source, failure }) => failure?.message ?? source.startError ?? []),
      ...(this.emptySecret ? [this.emptySecret.message] : []),
    ];
  }

  /** Set while the secrets of all OAuth clients are empty. */
  get emptySecret(): Error | undefined {
    return this.streams.find(({ source }) => source.emptySecret)?.source.emptySecret;
  }

  /** See {@link Subscriptions.readUntilMs}. */
  readUntilMs(key: string): number | undefined {
    return this.of(key)?.readUntilMs(key);
  }

  /** See {@link Subscriptions.servedTopics}. */
  servedTopics(key: string): readonly string[] | undefined {
    return this.of(key)?.servedTopics(key);
  }

  /** Each subscription, for the health endpoint. */
  describe(): object[] {
    return this.streams.flatMap(({ subscriptions }) => subscriptions.describe());
  }

  /** Stop reading from all sockets, or read again. */
  setPaused(isPaused: boolean): void {
    for (const { subscriptions } of this.streams) subscriptions.setPaused(isPaused);
  }

  /** This task leads from now on, or is a standby. */
  setLeading(isLeading: boolean): void {
    this.isLeading = isLeading;
    for (const stream of this.streams) this.assign(stream, stream.found);
  }

  /** Names of the protocols that have failed permanently. */
  get failed(): readonly string[] {
    return this.streams.filter(hasFailed).map(({ protocol }) => protocol);
  }

  private assign(stream: Stream, found: ReadonlyMap<string, Subscription>): void {
    stream.found = found;
    const isWaiting = stream.isForLeader && !this.isLeading;
    stream.subscriptions.assign(isWaiting ? new Map() : found);
  }

  private async find(stream: Stream): Promise<void> {
    try {
      this.assign(stream, keyed(stream, await stream.source.first()));
      stream.failure = undefined;
    } catch (error) {
      if (stream.context.signal.aborted) throw error;
      this.failSource(stream, error);
    }
  }

  /** Reports changes of a protocol's subscriptions until the process stops, and tries again what has failed. */
  private async follow(stream: Stream): Promise<void> {
    const { source, subscriptions, context } = stream;
    const { signal } = context;
    const retry = setInterval(() => subscriptions.restartFailed(), this.retryFailedMs);
    signal.addEventListener('abort', () => clearInterval(retry), { once: true });
    while (!signal.aborted) {
      try {
        if (stream.failure) {
          await delay(this.retryFailedMs, undefined, { signal });
          await this.find(stream);
        } else {
          await source.follow((changed) => this.assign(stream, keyed(stream, changed)));
          return;
        }
      } catch (error) {
        if (!signal.aborted) this.failSource(stream, error);
      }
    }
  }

  private failSource(stream: Stream, cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    stream.failure = error;
    this.fail(stream, error);
  }

  private fail({ protocol, context }: Stream, error: Error): void {
    if (this.streams.every(hasFailed)) {
      this.onFailed(error);
      return;
    }
    context.log.error('a protocol failed permanently; the others continue', {
      protocol,
      reason: redact(error.message),
      nextAttemptSeconds: this.retryFailedMs / 1_000,
    });
  }

  private of(key: string): Subscriptions | undefined {
    return this.streams.find(({ protocol }) => key.startsWith(subscriptionKey(protocol, '')))?.subscriptions;
  }

  private sum(count: (stream: Stream) => number): number {
    return this.streams.reduce((total, stream) => total + count(stream), 0);
  }
}

function hasFailed({ failure, subscriptions }: Stream): boolean {
  return failure !== undefined || subscriptions.hasFailed;
}

function keyed(
  { protocol }: Stream,
  subscriptions: ReadonlyMap<string, Subscription>,
): ReadonlyMap<string, Subscription> {
  return new Map([...subscriptions].map(([name, one]) => [subscriptionKey(protocol, name), one]));
}
