import WebSocket from 'ws';
import { redact } from '../../lib/events/redaction.ts';
import { retryAfterMs } from '../../lib/http/retry-after.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import type { EndCause } from './protocols/end-table.ts';
import type { Liveness } from './protocols/stream-protocol.ts';
import { type Moment, ReadProgress } from './read-progress.ts';

/** How long to wait for the peer's close frame before the socket is terminated. */
export const CLOSE_TIMEOUT_MS = 3_000;
/** Interval of the pings that prove how far the socket has been read. */
export const PROBE_INTERVAL_MS = 1_000;
/** Idle time after which TCP checks whether the peer is still there. */
export const TCP_KEEP_ALIVE_MS = 30_000;
/** Close code for a frame above the limit (RFC 6455, 7.4.1). */
const MESSAGE_TOO_BIG = 1009;
/** Close code if no close frame was received (RFC 6455, 7.1.5): the connection was lost, terminated, refused or aborted. */
export const ABNORMAL_CLOSURE = 1006;

/** The error of `ws` for a frame above the limit. By then, `ws` has sent close code 1009. */
const FRAME_TOO_LARGE = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';

/** Socket options that a transport sets. */
export type SocketOptions = WebSocket.ClientOptions;
/** Opens a socket; the default uses `ws`. */
export type SocketFactory = (url: string, options: SocketOptions) => WebSocket;

/** Opens a socket with `ws`. */
export const openWebSocket: SocketFactory = (url, options) => new WebSocket(url, options);

/** What a transport reports to its owner. Nothing follows `onClose`. */
export interface TransportHandlers {
  onOpen(): void;
  onFrame(data: Buffer, isBinary: boolean): void;
  /** Called exactly once, however the connection ends. */
  onClose(cause: EndCause): void;
}

/**
 * Owns one WebSocket: opens it within a time limit, delivers its frames, sends pings, detects silence, pauses, resumes
 * and closes it. It is independent of the protocol.
 */
export class Transport {
  private readonly socket: WebSocket;
  private readonly handlers: TransportHandlers;
  private readonly liveness: Liveness;
  private readonly progress = new ReadProgress();
  /** Start of the current silence: the last sign of life or the end of a pause. */
  private quietSince = Date.now();
  private opened = false;
  private ended = false;
  private paused = false;
  private missedPongs = 0;
  private refusal: Pick<EndCause, 'upgradeStatus' | 'retryAfterMs'> = {};
  private endReason = '';
  private isFrameTooLarge = false;
  /** Callbacks that wait for the pong to a ping sent after `tick`. */
  private confirmation: { readonly tick: number; readonly done: () => void } | undefined;
  private openTimer: NodeJS.Timeout | undefined;
  private watchdog: NodeJS.Timeout | undefined;
  private pinger: NodeJS.Timeout | undefined;
  private prober: NodeJS.Timeout | undefined;
  private pongTimer: NodeJS.Timeout | undefined;
  private closeTimer: NodeJS.Timeout | undefined;

  constructor(
    target: { readonly url: string; readonly headers?: Readonly<Record<string, string>> },
    settings: ConnectionSettings,
    handlers: TransportHandlers,
    open: SocketFactory = openWebSocket,
  ) {
    this.handlers = handlers;
    this.liveness = settings.liveness;
    this.socket = open(target.url, {
      headers: { ...target.headers },
      maxPayload: settings.limits.maxFrameBytes,
      perMessageDeflate: settings.limits.deflate,
      // By default, `ws` closes the connection on invalid UTF-8. We quarantine the message instead.
      skipUTF8Validation: true,
    });
    this.openTimer = setTimeout(
      () => this.terminate(`not open within ${settings.limits.openMs} ms`),
      settings.limits.openMs,
    );
    this.listen();
  }

  /** Everything that the server sent before this moment has been read. */
  get readUntil(): Moment {
    return this.progress.readUntil;
  }

  /** Sends a text message; ignored if the socket is not open. Delivery is not confirmed. */
  send(message: string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  /** Runs a callback when a pong shows that the server has read everything sent before this call. */
  confirm(done: () => void): void {
    this.confirmation = { tick: performance.now(), done };
    this.probe();
  }

  /**
   * Stop reading. Data waits in the kernel, and then at the sender. The silence check is off while paused, because we
   * cause the silence. A socket that is closing is read to its end.
   */
  pause(): void {
    if (this.closeTimer) return;
    this.paused = true;
    clearTimeout(this.watchdog);
    this.stopWaitingForPong();
    this.socket.pause();
  }

  /** Resume reading. */
  resume(): void {
    if (this.ended || this.closeTimer) return;
    this.paused = false;
    this.quietSince = Date.now();
    this.progress.onBacklog();
    this.socket.resume();
    if (this.opened) this.watch();
  }

  /** Close with a close frame. What the server sent before its own close frame is delivered, for up to 3 seconds. */
  close(reason: string): void {
    if (this.ended || this.closeTimer) return;
    this.endReason = reason;
    this.stopWatching();
    if (this.paused) this.progress.onBacklog();
    this.socket.resume();
    this.probe();
    this.progress.onClosing();
    this.closeTimer = setTimeout(() => this.socket.terminate(), CLOSE_TIMEOUT_MS);
    this.socket.close(1000, reason);
  }

  private listen(): void {
    const { socket } = this;
    socket.on('open', () => {
      clearTimeout(this.openTimer);
      this.opened = true;
      this.progress.onOpen();
      this.quietSince = Date.now();
      this.watch();
      this.probe();
      this.prober = setInterval(() => this.probe(), PROBE_INTERVAL_MS);
      const { ping } = this.liveness;
      if (ping) this.pinger = setInterval(() => this.ping(ping), ping.everyMs);
      this.handlers.onOpen();
    });
    socket.on('upgrade', ({ socket: tcp }) => tcp.setKeepAlive(true, TCP_KEEP_ALIVE_MS));
    socket.on('message', (data, isBinary) => {
      this.onLife();
      this.handlers.onFrame(data as Buffer, isBinary);
    });
    socket.on('pong', (payload) => {
      this.missedPongs = 0;
      this.stopWaitingForPong();
      // A gateway can answer for a server that is gone, so our probes do not prove that the protocol is alive.
      if (!this.progress.onPong(payload)) this.onLife();
      else this.settleConfirmation();
    });
    socket.on('unexpected-response', (request, response) => {
      const wait = retryAfterMs(response.headers['retry-after']);
      this.refusal = {
        upgradeStatus: response.statusCode ?? 0,
        ...(wait === undefined ? {} : { retryAfterMs: wait }),
      };
      response.resume();
      request.destroy();
      this.end(ABNORMAL_CLOSURE, `upgrade refused with HTTP ${response.statusCode}`);
    });
    socket.on('error', (error) => {
      // 'close' follows with the code. The error explains an abnormal one.
      this.endReason ||= error.message;
      this.isFrameTooLarge ||= (error as NodeJS.ErrnoException).code === FRAME_TOO_LARGE;
    });
    socket.on('close', (code, reason) => this.end(code, reason.toString() || this.endReason));
  }

  private settleConfirmation(): void {
    if (!this.confirmation || this.readUntil.tick < this.confirmation.tick) return;
    const { done } = this.confirmation;
    this.confirmation = undefined;
    done();
  }

  private onLife(): void {
    this.quietSince = Date.now();
    this.progress.onFrame();
  }

  private probe(): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.ping(this.progress.probe());
  }

  private ping({ message, pong }: NonNullable<Liveness['ping']>): void {
    if (message !== undefined) this.send(message);
    else if (this.socket.readyState === WebSocket.OPEN) this.socket.ping();
    if (!pong || this.paused || this.pongTimer) return;
    this.pongTimer = setTimeout(() => {
      this.pongTimer = undefined;
      if (++this.missedPongs >= pong.maxMisses) this.terminate(`missed pongs in a row: ${pong.maxMisses}`);
    }, pong.withinMs);
  }

  /** One timer for all frames. When it fires, it checks how long the silence has lasted. */
  private watch(): void {
    clearTimeout(this.watchdog);
    const leftMs = this.liveness.silenceMs - (Date.now() - this.quietSince);
    if (leftMs > 0) this.watchdog = setTimeout(() => this.watch(), leftMs);
    else this.terminate(`nothing received for ${this.liveness.silenceMs} ms`);
  }

  private terminate(reason: string): void {
    this.endReason = reason;
    this.socket.terminate();
  }

  private stopWaitingForPong(): void {
    clearTimeout(this.pongTimer);
    this.pongTimer = undefined;
  }

  private stopWatching(): void {
    clearTimeout(this.openTimer);
    clearTimeout(this.watchdog);
    clearInterval(this.pinger);
    clearInterval(this.prober);
    this.stopWaitingForPong();
  }

  private end(code: number, reason: string): void {
    if (this.ended) return;
    this.ended = true;
    this.stopWatching();
    clearTimeout(this.closeTimer);
    this.progress.onClose(code);
    const cause = this.isFrameTooLarge ? { code: MESSAGE_TOO_BIG, isFrameTooLarge: true } : { code };
    // The server's reason can contain a secret (P7).
    this.handlers.onClose({ ...cause, reason: redact(reason), ...this.refusal });
  }
}
