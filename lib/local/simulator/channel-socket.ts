import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { HEARTBEAT_TEXT } from './control-frames.ts';
import { FrameFaults } from './frame-faults.ts';
import type { Ledger } from './ledger.ts';
import { type LedgerEntry, type Tracked, TrackedBatch } from './ledger-entry.ts';
import { ReadProof } from './read-proof.ts';

/** While deliveries are unproven, the peer is pinged at this interval. */
const PROOF_INTERVAL_MS = 250;
/** This many unproven deliveries trigger a ping at once. */
const MAX_UNPROVEN_FRAMES = 2_000;
/** Time that a peer has to read what is in flight and end its side after a FIN. */
const MAX_LINGER_MS = 15_000;
/** Time that a silenced connection waits for the pong that proves what was sent before the silence. */
const MAX_SILENCE_PROOF_MS = 1_000;
/** Time after which a silenced connection is destroyed. */
const MAX_SILENCE_MS = 600_000;
/** Reported when the connection ended without a close frame (RFC 6455, 7.1.5). */
const ABNORMAL_CLOSURE = 1006;
/** Close codes of a peer that stopped reading before it closed (protocol error, invalid encoding, message too big). */
const STOPPED_READING_CODES = new Set([1002, 1007, 1009]);

/** `open`: accepts events. `leaving`: accepts no more events. */
type SocketState = 'open' | 'leaving' | 'closed';

export interface ChannelSocketOptions {
  readonly ledger: Ledger;
  readonly heartbeatMs: number;
  /** Default: that of a notification channel. */
  readonly heartbeatText?: string | undefined;
  /** Whether a frame is binary. Default: none is. */
  readonly isBinary?: ((data: Buffer) => boolean) | undefined;
  /** Whether a frame may be sent twice. Default: if the body of a notification identifies the occurrence. */
  readonly isRepeatable?: ((data: Buffer) => boolean) | undefined;
  /** With more unsent bytes than this, the connection is closed with 1008, as the platform does with slow readers. */
  readonly maxBufferedBytes: number;
  readonly onText: (text: string) => void;
  readonly onClosed: () => void;
}

/**
 * The server side of a channel's WebSocket. It tracks which events the peer can have read. Before the server ends a
 * connection on purpose, it stops sending, waits until everything is flushed, and ends with FIN or a close frame, so
 * that every event that counts as sent arrives.
 */
export class ChannelSocket {
  private readonly socket: WebSocket;
  private readonly raw: Duplex;
  private readonly options: ChannelSocketOptions;
  private readonly proof = new ReadProof();
  private readonly timers = new Set<NodeJS.Timeout>();
  readonly frameFaults: FrameFaults;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  private state: SocketState = 'open';
  private broken = false;
  private deaf = false;
  private corked = false;
  private fragments = false;
  private withholds = false;

  constructor(socket: WebSocket, raw: Duplex, options: ChannelSocketOptions) {
    this.socket = socket;
    this.raw = raw;
    this.options = options;
    this.frameFaults = new FrameFaults({
      write: (delivery, data) => this.write(delivery, data),
      close: (code) => this.close(code, 'closed during a burst'),
      isRepeatable: options.isRepeatable,
    });
    raw.on('error', () => {
      this.broken = true;
    });
    socket.on('error', () => {
      this.state = this.state === 'closed' ? 'closed' : 'leaving';
    });
    socket.on('message', (data, isBinary) => {
      if (!isBinary && this.responds) options.onText(textOf(data));
    });
    socket.on('ping', (data) => {
      if (this.responds && !this.withholds && socket.readyState === socket.OPEN) socket.pong(data);
    });
    socket.on('pong', (data) => this.proof.answer(Number(data.toString('latin1'))));
    this.ended = new Promise((resolve) => {
      socket.on('close', (code) => {
        this.closed(code);
        resolve();
      });
    });
    this.every(options.heartbeatMs, () => this.control(options.heartbeatText ?? HEARTBEAT_TEXT));
    this.every(PROOF_INTERVAL_MS, () => {
      if (this.proof.unasked > 0 && this.proof.waiting === 0) this.ask();
    });
  }

  /** Whether an event would be sent on this socket now. */
  get live(): boolean {
    return this.state === 'open' && this.socket.readyState === this.socket.OPEN;
  }

  get bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  private get responds(): boolean {
    return this.state === 'open';
  }

  /** Sends a frame with events. Returns false, and sends nothing, if the socket does not accept events. */
  deliver(entries: readonly LedgerEntry[], data: Buffer): boolean {
    if (!this.live) return false;
    if (this.socket.bufferedAmount > this.options.maxBufferedBytes) {
      this.close(1008, 'client reads too slowly');
      return false;
    }
    this.cork();
    const deliveries = entries.map((entry) => this.options.ledger.deliver(entry));
    this.frameFaults.pass(new TrackedBatch(deliveries), data);
    return true;
  }

  /** Sends text that is not an event: heartbeat, system message, reply or garbage. */
  control(text: string | Buffer): void {
    if (this.live) this.socket.send(text);
  }

  /** Closes with a close frame once everything is flushed. */
  close(code: number, reason: string): void {
    this.leave(() => this.socket.close(code, reason));
  }

  /** Ends with FIN and no close frame once everything is flushed. The peer sees 1006. */
  drop(): void {
    this.leave(() => this.raw.end());
  }

  /** Stops sending, reading and responding, and leaves the connection open. */
  silence(): void {
    this.leave(() => {
      this.after(MAX_SILENCE_PROOF_MS, () => this.goDeaf());
    });
  }

  /** Ends at once. Deliveries that the peer has not acknowledged become unproven. */
  terminate(): void {
    this.state = 'leaving';
    this.socket.terminate();
  }

  private leave(finish: () => void): void {
    if (this.state === 'leaving' || this.state === 'closed') return;
    this.state = 'leaving';
    this.frameFaults.end();
    if (this.socket.readyState !== this.socket.OPEN) return;
    // The callback of this last write runs after those of all earlier events.
    this.ask((error) => {
      if (error === undefined && this.state !== 'closed') finish();
    });
    this.after(MAX_LINGER_MS, () => {
      if (!this.deaf) this.raw.destroy();
    });
  }

  private goDeaf(): void {
    this.deaf = true;
    this.raw.removeAllListeners('data');
    this.raw.on('data', () => {});
    this.after(MAX_SILENCE_MS, () => this.raw.destroy());
  }

  /** Sends the next event in several fragments (RFC 6455, 5.4). */
  fragmentNext(): void {
    this.fragments = true;
  }

  /** Stops answering pings. */
  withholdPongs(): void {
    this.withholds = true;
  }

  private write(delivery: Tracked, data: Buffer): void {
    this.proof.add(delivery);
    const binary = this.options.isBinary?.(data) ?? false;
    const cut = this.fragments ? Math.ceil(data.length / 3) : 0;
    this.fragments = false;
    let rest = data;
    for (; cut > 0 && rest.length > cut; rest = rest.subarray(cut))
      this.socket.send(rest.subarray(0, cut), { binary, fin: false });
    this.socket.send(rest, { binary }, (error) => {
      if (error) delivery.failed();
      else delivery.flushed();
    });
    if (this.proof.unasked >= MAX_UNPROVEN_FRAMES && this.proof.waiting === 0) this.ask();
  }

  private ask(written?: (error?: Error) => void): void {
    this.socket.ping(String(this.proof.ask()), false, (error?: Error) => written?.(error ?? undefined));
  }

  /** Passes all writes of one event loop turn to the operating system together. */
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
    this.frameFaults.end();
    this.proof.end(code !== ABNORMAL_CLOSURE && !STOPPED_READING_CODES.has(code) && !this.broken);
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
