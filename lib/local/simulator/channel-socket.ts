import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { HEARTBEAT_TEXT } from './control-frames.ts';
import { FrameTricks } from './frame-tricks.ts';
import type { Ledger } from './ledger.ts';
import type { Delivery, LedgerEntry } from './ledger-entry.ts';
import { ReadProof } from './read-proof.ts';

/** With unproven deliveries, the peer is pinged this often. */
const PROOF_INTERVAL_MS = 250;
/** … or as soon as there are this many. */
const PROOF_FRAMES = 2_000;
/** A peer that was sent a FIN may take this long to read what is on its way and end its side. */
const LINGER_LIMIT_MS = 15_000;
/** A silent connection waits this long for the pong that proves what was sent before the silence. */
const SILENCE_PROOF_LIMIT_MS = 1_000;
/** A silent connection is given up after this long. */
const SILENCE_LIMIT_MS = 600_000;
/** Status of a close frame that never came (RFC 6455, 7.1.5). */
const NO_CLOSE_FRAME = 1006;
/** Statuses by which a peer says that it stopped to read before its close (protocol, encoding, size). */
const READ_NO_MORE = new Set([1002, 1007, 1009]);

/** `open` takes events; `held` waits until the peer has digested a frame; `leaving` sends no event any more. */
type SocketState = 'open' | 'held' | 'leaving' | 'closed';

export interface ChannelSocketOptions {
  readonly ledger: Ledger;
  readonly heartbeatMs: number;
  /** Above this many bytes that the peer has not taken, the connection is closed (1008): a real one would be too. */
  readonly bufferLimitBytes: number;
  readonly onText: (text: string) => void;
  readonly onClosed: () => void;
}

/**
 * One WebSocket of a channel, seen from the server. Its first duty is to know which events the peer can have read:
 * before the server ends a connection on purpose it stops sending, waits until all is flushed, and ends with FIN or
 * a close frame, so that what counts as sent arrives.
 */
export class ChannelSocket {
  private readonly socket: WebSocket;
  private readonly raw: Duplex;
  private readonly options: ChannelSocketOptions;
  private readonly proof = new ReadProof();
  private readonly timers = new Set<NodeJS.Timeout>();
  readonly tricks: FrameTricks;
  /** Resolves when the connection is over. */
  readonly ended: Promise<void>;
  private state: SocketState = 'open';
  private heldUntil = 0;
  private broken = false;
  private deaf = false;
  private corked = false;

  constructor(socket: WebSocket, raw: Duplex, options: ChannelSocketOptions) {
    this.socket = socket;
    this.raw = raw;
    this.options = options;
    this.tricks = new FrameTricks({
      write: (delivery, data) => this.write(delivery, data),
      close: (code) => this.close(code, 'closed in the middle of a burst'),
    });
    raw.on('error', () => {
      this.broken = true;
    });
    socket.on('error', () => {
      this.state = this.state === 'closed' ? 'closed' : 'leaving';
    });
    socket.on('message', (data, isBinary) => {
      if (!isBinary && this.answers) options.onText(textOf(data));
    });
    socket.on('ping', (data) => {
      if (this.answers && socket.readyState === socket.OPEN) socket.pong(data);
    });
    socket.on('pong', (data) => this.pong(Number(data.toString('latin1'))));
    this.ended = new Promise((resolve) => {
      socket.on('close', (code) => {
        this.closed(code);
        resolve();
      });
    });
    this.every(options.heartbeatMs, () => this.control(HEARTBEAT_TEXT));
    this.every(PROOF_INTERVAL_MS, () => {
      if (this.proof.unasked > 0 && this.proof.waiting === 0) this.ask();
    });
  }

  /** Whether an event would be sent on it now. */
  get live(): boolean {
    return this.state === 'open' && this.socket.readyState === this.socket.OPEN;
  }

  get bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  private get answers(): boolean {
    return this.state === 'open' || this.state === 'held';
  }

  /** Sends one event. False, and nothing is sent, if the connection takes none. */
  deliver(entry: LedgerEntry, data: Buffer): boolean {
    if (!this.live) return false;
    if (this.socket.bufferedAmount > this.options.bufferLimitBytes) {
      this.close(1008, 'the client reads too slowly');
      return false;
    }
    this.cork();
    this.tricks.pass(this.options.ledger.deliver(entry), data);
    return true;
  }

  /** Sends a text that is no event: heartbeat, system message, reply, garbage. */
  control(text: string | Buffer): void {
    if (this.live) this.socket.send(text);
  }

  /** Sends a text that the peer may choke on: no event follows until the peer has shown that it got over it. */
  challenge(text: string): void {
    if (!this.live) return;
    this.ask();
    this.socket.send(text);
    this.state = 'held';
    this.heldUntil = this.ask();
  }

  /** Closes with a close frame once all is flushed. */
  close(code: number, reason: string): void {
    this.leave(() => this.socket.close(code, reason));
  }

  /** Ends with FIN and without a close frame once all is flushed: the peer sees 1006. */
  drop(): void {
    this.leave(() => this.raw.end());
  }

  /** From now on nothing is sent, read or answered, and the connection stays up. */
  silence(): void {
    this.leave(() => {
      this.after(SILENCE_PROOF_LIMIT_MS, () => this.goDeaf());
    });
  }

  /** Ends at once. What the peer has not answered for is in doubt. */
  terminate(): void {
    this.state = 'leaving';
    this.socket.terminate();
  }

  private leave(finish: () => void): void {
    if (this.state === 'leaving' || this.state === 'closed') return;
    this.state = 'leaving';
    this.tricks.end();
    if (this.socket.readyState !== this.socket.OPEN) return;
    // The callback of this last write comes after those of all events before it.
    this.ask((error) => {
      if (error === undefined && this.state !== 'closed') finish();
    });
    this.after(LINGER_LIMIT_MS, () => {
      if (!this.deaf) this.raw.destroy();
    });
  }

  private goDeaf(): void {
    this.deaf = true;
    this.raw.removeAllListeners('data');
    this.raw.on('data', () => {});
    this.after(SILENCE_LIMIT_MS, () => this.raw.destroy());
  }

  private write(delivery: Delivery, data: Buffer): void {
    this.proof.add(delivery);
    this.socket.send(data, { binary: false }, (error) => {
      if (error) delivery.failed();
      else delivery.flushed();
    });
    if (this.proof.unasked >= PROOF_FRAMES && this.proof.waiting === 0) this.ask();
  }

  private ask(written?: (error?: Error) => void): number {
    const id = this.proof.ask();
    this.socket.ping(String(id), false, (error?: Error) => written?.(error ?? undefined));
    return id;
  }

  private pong(id: number): void {
    this.proof.answer(id);
    if (this.state === 'held' && id >= this.heldUntil) this.state = 'open';
  }

  /** Writes of one turn of the event loop go to the operating system together. */
  private cork(): void {
    if (this.corked) return;
    this.corked = true;
    this.raw.cork();
    process.nextTick(() => {
      this.corked = false;
      this.raw.uncork();
    });
  }

  private closed(code: number): void {
    this.state = 'closed';
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.tricks.end();
    this.proof.end(code !== NO_CLOSE_FRAME && !READ_NO_MORE.has(code) && !this.broken);
    this.options.onClosed();
  }

  private every(intervalMs: number, run: () => void): void {
    this.timers.add(setInterval(run, intervalMs));
  }

  private after(delayMs: number, run: () => void): void {
    this.timers.add(setTimeout(run, delayMs));
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString('utf8');
}
