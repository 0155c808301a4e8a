import { redact } from '../../lib/events/redaction.ts';
import type { ConnectionAudit } from './connection-audit.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { type End, type EndCause, type EndTable, endOf } from './protocols/end-table.ts';
import type { ConnectionSignal, Session, SessionRemainder, Signal } from './protocols/stream-protocol.ts';
import type { Moment } from './read-progress.ts';
import type { SignalSink } from './signal-sink.ts';
import { ABNORMAL_CLOSURE, type SocketFactory, Transport } from './transport.ts';

/** The server's request to reconnect. */
export type Move = Extract<Signal, { kind: 'move' }>;

/** How a connection ended and what that means. */
export interface ConnectionEnd {
  readonly cause: EndCause;
  readonly end: End;
}

/** What a connection reports to its owner: lifecycle events only. */
export interface ConnectionHandlers {
  /** The server asks us to reconnect. */
  onMove(connection: Connection, move: Move): void;
  /** A connection that was ready has ended. */
  onEnd(connection: Connection, ended: ConnectionEnd): void;
}

/** Options of a {@link Connection}. */
export interface ConnectionOptions {
  readonly session: Session;
  readonly ends: EndTable;
  readonly settings: ConnectionSettings;
  /** Receives the data of every frame. */
  readonly sink: SignalSink;
  readonly handlers: ConnectionHandlers;
  readonly audit?: ConnectionAudit | undefined;
  readonly open?: SocketFactory | undefined;
}

/** The connection ended before it became ready. */
export class ConnectError extends Error {
  readonly code = 'connect_failed';
  readonly retriable = true;
  readonly ended: ConnectionEnd;

  constructor(ended: ConnectionEnd) {
    const { code, reason } = ended.cause;
    super(`the connection ended before it was ready (${code}${reason ? `, ${reason}` : ''})`);
    this.name = 'ConnectError';
    this.ended = ended;
  }
}

/** One connection, from opening to end: a transport, and a session that interprets its frames. */
export class Connection {
  readonly session: Session;
  /** Epoch milliseconds at which it became ready. */
  readyAtMs = 0;
  /** Set when the server asked us to reconnect. */
  move: Move | undefined;
  /** Set when it has ended. */
  endedWith: ConnectionEnd | undefined;
  /** Resolves with how the connection ended. Never rejects. */
  readonly ended: Promise<ConnectionEnd>;
  private readonly options: ConnectionOptions;
  private readonly transport: Transport;
  private readonly readiness = Promise.withResolvers<void>();
  private readonly ending = Promise.withResolvers<ConnectionEnd>();
  private readyTimer: NodeJS.Timeout | undefined;
  private refusal: Extract<Signal, { kind: 'refused' }> | undefined;
  private isReady = false;
  private isClosing = false;
  private isPaused = false;

  constructor(options: ConnectionOptions) {
    const { session, settings, open } = options;
    this.options = options;
    this.session = session;
    this.ended = this.ending.promise;
    this.transport = new Transport(
      session,
      settings,
      {
        onOpen: () => this.onOpen(),
        onFrame: (data, isBinary) => this.take(this.read(data, isBinary), data),
        onClose: (cause) => this.onClose(cause),
      },
      open,
    );
  }

  /** Everything that the server sent before this moment has been read. */
  get readUntil(): Moment {
    return this.transport.readUntil;
  }

  /**
   * Settles when the session is ready.
   *
   * @throws {@link ConnectError} if the connection ends first
   */
  ready(): Promise<void> {
    return this.readiness.promise;
  }

  /** Stop reading. Until the connection is ready the pause is deferred, because the handshake must be read. */
  pause(): void {
    this.isPaused = true;
    if (this.isReady) this.transport.pause();
  }

  /** Resume reading. */
  resume(): void {
    this.isPaused = false;
    if (this.isReady) this.transport.resume();
  }

  /** Close with a close frame. Frames in transit are delivered before `ended` settles, for up to 3 seconds. */
  close(reason: string): Promise<ConnectionEnd> {
    if (!this.isClosing && this.isReady) this.take(this.session.onClosing?.() ?? [], NO_FRAME);
    this.isClosing = true;
    this.transport.close(reason);
    return this.ended;
  }

  private onOpen(): void {
    this.readyTimer = setTimeout(
      () => void this.close('not ready in time'),
      this.options.settings.limits.readyMs,
    );
    this.options.audit?.opened();
    this.options.sink.open(this.session);
    this.take(this.session.onOpen(), NO_FRAME);
  }

  /** A session must not throw. If it does, the frame is quarantined and the connection continues. */
  private read(data: Buffer, isBinary: boolean): readonly Signal[] {
    try {
      return this.session.onFrame(data, isBinary, this.readUntil.atMs);
    } catch (error) {
      return [
        { kind: 'notice', message: 'a frame could not be read', quote: String(error) },
        { kind: 'rejected', reason: 'invalid_frame' },
      ];
    }
  }

  private take(signals: readonly Signal[], frame: Buffer): void {
    for (const signal of signals) {
      if (isConnectionSignal(signal)) this.act(signal);
      else this.options.sink.take(this.session, signal, frame);
    }
  }

  private act(signal: ConnectionSignal): void {
    switch (signal.kind) {
      case 'refused':
        this.refusal ??= signal;
        this.isClosing = true;
        this.transport.close('refused');
        return;
      case 'ready':
        if (signal.after === 'pong') this.transport.confirm(() => this.becomeReady());
        else this.becomeReady();
        return;
      case 'send':
        this.transport.send(signal.message);
        return;
      case 'move':
        this.move = signal;
        this.options.audit?.moving(signal);
        if (this.isReady && !this.isClosing) this.options.handlers.onMove(this, signal);
        return;
    }
  }

  private becomeReady(): void {
    if (this.isReady || this.isClosing) return;
    this.isReady = true;
    this.readyAtMs = Date.now();
    this.options.audit?.ready();
    clearTimeout(this.readyTimer);
    if (this.isPaused) this.transport.pause();
    this.readiness.resolve();
  }

  private onClose(cause: EndCause): void {
    clearTimeout(this.readyTimer);
    const ended = this.meaningOf(cause);
    this.endedWith = ended;
    if (cause.isFrameTooLarge) this.options.sink.take(this.session, { kind: 'oversized' }, NO_FRAME);
    this.options.audit?.closed(ended);
    this.options.sink.end(this.session, this.readUntil);
    this.session.release?.(this.remainder(ended.end));
    if (this.isReady) this.options.handlers.onEnd(this, ended);
    else this.readiness.reject(new ConnectError(ended));
    this.ending.resolve(ended);
  }

  private meaningOf(cause: EndCause): ConnectionEnd {
    // The server's reason can contain a secret (P7).
    if (this.refusal)
      return { cause: { ...cause, reason: redact(this.refusal.reason) }, end: this.refusal.end };
    const isOurs = this.isClosing && OWN_CLOSE_CODES.has(cause.code);
    return { cause, end: isOurs ? CLOSED_BY_US : endOf(this.options.ends, cause) };
  }

  private remainder({ recovery }: End): SessionRemainder {
    if ((this.move?.recovery ?? recovery) !== 'resume') return 'gone';
    return this.isReady && !this.isClosing ? 'resumable' : 'reusable';
  }
}

/** Codes with which a close that we started can end: the echo of our code, no code, no answer. */
const OWN_CLOSE_CODES: ReadonlySet<number> = new Set([1000, 1005, ABNORMAL_CLOSURE]);
const CLOSED_BY_US: End = { recovery: 'resume', meaning: 'closed by us' };

/** For signals that no frame caused. */
const NO_FRAME = Buffer.alloc(0);

const CONNECTION_SIGNALS: ReadonlySet<string> = new Set<ConnectionSignal['kind']>([
  'ready',
  'send',
  'move',
  'refused',
]);

function isConnectionSignal(signal: Signal): signal is ConnectionSignal {
  return CONNECTION_SIGNALS.has(signal.kind);
}
