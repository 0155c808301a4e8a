import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../lib/aws/logger.ts';
import { Backoff, type BackoffLimits } from './backoff.ts';
import { Connection } from './connection.ts';
import type { CloseCause, Decoded, PlanRequest, Protocol } from './protocols/protocol.ts';
import { actionAfterFailure, askedWaitMs, MODE_AFTER } from './reactions.ts';
import type { SupervisorState } from './supervisor-states.ts';
import { ABNORMAL_CLOSURE, type SocketFactory } from './transport.ts';

/** The longest delay that a timer of Node.js takes. */
const TIMER_LIMIT_MS = 2_147_483_647;
/** Two planned replacements are at least so far apart, whatever expiry the server claims. */
const REPLACE_INTERVAL_MIN_MS = 1_000;

/** What a supervisor tells its owner. */
export interface SupervisorHandlers {
  onDecoded(decoded: Decoded, data: Buffer): void;
  /** There is a live connection again, or for the first time. */
  onCovered(atMs: number): void;
  /** There is no live connection any more; `fromMs` is the last proof of life. */
  onUncovered(fromMs: number, reason: string): void;
  /** A connection that was thought live may not have been, from its last proof of life until another took over. */
  onGap(fromMs: number, toMs: number, reason: string): void;
  /** A connection was opened, and why. */
  onConnected(reason: string): void;
  /** Trying on cannot help; the state is `failed`. */
  onFailed(error: Error): void;
}

/** A supervisor's edges and limits, all with defaults. */
export interface SupervisorOptions {
  open?: SocketFactory;
  backoff?: Partial<BackoffLimits>;
}

/**
 * Keeps one subscription set live: connects, replaces a connection by overlap (the new one is ready before the old
 * one closes), backs off with a memory of flapping, gives up after a bounded run of failures.
 */
export class Supervisor {
  private readonly protocol: Protocol;
  private readonly handlers: SupervisorHandlers;
  private readonly log: Log;
  private readonly openSocket: SocketFactory | undefined;
  private readonly backoff: Backoff;
  private readonly abort = new AbortController();
  private readonly connections = new Set<Connection>();
  private current: Connection | undefined;
  private attempt: Promise<void> | undefined;
  private replaceTimer: NodeJS.Timeout | undefined;
  private paused = false;
  private wasLive = false;
  private end: 'stopped' | 'failed' | undefined;
  /** Why the last attempt failed, for people. */
  lastError: string | undefined;

  constructor(protocol: Protocol, handlers: SupervisorHandlers, log: Log, options: SupervisorOptions = {}) {
    this.protocol = protocol;
    this.handlers = handlers;
    this.log = log;
    this.openSocket = options.open;
    this.backoff = new Backoff(options.backoff);
  }

  get state(): SupervisorState {
    if (this.end) return this.end;
    if (this.current) return this.attempt ? 'overlapping' : 'live';
    return this.attempt ? 'connecting' : 'idle';
  }

  /** Open sockets, those that are being replaced included. */
  get openConnections(): number {
    return this.connections.size;
  }

  /** Begin to connect. */
  start(): void {
    this.connect('resume', 'start', 0);
  }

  /** Make a new connection and, when it is ready, close the old one. Nothing happens while that is under way. */
  replace(reason: string, mode: PlanRequest['mode'] = 'fresh'): void {
    this.connect(mode, reason, 0);
  }

  /** Stop reading from all sockets. */
  pause(): void {
    this.paused = true;
    for (const connection of this.connections) connection.pause();
  }

  /** Read again. */
  resume(): void {
    this.paused = false;
    for (const connection of this.connections) connection.resume();
  }

  /** End all connections in good order; what they still deliver is handed on before this settles. */
  async stop(): Promise<void> {
    this.end ??= 'stopped';
    this.abort.abort();
    clearTimeout(this.replaceTimer);
    const { current } = this;
    this.current = undefined;
    const others = [...this.connections].filter((connection) => connection !== current);
    await Promise.all([
      current && this.retire(current, Date.now(), 'stopping'),
      ...others.map((connection) => connection.close('stopping')),
    ]);
    await this.attempt;
  }

  private connect(mode: PlanRequest['mode'], reason: string, delayMs: number): void {
    if (this.end || this.attempt) return;
    this.attempt = this.tryUntilReady(mode, reason, delayMs)
      .catch((error: unknown) => this.fail(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.attempt = undefined;
        this.afterAttempt();
      });
  }

  private async tryUntilReady(mode: PlanRequest['mode'], reason: string, delayMs: number): Promise<void> {
    let nextMode = mode;
    let waitMs = delayMs;
    while (!this.end) {
      try {
        if (waitMs > 0) await delay(waitMs, undefined, { signal: this.abort.signal });
        const connection = await this.openOne(nextMode);
        this.backoff.onReady();
        this.promote(connection, reason);
        return;
      } catch (error) {
        if (this.end) return;
        ({ mode: nextMode, waitMs } = this.onFailure(error, nextMode));
      }
    }
  }

  private async openOne(mode: PlanRequest['mode']): Promise<Connection> {
    const plan = await this.protocol.plan({ mode, signal: this.abort.signal });
    if (this.end) {
      plan.release('reusable');
      throw new Error('stopping');
    }
    const connection = new Connection(
      this.protocol,
      plan,
      {
        onDecoded: (decoded, data) => this.handlers.onDecoded(decoded, data),
        onReplace: (which, action, why) => this.onReplace(which, action, why),
        onEnd: (which, cause) => this.onEnd(which, cause),
      },
      this.openSocket,
    );
    this.connections.add(connection);
    void connection.ended.then(() => this.connections.delete(connection));
    if (this.paused) connection.pause();
    await connection.ready();
    return connection;
  }

  /** What to do after a failed attempt; throws when trying on cannot help. */
  private onFailure(
    error: unknown,
    mode: PlanRequest['mode'],
  ): { mode: PlanRequest['mode']; waitMs: number } {
    this.backoff.onFailure();
    this.lastError = error instanceof Error ? error.message : String(error);
    const action = actionAfterFailure(error, this.protocol);
    const isHopeless = action === 'stop' && !this.wasLive;
    if (isHopeless || (this.backoff.isExhausted && !this.current)) throw error;
    const waitMs =
      action === 'throttled' ? this.backoff.throttledDelayMs(askedWaitMs(error)) : this.backoff.delayMs();
    this.log.warn('could not connect; trying again', {
      attempt: this.backoff.failedAttempts,
      delayMs: Math.round(waitMs),
      reason: this.lastError,
    });
    // Once a fresh channel was wanted it stays wanted: the reason for it has not gone away.
    const nextMode = action === 'stop' ? mode : MODE_AFTER[action];
    return { mode: nextMode === 'resume' ? mode : nextMode, waitMs };
  }

  private promote(connection: Connection, reason: string): void {
    const old = this.current;
    this.current = connection;
    this.wasLive = true;
    this.lastError = undefined;
    this.handlers.onConnected(reason);
    if (!old) this.handlers.onCovered(connection.readyAtMs);
    if (old) void this.retire(old, connection.readyAtMs, 'replaced');
    clearTimeout(this.replaceTimer);
    const untilMs = Math.max(REPLACE_INTERVAL_MIN_MS, connection.plan.replaceByMs - Date.now());
    this.replaceTimer = setTimeout(() => this.replace('expiry'), Math.min(untilMs, TIMER_LIMIT_MS));
    // Its end may have come between its readiness and the promise of it.
    if (connection.endCause) this.onEnd(connection, connection.endCause);
  }

  /**
   * Close a connection whose work is taken over. Without an answer to the close it may have been dead for as long as
   * nothing came: then nothing proves that it was live until `untilMs` (P4).
   */
  private async retire(connection: Connection, untilMs: number, reason: string): Promise<void> {
    const { code } = await connection.close(reason);
    const fromMs = connection.lastFrameAtMs;
    if (code === ABNORMAL_CLOSURE && fromMs < untilMs) {
      this.handlers.onGap(fromMs, untilMs, `${reason} without an answer`);
    }
  }

  /** What happened while an attempt was under way and could not be answered then. */
  private afterAttempt(): void {
    if (this.end) return;
    if (this.current?.replaceAction) {
      this.connect(MODE_AFTER[this.current.replaceAction], 'replace', this.backoff.delayMs());
    }
    if (!this.current) this.connect('resume', 'ended', this.backoff.delayMs());
  }

  private onReplace(connection: Connection, action: 'replan' | 'reauthenticate', reason: string): void {
    this.log.info('the server asks for another connection', { reason });
    if (connection === this.current) this.replace(reason, MODE_AFTER[action]);
  }

  private onEnd(connection: Connection, cause: CloseCause): void {
    if (connection !== this.current) return;
    this.current = undefined;
    clearTimeout(this.replaceTimer);
    const reason = cause.reason ? `${cause.code} ${cause.reason}` : String(cause.code);
    this.handlers.onUncovered(connection.lastFrameAtMs, reason);
    this.backoff.onEnd(Date.now() - connection.readyAtMs);
    const asked = connection.replaceAction;
    const action = asked ?? this.protocol.classifyClose(cause);
    this.log.warn('connection lost', { reason, action });
    if (action === 'stop') {
      this.fail(new Error(`the server ended the subscription: ${reason}`));
      return;
    }
    const waitMs =
      action === 'throttled' ? this.backoff.throttledDelayMs(cause.retryAfterMs) : this.backoff.delayMs();
    this.connect(MODE_AFTER[action], reason, waitMs);
  }

  private fail(error: Error): void {
    if (this.end) return;
    this.end = 'failed';
    this.lastError = error.message;
    this.abort.abort();
    clearTimeout(this.replaceTimer);
    this.handlers.onFailed(error);
  }
}
