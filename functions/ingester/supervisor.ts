import type { Connection, ConnectionEnd, Move } from './connection.ts';
import { Connector, type ConnectorOptions, type ConnectorOwner, type ConnectRequest } from './connector.ts';
import type { Subscription } from './protocols/stream-protocol.ts';
import { SubscribedConnections } from './subscribed-connections.ts';

/** The maximum delay of a Node.js timer. */
const MAX_TIMER_MS = 2_147_483_647;
/** Minimum interval between two planned replacements, regardless of the expiry that the server reports. */
const MIN_REPLACE_INTERVAL_MS = 1_000;

/** State of a supervisor. `overlapping`: a new connection is being made. */
export type SupervisorState = 'idle' | 'connecting' | 'live' | 'overlapping' | 'stopped' | 'failed';

/** What a supervisor reports to its owner. Times are epoch milliseconds. */
export interface SupervisorHandlers {
  /** There is a live connection, for the first time or again. */
  onCovered(atMs: number): void;
  /** There is no live connection. Everything sent before `fromMs` has been read. */
  onUncovered(fromMs: number, reason: string): void;
  /** A closed connection may not have been read to its end: events sent between `fromMs` and `toMs` may be missing. */
  onGap(fromMs: number, toMs: number, reason: string): void;
  /** A connection became ready. */
  onConnected(reason: string): void;
  /** Connecting again cannot succeed. The state is `failed`. */
  onFailed(error: Error): void;
}

/**
 * Keeps one subscription live: connects, replaces connections (the new one is ready before the old one closes), and
 * changes what its connections subscribe to. It is not in the data path: connections pass data to the sink.
 */
export class Supervisor implements ConnectorOwner {
  private readonly options: ConnectorOptions;
  private readonly handlers: SupervisorHandlers;
  private readonly connector: Connector;
  private readonly connections: SubscribedConnections;
  /** Connections that are being closed. */
  private readonly retiring = new Set<Connection>();
  private current: Connection | undefined;
  private attempt: Promise<void> | undefined;
  private replaceTimer: NodeJS.Timeout | undefined;
  private isPaused = false;
  private lastMoveTick = Number.NEGATIVE_INFINITY;
  private terminal: { readonly state: 'stopped' | 'failed'; readonly error?: string } | undefined;

  constructor(options: ConnectorOptions, subscription: Subscription, handlers: SupervisorHandlers) {
    this.options = options;
    this.connections = new SubscribedConnections(subscription);
    this.handlers = handlers;
    this.connector = new Connector(options, this);
  }

  get state(): SupervisorState {
    if (this.terminal) return this.terminal.state;
    if (this.current) return this.attempt ? 'overlapping' : 'live';
    return this.attempt ? 'connecting' : 'idle';
  }

  /** What it keeps live. */
  get subscription(): Subscription {
    return this.connections.wanted;
  }

  /** What the live connection is subscribed to. */
  get served(): Subscription | undefined {
    return this.current && this.connections.of(this.current);
  }

  get isLive(): boolean {
    return this.current !== undefined;
  }

  /**
   * Everything that the server sent before this time has been read, in epoch milliseconds. This includes a replaced
   * connection until it ends.
   */
  get readUntilMs(): number | undefined {
    const times = [this.current, ...this.retiring].flatMap((one) => one?.readUntil.atMs ?? []);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** Open sockets, including those that are being replaced. */
  get openConnections(): number {
    return this.connections.size;
  }

  /** Why the last attempt failed. */
  get lastError(): string | undefined {
    return this.terminal?.error ?? this.connector.lastError;
  }

  /** Start connecting. */
  start(): void {
    this.connect({ recovery: 'resume', delayMs: 0 }, 'start');
  }

  /** Subscribe to something else: open sessions are updated, or replaced if that is not possible. */
  change(subscription: Subscription): void {
    this.connections.wanted = subscription;
    for (const connection of this.connections) void this.bringUpToDate(connection);
  }

  /** Stop reading from all sockets. */
  pause(): void {
    this.isPaused = true;
    for (const connection of this.connections) connection.pause();
  }

  /** Resume reading. */
  resume(): void {
    this.isPaused = false;
    for (const connection of this.connections) connection.resume();
  }

  /** Close all connections. Frames in transit reach the sink before this settles. */
  async stop(): Promise<void> {
    this.terminal ??= { state: 'stopped' };
    this.connector.stop();
    clearTimeout(this.replaceTimer);
    const { current } = this;
    this.current = undefined;
    await Promise.all([
      current && this.retire(current, Date.now(), 'stopping'),
      ...[...this.connections].map((connection) => connection.close('stopping')),
    ]);
    await this.attempt;
  }

  onOpening(connection: Connection, subscription: Subscription): void {
    this.connections.add(connection, subscription);
    if (this.isPaused) connection.pause();
  }

  onMove(connection: Connection, { recovery, reason }: Move): void {
    // A request from a connection that is still being made is handled when the connection is ready.
    if (connection !== this.current) return;
    this.options.context.log.info('the server asked us to reconnect', { reason });
    this.connect({ recovery, delayMs: this.moveDelayMs() }, reason);
  }

  onEnd(connection: Connection, { cause, end }: ConnectionEnd): void {
    if (connection !== this.current) return;
    this.current = undefined;
    clearTimeout(this.replaceTimer);
    const reason = cause.reason ? `${cause.code} ${cause.reason}` : String(cause.code);
    this.handlers.onUncovered(connection.readUntil.atMs, reason);
    this.connector.onLost(Date.now() - connection.readyAtMs);
    const isOver = this.connector.recordEnd(end);
    const recovery = isOver ? 'stop' : (connection.move?.recovery ?? end.recovery);
    this.options.context.log.warn('connection lost', { reason, meaning: end.meaning, recovery });
    if (recovery === 'stop')
      this.fail(new Error(`the server ended the subscription: ${reason} (${end.meaning})`));
    else
      this.connect(
        {
          recovery,
          after: cause,
          delayMs: this.connector.delayMs(end, cause.retryAfterMs),
          isThrottled: end.throttled,
        },
        reason,
      );
  }

  /**
   * Make a new connection and, when it is ready, close the old one. Does nothing during another attempt or after the
   * end.
   */
  private connect(request: ConnectRequest, reason: string): void {
    if (this.attempt) {
      if (!this.current) this.connector.hurry();
      return;
    }
    this.attempt = this.connector
      .connect(request)
      .then((connection) => {
        this.attempt = undefined;
        if (connection && !this.terminal) this.promote(connection, reason);
      })
      .catch((error: unknown) => this.fail(error instanceof Error ? error : new Error(String(error))));
  }

  private promote(connection: Connection, reason: string): void {
    const old = this.current;
    this.current = connection;
    this.handlers.onConnected(reason);
    if (old) void this.retire(old, connection.readyAtMs, 'replaced');
    else this.handlers.onCovered(connection.readyAtMs);
    this.scheduleReplacement(connection.session.replaceByMs);
    // Handle what happened before it was current: its end, a request to reconnect, a changed subscription.
    if (connection.endedWith) this.onEnd(connection, connection.endedWith);
    else if (connection.move) this.onMove(connection, connection.move);
    else void this.bringUpToDate(connection);
  }

  /** The first request to reconnect is handled at once. Repeated requests are delayed like flapping connections. */
  private moveDelayMs(): number {
    const sinceMs = performance.now() - this.lastMoveTick;
    this.lastMoveTick = performance.now();
    return this.connector.onMove(sinceMs);
  }

  private scheduleReplacement(byMs: number | undefined): void {
    clearTimeout(this.replaceTimer);
    if (byMs === undefined) return;
    const untilMs = Math.max(MIN_REPLACE_INTERVAL_MS, byMs - Date.now());
    this.replaceTimer = setTimeout(
      () => this.connect({ recovery: 'restart', delayMs: 0 }, 'expiry'),
      Math.min(untilMs, MAX_TIMER_MS),
    );
  }

  /** Update a connection to the subscription that is wanted now, or replace it. */
  private async bringUpToDate(connection: Connection): Promise<void> {
    const outcome = await this.connections.bringUpToDate(connection);
    // Only the current connection is replaced here. A connection that is being made is updated later.
    if (outcome.kind === 'done' || connection !== this.current) return;
    if ('error' in outcome)
      this.options.context.log.warn('could not update the subscription; replacing its connection', {
        error: outcome.error,
      });
    this.connect({ recovery: 'restart', delayMs: 0 }, 'topics');
  }

  /**
   * Close a connection that was replaced. If nothing proves that it was read up to `untilMs`, the time in between is a
   * gap (P4).
   */
  private async retire(connection: Connection, untilMs: number, reason: string): Promise<void> {
    this.retiring.add(connection);
    await connection.close(reason);
    const fromMs = connection.readUntil.atMs;
    if (fromMs < untilMs) this.handlers.onGap(fromMs, untilMs, `no reply to the close frame (${reason})`);
    this.retiring.delete(connection);
  }

  private fail(error: Error): void {
    this.terminal = { state: 'failed', error: error.message };
    this.connector.stop();
    this.handlers.onFailed(error);
  }
}
