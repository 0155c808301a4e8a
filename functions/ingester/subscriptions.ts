import type { AuditTrail } from '../../lib/aws/audit-trail.ts';
import type { Log } from '../../lib/aws/logger.ts';
import { redact } from '../../lib/events/redaction.ts';
import { singleTopics } from '../../lib/genesys/combined-topics.ts';
import type { BackoffLimits } from './backoff.ts';
import type { ConnectionTimes } from './connection-settings.ts';
import type { Intake } from './intake.ts';
import type {
  ProtocolContext,
  SocketLimits,
  StreamProtocol,
  Subscription,
} from './protocols/stream-protocol.ts';
import { SubscriptionAudit } from './subscription-audit.ts';
import { Supervisor } from './supervisor.ts';
import type { TaskCoverage } from './task-coverage.ts';
import type { SocketFactory } from './transport.ts';

/** What the subscriptions share. */
export interface SubscriptionsOptions {
  readonly protocol: StreamProtocol;
  readonly context: ProtocolContext;
  readonly intake: Intake;
  readonly coverage: Pick<TaskCoverage, 'watch' | 'forget' | 'onCovered' | 'onUncovered' | 'add'>;
  readonly audit?: AuditTrail | undefined;
  /** A subscription failed permanently. */
  readonly onFailed: (error: Error) => void;
  readonly openSocket?: SocketFactory | undefined;
  readonly times?: Partial<ConnectionTimes> | undefined;
  readonly socket?: SocketLimits | undefined;
  readonly backoff?: Partial<BackoffLimits> | undefined;
}

/** The subscriptions of a deployment, each kept live by its own supervisor. */
export class Subscriptions {
  /** Connections opened since the start, by reason. */
  readonly connects = new Map<string, number>();
  private readonly options: SubscriptionsOptions;
  private readonly log: Log;
  private readonly audit: SubscriptionAudit;
  private readonly supervisors = new Map<string, Supervisor>();
  /** Subscriptions that are no longer wanted but whose connections are not closed yet. */
  private readonly ending = new Set<Promise<void>>();
  private isPaused = false;

  constructor(options: SubscriptionsOptions) {
    this.options = options;
    this.log = options.context.log;
    this.audit = new SubscriptionAudit(options.audit, options.protocol.name);
  }

  /** Names of the subscriptions. */
  get names(): readonly string[] {
    return [...this.supervisors.keys()];
  }

  /** Open sockets. */
  get openConnections(): number {
    return this.sum(({ openConnections }) => openConnections);
  }

  /**
   * Everything that the server sent before this time has been read by the subscription's connections, in epoch
   * milliseconds. Undefined without a connection.
   */
  readUntilMs(name: string): number | undefined {
    return this.supervisors.get(name)?.readUntilMs;
  }

  /** Topics that a subscription's connection delivers; undefined without a connection. */
  servedTopics(name: string): readonly string[] | undefined {
    const { topics, rejected } = this.supervisors.get(name)?.served ?? {};
    if (!rejected?.size) return topics;
    // A single part of a combined topic can be rejected.
    return topics?.flatMap(singleTopics).filter((topic) => !rejected.has(topic));
  }

  /** Topics that the server refuses. */
  get rejectedTopics(): number {
    return this.sum(({ subscription }) => subscription.rejected?.size ?? 0);
  }

  /** The reasons for the failure, for each subscription whose last attempt failed. */
  get errors(): readonly string[] {
    return [...this.supervisors.values()].flatMap(({ lastError }) => lastError ?? []);
  }

  /** Name, state and topics of each subscription, for the health endpoint. */
  describe(): object[] {
    return [...this.supervisors].map(([name, { state, subscription }]) => ({
      name,
      state,
      topics: subscription.topics.length,
      // The reasons quote the server (P7).
      rejectedTopics: Object.fromEntries(
        [...(subscription.rejected ?? [])].map(([topic, reason]) => [topic, redact(reason)]),
      ),
    }));
  }

  /** Start new subscriptions, update changed ones, and stop those that are no longer wanted. */
  assign(wanted: ReadonlyMap<string, Subscription>): void {
    if (this.options.context.signal.aborted) return;
    this.audit.assigned(wanted);
    for (const [name, supervisor] of this.supervisors) {
      if (!wanted.has(name)) this.remove(name, supervisor);
    }
    for (const [name, subscription] of wanted) {
      this.options.coverage.watch(name, subscription.topics);
      const supervisor = this.supervisors.get(name);
      if (!supervisor) this.start(name, subscription);
      else if (supervisor.subscription !== subscription) supervisor.change(subscription);
    }
  }

  /** Whether one of them failed permanently. */
  get hasFailed(): boolean {
    return [...this.supervisors.values()].some(({ state }) => state === 'failed');
  }

  /** Connect permanently failed subscriptions again. Their gaps stay open until then. */
  restartFailed(): void {
    for (const [name, supervisor] of this.supervisors) {
      if (supervisor.state !== 'failed') continue;
      void supervisor.stop();
      this.start(name, supervisor.subscription);
    }
  }

  /** Stop reading from all sockets, or resume. */
  setPaused(isPaused: boolean): void {
    this.isPaused = isPaused;
    for (const supervisor of this.supervisors.values()) {
      if (isPaused) supervisor.pause();
      else supervisor.resume();
    }
  }

  /** Close all connections. Frames in transit reach the intake before this settles. */
  async stop(): Promise<void> {
    await Promise.all([...this.ending, ...[...this.supervisors.values()].map((one) => this.end(one))]);
  }

  private start(name: string, subscription: Subscription): void {
    const { protocol, context, intake, coverage, openSocket, times, socket, backoff, onFailed } =
      this.options;
    const supervisor = new Supervisor(
      {
        protocol,
        context,
        sink: intake.sink(protocol.name, name),
        audit: () => this.audit.connection(name),
        open: openSocket,
        times,
        socket,
        backoff,
      },
      subscription,
      {
        onCovered: (atMs) => {
          coverage.onCovered(name, atMs);
          this.audit.covered(name);
        },
        onUncovered: (fromMs, reason) => {
          coverage.onUncovered(name, fromMs, reason);
          this.audit.uncovered(name, fromMs, reason);
        },
        onGap: (fromMs, toMs, reason) => coverage.add({ subscription: name, fromMs, toMs, reason }),
        onConnected: (reason) => {
          this.countConnect(name, reason);
          this.audit.connected(name, supervisor.subscription);
        },
        onFailed,
      },
    );
    this.supervisors.set(name, supervisor);
    supervisor.start();
    if (this.isPaused) supervisor.pause();
  }

  private remove(name: string, supervisor: Supervisor): void {
    this.supervisors.delete(name);
    this.options.coverage.forget(name);
    const ending: Promise<void> = this.end(supervisor).finally(() => this.ending.delete(ending));
    this.ending.add(ending);
  }

  private async end(supervisor: Supervisor): Promise<void> {
    const { protocol, context } = this.options;
    await supervisor.stop();
    await protocol.end?.(supervisor.subscription, context);
  }

  private countConnect(subscription: string, reason: string): void {
    // A reason can quote the server. Its first word is one of a few.
    const word = reason.split(' ')[0] ?? reason;
    this.connects.set(word, (this.connects.get(word) ?? 0) + 1);
    this.log.info('connected', { subscription, reason });
  }

  private sum(count: (supervisor: Supervisor) => number): number {
    return [...this.supervisors.values()].reduce((total, supervisor) => total + count(supervisor), 0);
  }
}
