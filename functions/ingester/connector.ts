import { setTimeout as delay } from 'node:timers/promises';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { Backoff, type BackoffLimits } from './backoff.ts';
import { ConnectError, Connection, type ConnectionHandlers } from './connection.ts';
import type { ConnectionAudit } from './connection-audit.ts';
import { type ConnectionTimes, connectionSettings } from './connection-settings.ts';
import { type End, type EndCause, endOfFailure, type Reconnect } from './protocols/end-table.ts';
import type {
  ProtocolContext,
  SocketLimits,
  StreamProtocol,
  Subscription,
} from './protocols/stream-protocol.ts';
import type { SignalSink } from './signal-sink.ts';
import type { SocketFactory } from './transport.ts';

/** How connections are made. */
export interface ConnectorOptions {
  readonly protocol: StreamProtocol;
  readonly context: ProtocolContext;
  readonly sink: SignalSink;
  /** Creates the audit of a new connection. */
  readonly audit?: (() => ConnectionAudit | undefined) | undefined;
  readonly open?: SocketFactory | undefined;
  readonly times?: Partial<ConnectionTimes> | undefined;
  /** Limits that the deployment configures. */
  readonly socket?: SocketLimits | undefined;
  readonly backoff?: Partial<BackoffLimits> | undefined;
}

/** What the owner of a connector decides, and what it is told. */
export interface ConnectorOwner extends ConnectionHandlers {
  /** The subscription for a new connection. */
  readonly subscription: Subscription;
  /** Whether another connection is live, so that failures are not urgent. */
  readonly isLive: boolean;
  /** A socket is being opened with this subscription. */
  onOpening(connection: Connection, subscription: Subscription): void;
}

/** Why and how to connect. */
export interface ConnectRequest {
  readonly recovery: Reconnect;
  /** How the previous connection ended. */
  readonly after?: EndCause | undefined;
  /** Milliseconds to wait before the first attempt. */
  readonly delayMs: number;
  /** Whether the server requested this wait. */
  readonly isThrottled?: boolean | undefined;
}

/**
 * Establishes connections until they are ready: retries failed attempts with backoff, keeps track of flapping and
 * repeated ends, and gives up after a bounded number of failures.
 */
export class Connector {
  /** Why the last attempt failed; undefined after a success. */
  lastError: string | undefined;
  private readonly options: ConnectorOptions;
  private readonly owner: ConnectorOwner;
  private readonly backoff: Backoff;
  private readonly abort = new AbortController();
  private hasSucceeded = false;
  /** Ends the wait before the next attempt; undefined while the server limits our rate. */
  private wait: AbortController | undefined;
  private lastEnd: { readonly end: End; readonly times: number } | undefined;

  constructor(options: ConnectorOptions, owner: ConnectorOwner) {
    this.options = options;
    this.owner = owner;
    this.backoff = new Backoff(options.backoff);
  }

  /** End the current attempt, and allow no others. */
  stop(): void {
    this.abort.abort();
  }

  /**
   * Connect until a connection is ready.
   *
   * @returns undefined if the connector was stopped
   * @throws the error of the last attempt if retrying cannot succeed, or if too many attempts have failed
   */
  async connect(request: ConnectRequest): Promise<Connection | undefined> {
    let { recovery, after, delayMs, isThrottled } = request;
    while (!this.abort.signal.aborted) {
      try {
        await this.pause(delayMs, isThrottled);
        const connection = await this.openOne(recovery, after);
        this.backoff.onReady();
        this.hasSucceeded = true;
        this.lastError = undefined;
        return connection;
      } catch (error) {
        if (this.abort.signal.aborted) return undefined;
        const end = error instanceof ConnectError ? error.ended.end : endOfFailure(error);
        delayMs = this.delayAfterFailure(error, end);
        isThrottled = end.throttled;
        // If a new session or token was required before this failure, it still is.
        if (end.recovery === 'restart' || end.recovery === 'reauthenticate') recovery = end.recovery;
        if (error instanceof ConnectError) after = error.ended.cause;
      }
    }
    return undefined;
  }

  /** Try at once, because the live connection was lost during the wait. A wait requested by the server is kept. */
  hurry(): void {
    this.wait?.abort();
  }

  /** A ready connection was lost after `livedMs`. */
  onLost(livedMs: number): void {
    this.backoff.onEnd(livedMs);
    if (this.backoff.isStable(livedMs)) this.lastEnd = undefined;
  }

  /** Milliseconds to wait when the server asks us to reconnect, `sinceMs` after it last did. */
  onMove(sinceMs: number): number {
    if (this.backoff.isStable(sinceMs)) return 0;
    this.backoff.onEnd(sinceMs);
    return this.backoff.delayMs();
  }

  /** Milliseconds to wait before connecting again after an end. */
  delayMs(end?: End, retryAfterMs?: number): number {
    return end?.throttled ? this.backoff.throttledDelayMs(retryAfterMs) : this.backoff.delayMs();
  }

  /**
   * Count an end. Returns whether it stops the subscription, either by its row in the table or because it occurred too
   * many times in a row.
   */
  recordEnd(end: End): boolean {
    const times = this.lastEnd?.end === end ? this.lastEnd.times + 1 : 1;
    this.lastEnd = { end, times };
    return end.recovery === 'stop' || (end.maxInARow !== undefined && times > end.maxInARow);
  }

  private async pause(delayMs: number, isThrottled = false): Promise<void> {
    if (delayMs <= 0) return;
    const wait = new AbortController();
    if (!isThrottled) this.wait = wait;
    const signal = AbortSignal.any([this.abort.signal, wait.signal]);
    await delay(delayMs, undefined, { signal }).catch(() => undefined);
    this.wait = undefined;
    this.abort.signal.throwIfAborted();
  }

  private async openOne(recovery: Reconnect, after: EndCause | undefined): Promise<Connection> {
    const { protocol, context, sink, audit, open, times, socket } = this.options;
    const { signal } = this.abort;
    const { subscription } = this.owner;
    const request = { subscription, recovery, ...(after ? { after } : {}) };
    const session = await protocol.connect(request, { ...context, signal });
    if (signal.aborted) {
      session.release?.('reusable');
      throw signal.reason;
    }
    const connection = new Connection({
      session,
      ends: protocol.ends,
      settings: connectionSettings(protocol, times, socket),
      sink,
      handlers: this.owner,
      audit: audit?.(),
      open,
    });
    this.owner.onOpening(connection, subscription);
    await connection.ready();
    return connection;
  }

  /** @throws the error, if it is final */
  private delayAfterFailure(error: unknown, end: End): number {
    this.backoff.onFailure();
    this.lastError = error instanceof Error ? error.message : String(error);
    // What worked before can work again, unless the failure has occurred too many times in a row.
    const isHopeless = this.recordEnd(end) && (!this.hasSucceeded || end.maxInARow !== undefined);
    if (isHopeless || (this.backoff.isExhausted && !this.owner.isLive)) throw error;
    const delayMs = this.delayMs(end, retryAfterMs(error));
    this.options.context.log.warn('could not connect; retrying', {
      attempt: this.backoff.failedAttempts,
      delayMs: Math.round(delayMs),
      reason: this.lastError,
    });
    return delayMs;
  }
}

/** Milliseconds that the server asked to wait; undefined if it did not. */
function retryAfterMs(error: unknown): number | undefined {
  if (error instanceof ConnectError) return error.ended.cause.retryAfterMs;
  return error instanceof GenesysError ? error.retryAfterMs : undefined;
}
