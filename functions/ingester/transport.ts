import WebSocket from 'ws';
import { redact } from '../../lib/events/redaction.ts';
import { retryAfterMs } from '../../lib/genesys/genesys-error.ts';
import type { CloseCause, ConnectionLimits } from './protocols/protocol.ts';

/** Largest frame that is read; a larger one closes the connection with 1009. Bounds the memory of one socket. */
export const MAX_FRAME_BYTES = 16 * 1_048_576;
/** Time for the peer to answer our close; then the socket is cut. */
export const CLOSE_TIMEOUT_MS = 3_000;
/**
 * A frame read this soon after a pause may have waited in a buffer since long before: it is no proof that the peer
 * is still there.
 */
export const BACKLOG_MS = 5_000;
/** Close code of an end without a close frame (RFC 6455, 7.1.5); also given to ends that we cause by silence. */
export const ABNORMAL_CLOSURE = 1006;

/** The socket library's options that a transport sets. */
export type SocketOptions = WebSocket.ClientOptions;
/** Opens a socket; the default is `ws`. */
export type SocketFactory = (url: string, options: SocketOptions) => WebSocket;

/** Opens a socket with `ws`. */
export const openWebSocket: SocketFactory = (url, options) => new WebSocket(url, options);

/** What a transport tells its owner. After `onClose` nothing follows. */
export interface TransportHandlers {
  onOpen(): void;
  onFrame(data: Buffer, isBinary: boolean): void;
  /** Called exactly once, however the connection ended. */
  onClose(cause: CloseCause): void;
}

/**
 * Owns one WebSocket: opens it within a time limit, hands on its frames, pings, notices silence, pauses and resumes
 * reading, closes. It knows no protocol.
 */
export class Transport {
  private readonly socket: WebSocket;
  private readonly handlers: TransportHandlers;
  private readonly limits: ConnectionLimits;
  private readonly pingMessage: string;
  /** Last proof of life. */
  private lastFrameAt = Date.now();
  /** Since when silence is counted: the last frame, or the end of a pause. */
  private quietSince = this.lastFrameAt;
  private backlogUntil = 0;
  private opened = false;
  private ended = false;
  private refusal: Pick<CloseCause, 'upgradeStatus' | 'retryAfterMs'> = {};
  private endReason = '';
  private watchdog: NodeJS.Timeout | undefined;
  private pinger: NodeJS.Timeout | undefined;
  private cut: NodeJS.Timeout | undefined;

  constructor(
    plan: { url: string; headers?: Readonly<Record<string, string>> },
    options: { limits: ConnectionLimits; pingMessage: string; open?: SocketFactory },
    handlers: TransportHandlers,
  ) {
    this.handlers = handlers;
    this.limits = options.limits;
    this.pingMessage = options.pingMessage;
    this.socket = (options.open ?? openWebSocket)(plan.url, {
      headers: { ...plan.headers },
      handshakeTimeout: options.limits.openTimeoutMs,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      // Invalid text is kept whole and reported; the library would end the connection for it.
      skipUTF8Validation: true,
    });
    this.listen();
  }

  /** Epoch milliseconds of the last proof that the peer is there: a frame, or the attempt to connect. */
  get lastFrameAtMs(): number {
    return this.lastFrameAt;
  }

  /** Send a text message, if the socket is open; one that does not arrive shows as silence. */
  send(message: string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  /**
   * Stop reading an open socket; what the kernel holds waits, and then the sender does. The silence is ours, so
   * nobody watches it. A socket that is being closed is read to its end.
   */
  pause(): void {
    if (this.cut) return;
    clearTimeout(this.watchdog);
    this.socket.pause();
  }

  /** Read again. */
  resume(): void {
    if (this.ended || this.cut) return;
    this.quietSince = Date.now();
    this.backlogUntil = this.quietSince + BACKLOG_MS;
    this.socket.resume();
    if (this.opened) this.watch();
  }

  /** Close in good order: what the server sent before its own close frame is still handed on. */
  close(reason: string): void {
    if (this.ended || this.cut) return;
    this.endReason = reason;
    clearTimeout(this.watchdog);
    clearInterval(this.pinger);
    this.socket.resume();
    this.cut = setTimeout(() => this.socket.terminate(), CLOSE_TIMEOUT_MS);
    this.socket.close(1000, reason);
  }

  private listen(): void {
    const { socket } = this;
    socket.on('open', () => {
      this.opened = true;
      this.lastFrameAt = this.quietSince = Date.now();
      this.watch();
      this.pinger = setInterval(() => this.send(this.pingMessage), this.limits.pingIntervalMs);
      this.handlers.onOpen();
    });
    socket.on('message', (data, isBinary) => {
      this.quietSince = Date.now();
      if (this.quietSince >= this.backlogUntil) this.lastFrameAt = this.quietSince;
      this.handlers.onFrame(data as Buffer, isBinary);
    });
    socket.on('unexpected-response', (request, response) => {
      const headers = new Headers(response.headers as Record<string, string>);
      const wait = retryAfterMs(headers);
      this.refusal = {
        upgradeStatus: response.statusCode ?? 0,
        ...(wait === undefined ? {} : { retryAfterMs: wait }),
      };
      response.resume();
      request.destroy();
      this.end(ABNORMAL_CLOSURE, `upgrade refused with HTTP ${response.statusCode}`);
    });
    socket.on('error', (error) => {
      // 'close' follows and carries the code; the error says why there is none.
      this.endReason ||= error.message;
    });
    socket.on('close', (code, reason) => this.end(code, reason.toString() || this.endReason));
  }

  /** One timer for all frames: when it fires it looks how long the silence really was. */
  private watch(): void {
    clearTimeout(this.watchdog);
    const leftMs = this.limits.silenceMs - (Date.now() - this.quietSince);
    if (leftMs > 0) {
      this.watchdog = setTimeout(() => this.watch(), leftMs);
      return;
    }
    this.endReason = `no frame for ${this.limits.silenceMs} ms`;
    this.socket.terminate();
  }

  private end(code: number, reason: string): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.watchdog);
    clearInterval(this.pinger);
    clearTimeout(this.cut);
    // The server's words may hold what must not be shown (P7).
    this.handlers.onClose({ code, reason: redact(reason), ...this.refusal });
  }
}
