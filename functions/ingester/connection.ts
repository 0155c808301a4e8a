import type { CloseCause, ConnectionPlan, Decoded, Protocol, Release } from './protocols/protocol.ts';
import { type SocketFactory, Transport } from './transport.ts';

/** What a connection tells its owner. */
export interface ConnectionHandlers {
  /** An event, a rejected frame or a notice; `data` is the frame they came in. */
  onDecoded(decoded: Decoded, data: Buffer): void;
  /** The server asks for another connection. */
  onReplace(connection: Connection, action: 'replan' | 'reauthenticate', reason: string): void;
  /** A connection that was ready has ended. */
  onEnd(connection: Connection, cause: CloseCause): void;
}

/** An attempt to connect that did not become ready. */
export class ConnectError extends Error {
  readonly code = 'connect_failed';
  readonly retriable = true;
  /** How the socket ended. */
  readonly end: CloseCause;

  constructor(end: CloseCause) {
    super(`the connection ended before it was ready (${end.code}${end.reason ? `, ${end.reason}` : ''})`);
    this.name = 'ConnectError';
    this.end = end;
  }
}

/** One planned connection from opening to end: a transport and what its protocol makes of the frames. */
export class Connection {
  readonly plan: ConnectionPlan;
  /** Epoch milliseconds at which it became ready. */
  readyAtMs = 0;
  /** Set when the server asked for another connection. */
  replaceAction: 'replan' | 'reauthenticate' | undefined;
  /** How it ended, once it has. */
  endCause: CloseCause | undefined;
  /** Settles when the connection has ended, with how. */
  readonly ended: Promise<CloseCause>;
  private readonly protocol: Protocol;
  private readonly handlers: ConnectionHandlers;
  private readonly transport: Transport;
  private readonly readiness = Promise.withResolvers<void>();
  private readonly end = Promise.withResolvers<CloseCause>();
  private readyTimer: NodeJS.Timeout | undefined;
  private isReady = false;
  private closing = false;
  private pausing = false;

  constructor(protocol: Protocol, plan: ConnectionPlan, handlers: ConnectionHandlers, open?: SocketFactory) {
    this.protocol = protocol;
    this.plan = plan;
    this.handlers = handlers;
    this.ended = this.end.promise;
    this.transport = new Transport(
      plan,
      { limits: protocol.limits, pingMessage: protocol.pingMessage(), ...(open ? { open } : {}) },
      {
        onOpen: () => this.onOpen(),
        onFrame: (data, isBinary) => this.onFrame(data, isBinary),
        onClose: (cause) => this.onClose(cause),
      },
    );
  }

  /** Epoch milliseconds of the last proof of life. */
  get lastFrameAtMs(): number {
    return this.transport.lastFrameAtMs;
  }

  /**
   * Settles when the protocol says that the connection is ready.
   *
   * @throws {@link ConnectError} when it ended first
   */
  ready(): Promise<void> {
    return this.readiness.promise;
  }

  /** Stop reading, once it is ready: what makes it ready has to be read. */
  pause(): void {
    this.pausing = true;
    if (this.isReady) this.transport.pause();
  }

  /** Read again. */
  resume(): void {
    this.pausing = false;
    if (this.isReady) this.transport.resume();
  }

  /** Close in good order; frames that are still under way are handed on before `ended` settles. */
  close(reason: string): Promise<CloseCause> {
    this.closing = true;
    this.transport.close(reason);
    return this.ended;
  }

  private onOpen(): void {
    this.readyTimer = setTimeout(
      () => void this.close('not ready in time'),
      this.protocol.limits.readyTimeoutMs,
    );
    for (const message of this.protocol.openMessages()) this.transport.send(message);
  }

  private onFrame(data: Buffer, isBinary: boolean): void {
    const decoded = this.protocol.decode(data, isBinary);
    switch (decoded.kind) {
      case 'alive':
        if (decoded.ready) this.becomeReady();
        return;
      case 'replace':
        this.replaceAction = decoded.action;
        if (this.isReady && !this.closing) this.handlers.onReplace(this, decoded.action, decoded.reason);
        return;
      case 'event':
      case 'notice':
      case 'rejected':
        this.handlers.onDecoded(decoded, data);
    }
  }

  private becomeReady(): void {
    if (this.isReady || this.closing) return;
    this.isReady = true;
    this.readyAtMs = Date.now();
    clearTimeout(this.readyTimer);
    if (this.pausing) this.transport.pause();
    this.readiness.resolve();
  }

  private onClose(cause: CloseCause): void {
    clearTimeout(this.readyTimer);
    this.endCause = cause;
    this.plan.release(this.whatIsLeft(cause));
    if (this.isReady) this.handlers.onEnd(this, cause);
    else this.readiness.reject(new ConnectError(cause));
    this.end.resolve(cause);
  }

  private whatIsLeft(cause: CloseCause): Release {
    if (this.replaceAction !== undefined || this.protocol.classifyClose(cause) !== 'reconnect') return 'gone';
    return this.isReady ? 'resumable' : 'reusable';
  }
}
