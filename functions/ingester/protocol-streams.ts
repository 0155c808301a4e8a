import type { IngesterDependencies } from './dependencies.ts';
import type { ConfiguredProtocol } from './ingester-config.ts';
import type { ProtocolContext, StreamProtocol, Subscription } from './protocols/stream-protocol.ts';
import { SubscriptionSource } from './subscription-source.ts';
import { Subscriptions, type SubscriptionsOptions } from './subscriptions.ts';

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

/** The subscriptions of every protocol of a deployment. */
export class ProtocolStreams {
  private readonly streams: readonly Stream[];
  private readonly onFailed: (error: Error) => void;
  private following: Promise<unknown> = Promise.resolve();

  constructor({ protocols, contextOf, limits, ...shared }: ProtocolStreamsOptions) {
    this.onFailed = shared.onFailed;
    this.streams = protocols.map(({ protocol, configuration }) => {
      const context = contextOf(protocol);
      return {
        protocol: protocol.name,
        source: new SubscriptionSource(protocol, configuration, context, limits),
        subscriptions: new Subscriptions({ ...shared, protocol, context }),
      };
    });
  }

  /**
   * Find the subscriptions of every protocol and start connecting. A protocol does not wait for another one.
   *
   * @throws the first error of a protocol whose subscriptions cannot be found
   */
  async start(): Promise<void> {
    await Promise.all(
      this.streams.map(async (stream) =>
        stream.subscriptions.assign(keyed(stream, await stream.source.first())),
      ),
    );
    this.following = Promise.all(
      this.streams.map((stream) =>
        stream.source
          .follow((changed) => stream.subscriptions.assign(keyed(stream, changed)))
          .catch((error: unknown) =>
            this.onFailed(error instanceof Error ? error : new Error(String(error))),
          ),
      ),
    );
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
    return this.streams.every(({ subscriptions }) => subscriptions.names.length > 0);
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
      ...this.streams.flatMap(({ source }) => source.startError ?? []),
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

  private of(key: string): Subscriptions | undefined {
    return this.streams.find(({ protocol }) => key.startsWith(subscriptionKey(protocol, '')))?.subscriptions;
  }

  private sum(count: (stream: Stream) => number): number {
    return this.streams.reduce((total, stream) => total + count(stream), 0);
  }
}

function keyed(
  { protocol }: Stream,
  subscriptions: ReadonlyMap<string, Subscription>,
): ReadonlyMap<string, Subscription> {
  return new Map([...subscriptions].map(([name, one]) => [subscriptionKey(protocol, name), one]));
}
