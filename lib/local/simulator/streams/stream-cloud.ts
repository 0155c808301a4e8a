import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { readRequest, writeResponse } from '../api-request.ts';
import { ChannelSocket } from '../channel-socket.ts';
import type { Frame } from '../frame.ts';
import type { Ledger } from '../ledger.ts';
import type { PlatformPart } from '../platform-server.ts';
import type { EventHistory } from '../recovery/event-history.ts';
import type { RecoveryJudge } from '../recovery/recovery-judge.ts';
import { isValid, type Token, type Tokens } from '../tokens.ts';
import { StreamBroadcast } from './stream-broadcast.ts';
import { StreamConnection } from './stream-connection.ts';
import type { StreamEvent } from './stream-event.ts';
import type { ServerFault, StreamFaultKind } from './stream-fault-kinds.ts';
import { StreamFaults } from './stream-faults.ts';
import type { StreamHost, StreamRequest, StreamServer } from './stream-server.ts';

const CLOSE_GOING_AWAY = 1001;
/** Time that clients have to answer the close frame when the cloud stops. */
const CLOSE_TIMEOUT_MS = 1_000;
/** The connection of a client with more unread data than this is closed. */
const MAX_BUFFERED_BYTES = 64 * 1_024 * 1_024;

/** The longest interval of a timer. */
const NEVER_MS = 2_147_483_647;

/** Statuses of the faults that refuse an upgrade. */
const REFUSED_UPGRADES = {
  upgrade_refused: 503,
  throttled_with_wait: 429,
  throttled_without_wait: 429,
} as const;

export interface StreamCloudOptions {
  readonly server: StreamServer;
  readonly ledger: Ledger;
  readonly seed: number;
  /** The tokens of the platform. */
  readonly tokens: Tokens;
  readonly heartbeatMs: number;
  readonly faults: readonly StreamFaultKind[];
  /** Mean interval between two faults. */
  readonly faultIntervalMs: number;
  /** Learns what the REST API knows afterwards. Default: it knows nothing. */
  readonly history?: EventHistory | undefined;
  /** Learns what was emitted. */
  readonly recoveryJudge?: RecoveryJudge | undefined;
}

/** One stream of a simulated Genesys Cloud. */
export class StreamCloud implements StreamHost, PlatformPart {
  readonly path: string;
  readonly ledger: Ledger;
  readonly faults: StreamFaults;
  private readonly options: StreamCloudOptions;
  private readonly connections = new Set<StreamConnection>();
  private readonly broadcast: StreamBroadcast;
  private readonly upgrades = new WebSocketServer({
    noServer: true,
    autoPong: false,
    perMessageDeflate: false,
  });

  constructor(options: StreamCloudOptions) {
    const { ledger, seed, server, faultIntervalMs, tokens } = options;
    this.options = options;
    this.path = server.path;
    this.ledger = ledger;
    tokens.onRevoked((token) => this.onRevoked(token));
    this.faults = new StreamFaults({
      seed,
      kinds: server.faults.filter((kind) => options.faults.includes(kind)),
      meanIntervalMs: faultIntervalMs,
      connections: () => this.subscribed,
      expireToken: (connection) => this.expireToken(connection),
      strikeServer: (kind) => this.strikeServer(kind),
    });
    this.broadcast = new StreamBroadcast({
      server,
      ledger,
      connections: () => this.subscribed,
      takeSkip: () => this.faults.takeSkip(),
      onEvent: (event) => this.remember(event),
    });
  }

  start(): void {
    this.faults.start();
  }

  /** Bytes that the clients have not read yet. */
  get bufferedBytes(): number {
    return [...this.connections].reduce((sum, { socket }) => sum + socket.bufferedBytes, 0);
  }

  /** Whether too many events have not reached the bus, so that no more should be emitted. */
  get isFull(): boolean {
    return this.ledger.isFull;
  }

  /** The clients that receive events. */
  get subscribed(): readonly StreamConnection[] {
    return [...this.connections].filter(({ isSubscribed }) => isSubscribed);
  }

  /** Publishes an event to every client that is subscribed to its topic. */
  emit(frame: Frame): void {
    this.broadcast.emit(frame);
  }

  replay: StreamHost['replay'] = (connection, afterSerial) => this.broadcast.replay(connection, afterSerial);

  resend: StreamHost['resend'] = (connection, withinMs) => this.broadcast.resend(connection, withinMs);

  /** Ends the faults. If the last events are missing, sends events from which clients can detect it. */
  finish(): Promise<void> {
    this.faults.stop();
    return this.broadcast.finish();
  }

  isValidToken(value: string): boolean {
    const token = this.options.tokens.find(value);
    return token !== undefined && isValid(token);
  }

  takeFault: StreamHost['takeFault'] = (...kinds) => this.faults.take(...kinds);

  /** Closes all sockets. Data that was sent still arrives. */
  async end(): Promise<void> {
    this.faults.stop();
    const sockets = [...this.connections].map(({ socket }) => socket);
    for (const socket of sockets) socket.close(CLOSE_GOING_AWAY, 'server is stopping');
    await Promise.race([
      Promise.all(sockets.map((socket) => socket.ended)),
      delay(CLOSE_TIMEOUT_MS, undefined, { ref: false }),
    ]);
    for (const socket of sockets) socket.terminate();
  }

  answer(incoming: IncomingMessage, response: ServerResponse): void {
    void this.respond(incoming, response);
  }

  upgrade(request: IncomingMessage, raw: Duplex, head: Buffer): void {
    const { server } = this.options;
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const fault = this.takeFault('upgrade_refused', 'throttled_with_wait', 'throttled_without_wait');
    const status =
      pathname === server.path
        ? ((fault && REFUSED_UPGRADES[fault]) ??
          server.refusal({ query: searchParams, headers: request.headers }, this))
        : 404;
    raw.on('error', () => raw.destroy());
    if (status !== undefined) {
      const wait = fault === 'throttled_without_wait' ? '' : 'Retry-After: 1\r\n';
      raw.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n${wait}Content-Length: 0\r\n\r\n`,
      );
      return;
    }
    const opened = { query: searchParams, headers: request.headers };
    this.upgrades.handleUpgrade(request, raw, head, (socket) => this.connected(socket, raw, opened));
  }

  private remember({ frame, entry, stamp }: StreamEvent): void {
    const { server, history, recoveryJudge } = this.options;
    recoveryJudge?.emitted(entry.serial, frame);
    const known = server.remembered?.(frame, stamp.timestamp);
    if (known) history?.record(known, entry.sentAtMs);
  }

  private strikeServer(kind: ServerFault): boolean {
    const { server } = this.options;
    switch (kind) {
      case 'sequence_repeat':
        server.repeatNumber?.();
        return true;
      case 'sequence_restart':
        server.restart?.();
        this.broadcast.forget();
        for (const { socket } of this.subscribed) socket.drop();
        return true;
      case 'resource_gone':
        return server.removeResource?.(this.subscribed) ?? false;
    }
  }

  private expireToken({ token }: StreamConnection): void {
    const known = this.options.tokens.find(token);
    if (known) this.options.tokens.revoke(known);
  }

  private onRevoked(token: Token): void {
    for (const connection of this.subscribed)
      if (connection.token === token.value) this.options.server.onTokenExpired(connection);
  }

  private async respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    const body = this.options.server.get?.(request.path);
    writeResponse(response, body === undefined ? { status: 404 } : { status: 200, body }, {});
  }

  private connected(socket: WebSocket, raw: Duplex, request: StreamRequest): void {
    const { ledger, heartbeatMs, server } = this.options;
    const connection: StreamConnection = new StreamConnection(
      new ChannelSocket(socket, raw, {
        ledger,
        heartbeatMs: server.heartbeatText === undefined ? NEVER_MS : heartbeatMs,
        heartbeatText: server.heartbeatText,
        maxBufferedBytes: MAX_BUFFERED_BYTES,
        isBinary: (data) => server.isBinary?.(data) ?? false,
        isRepeatable: () => true,
        onText: (text) => server.onText(connection, text, this),
        onClosed: () => this.connections.delete(connection),
      }),
    );
    this.connections.add(connection);
    server.onOpen(connection, request, this);
  }
}
