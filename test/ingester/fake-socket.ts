import { EventEmitter } from 'node:events';
import type { SocketFactory, SocketOptions } from '../../functions/ingester/transport.ts';

type Socket = ReturnType<SocketFactory>;

/** A WebSocket without a network: the test plays the server. */
export class FakeSocket extends EventEmitter {
  readonly url: string;
  readonly options: SocketOptions;
  readonly sent: string[] = [];
  /** WebSocket pings without a payload that were sent. */
  pings = 0;
  /** Payloads of other WebSocket pings that were sent. */
  readonly probes: string[] = [];
  /** `CONNECTING`, `OPEN`, `CLOSING`, `CLOSED` of the WebSocket API. */
  readyState = 0;
  isPaused = false;
  /** Whether the server answers a close frame. */
  answersClose = true;
  /** The reason in our close frame. */
  closeReason: string | undefined;
  /** Whether the server answers WebSocket pings. */
  answersPings = false;

  constructor(url: string, options: SocketOptions) {
    super();
    this.url = url;
    this.options = options;
  }

  get isClosed(): boolean {
    return this.readyState === 3;
  }

  // The server's side.

  open(): void {
    this.readyState = 1;
    this.emit('open');
  }

  message(text: string): void {
    this.emit('message', Buffer.from(text), false);
  }

  end(code: number, reason = ''): void {
    if (this.isClosed) return;
    this.readyState = 3;
    this.emit('close', code, Buffer.from(reason));
  }

  refuse(statusCode: number, headers: Record<string, string> = {}): void {
    this.emit('unexpected-response', { destroy: () => {} }, { statusCode, headers, resume: () => {} });
  }

  pong(payload = ''): void {
    this.emit('pong', Buffer.from(payload));
  }

  /** Answers the newest ping with a payload, as if everything before it had been sent. */
  answerProbe(): void {
    this.pong(this.probes.at(-1));
  }

  // What a transport calls.

  send(text: string): void {
    this.sent.push(text);
  }

  ping(payload = ''): void {
    if (payload === '') this.pings++;
    else this.probes.push(payload);
    if (this.answersPings) queueMicrotask(() => this.pong(payload));
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(code: number, reason: string): void {
    if (this.isClosed) return;
    this.closeReason = reason;
    const wasConnecting = this.readyState === 0;
    this.readyState = 2;
    if (wasConnecting) queueMicrotask(() => this.end(1006));
    else if (this.answersClose) queueMicrotask(() => this.end(code, reason));
  }

  terminate(): void {
    queueMicrotask(() => this.end(1006));
  }
}

/** Opens fake sockets and keeps them, the newest last. */
export class FakeSockets {
  readonly all: FakeSocket[] = [];
  readonly open: SocketFactory = (url, options) => {
    const socket = new FakeSocket(url, options);
    this.all.push(socket);
    return socket as unknown as Socket;
  };

  get last(): FakeSocket {
    const socket = this.all.at(-1);
    if (!socket) throw new Error('no socket was opened');
    return socket;
  }
}
