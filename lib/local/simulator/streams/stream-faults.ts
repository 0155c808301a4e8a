import { Random } from '../../random.ts';
import { PERSONAL_GARBAGE } from '../personal-data.ts';
import type { StreamConnection } from './stream-connection.ts';
import {
  type HandshakeFault,
  isHandshakeFault,
  isServerFault,
  type ServerFault,
  type StreamFaultKind,
} from './stream-fault-kinds.ts';

/** Longest interval between two faults, as a multiple of the mean. */
const MAX_INTERVAL_MEANS = 5;
/** Close codes that servers use (RFC 6455, 7.4.1). */
const SERVER_CLOSE_CODES = [1000, 1001, 1011, 1012, 1013] as const;
const BURST_FRAMES = 20;
const MAX_SKIPPED_EVENTS = 5;
/** Messages that no protocol has. */
const GARBAGE: readonly (string | Buffer)[] = [
  'this is not JSON',
  '{"type":',
  '{"type":"news"}',
  '',
  'null',
  '42',
  Buffer.from([0xc1]),
  ...PERSONAL_GARBAGE,
];

export interface StreamFaultsOptions {
  readonly seed: number;
  readonly kinds: readonly StreamFaultKind[];
  /** Mean of the exponentially distributed intervals between faults. */
  readonly meanIntervalMs: number;
  /** The connections that receive events. */
  readonly connections: () => readonly StreamConnection[];
  /** The token of these connections expires. */
  readonly expireToken: (connection: StreamConnection) => void;
  /** Returns whether it took effect. */
  readonly strikeServer: (kind: ServerFault) => boolean;
}

/**
 * Seeded faults of a stream at exponentially distributed intervals. No faults are injected while no client is
 * subscribed, because it is recovering from a fault.
 */
export class StreamFaults {
  /** Faults that took effect, by kind. */
  readonly counts: Record<string, number>;
  private readonly options: StreamFaultsOptions;
  private readonly random: Random;
  private timer: NodeJS.Timeout | undefined;
  /** Events that the server forgets to send. */
  private skipped = 0;
  private lastRefusal: HandshakeFault | undefined;
  private waiting: HandshakeFault | undefined;
  /** Kinds that are still to be drawn. */
  private left: StreamFaultKind[] = [];

  constructor(options: StreamFaultsOptions) {
    this.options = options;
    this.counts = Object.fromEntries(options.kinds.map((kind) => [kind, 0]));
    this.random = new Random(options.seed).fork('stream-faults');
  }

  start(): void {
    if (this.options.kinds.length === 0) return;
    const means = Math.min(MAX_INTERVAL_MEANS, -Math.log(1 - this.random.next()));
    this.timer = setTimeout(() => {
      this.strike(this.draw());
      this.start();
    }, means * this.options.meanIntervalMs);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.waiting = undefined;
    this.skipped = 0;
  }

  /** The fault waiting for a handshake, if it is one of these. */
  take<Kind extends HandshakeFault>(...kinds: readonly Kind[]): Kind | undefined {
    const taken = kinds.find((kind) => kind === this.waiting);
    if (taken === undefined) return undefined;
    this.waiting = undefined;
    this.count(taken);
    return taken;
  }

  /** Whether the server forgets to send the next event. */
  takeSkip(): boolean {
    if (this.skipped === 0) return false;
    this.skipped--;
    return true;
  }

  /** Injects a fault now. Without a subscribed client nothing happens. */
  strike(kind: StreamFaultKind): void {
    const connections = this.options.connections();
    // Clients give up after the same refusal twice in a row.
    if (connections.length === 0 || this.waiting !== undefined || kind === this.lastRefusal) return;
    const connection = this.random.pick(connections);
    if (isHandshakeFault(kind)) {
      this.lastRefusal = kind;
      this.waiting = kind;
      connection.socket.drop();
      return;
    }
    if (isServerFault(kind)) {
      if (this.options.strikeServer(kind)) this.count(kind);
      return;
    }
    this.count(kind);
    this.hit(kind, connection);
  }

  /** Every kind once, in random order, before any of them again. */
  private draw(): StreamFaultKind {
    if (this.left.length === 0) this.left = [...this.options.kinds];
    const kind = this.random.pick(this.left);
    this.left = this.left.filter((one) => one !== kind);
    return kind;
  }

  private hit(
    kind: Exclude<StreamFaultKind, HandshakeFault | ServerFault>,
    connection: StreamConnection,
  ): void {
    const { socket } = connection;
    switch (kind) {
      case 'socket_drop':
        socket.drop();
        return;
      case 'half_open':
        socket.silence();
        return;
      case 'close_during_batch':
        socket.frameFaults.closeAfter(
          1 + this.random.int(BURST_FRAMES),
          this.random.pick(SERVER_CLOSE_CODES),
        );
        return;
      case 'token_expired':
        this.options.expireToken(connection);
        return;
      case 'duplicate_frame':
        socket.frameFaults.duplicateNext();
        return;
      case 'garbage_frame':
        socket.control(this.random.pick(GARBAGE));
        return;
      case 'reordered_frames':
        socket.frameFaults.overtakeNext();
        return;
      case 'sequence_gap':
        this.skipped = 1 + this.random.int(MAX_SKIPPED_EVENTS);
        return;
      case 'fragmented_frame':
        socket.fragmentNext();
        return;
      case 'pongs_withheld':
        socket.withholdPongs();
    }
  }

  private count(kind: StreamFaultKind): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }
}
