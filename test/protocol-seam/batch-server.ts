import type { AddressInfo } from 'node:net';
import { Random } from 'switchboard-local/random.ts';
import { type WebSocket, WebSocketServer } from 'ws';

/** One event of a stream; its position in the stream is its cursor. */
interface StreamEvent {
  readonly id: string;
  readonly topicName: string;
  readonly eventBody: { readonly stream: string; readonly serial: number };
}

/** What the server does to its clients. */
export const SERVER_FAULTS = [
  'drop',
  'half_open',
  'move',
  'token_expired',
  'garbage',
  'repeat',
  'silent_handshake',
  'refuse',
] as const;
type ServerFault = (typeof SERVER_FAULTS)[number];

/** A server of the batch protocol on loopback. It keeps every event and resends what follows a client's cursor. */
export class BatchServer {
  readonly struck = Object.fromEntries(SERVER_FAULTS.map((fault) => [fault, 0])) as Record<
    ServerFault,
    number
  >;
  readonly url: string;
  /** Handshakes that were completed. */
  handshakes = 0;
  private readonly server: WebSocketServer;
  private readonly random: Random;
  private readonly streams = new Map<string, StreamEvent[]>();
  private readonly clients = new Map<
    WebSocket,
    { stream: string; token: string; sent: number; isHalfOpen: boolean }
  >();
  private readonly expiredTokens = new Set<string>();
  private isNextHandshakeSilent = false;
  private isNextUpgradeRefused = false;

  private constructor(server: WebSocketServer, random: Random) {
    this.server = server;
    this.random = random;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => this.onConnection(socket));
  }

  static async listen(seed: number): Promise<BatchServer> {
    let refuse = () => false;
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      verifyClient: (_info, done) => (refuse() ? done(false, 429, '', { 'Retry-After': '0' }) : done(true)),
    });
    await new Promise((resolve) => server.once('listening', resolve));
    const batchServer = new BatchServer(server, new Random(seed));
    refuse = () => batchServer.takeRefusal();
    return batchServer;
  }

  /** Clients that completed the handshake and are connected. */
  get connected(): number {
    return this.clients.size;
  }

  /** Add events to a stream and send them to its clients, in batches of 1 to 10. */
  emit(stream: string, count: number): void {
    const events = this.streams.get(stream) ?? [];
    this.streams.set(stream, events);
    for (let left = count; left > 0; left--) {
      const serial = events.length + 1;
      const topicName = `v2.streams.${stream}.events`;
      events.push({ id: `${stream}-${serial}`, topicName, eventBody: { stream, serial } });
    }
    for (const [socket, client] of this.clients) if (client.stream === stream) this.send(socket);
  }

  /** Do something to a random client. */
  strike(fault: ServerFault): void {
    this.struck[fault]++;
    if (fault === 'silent_handshake') this.isNextHandshakeSilent = true;
    if (fault === 'refuse') this.isNextUpgradeRefused = true;
    if (this.clients.size === 0) return;
    const [socket, client] = this.random.pick([...this.clients]);
    if (fault === 'drop' || fault === 'silent_handshake' || fault === 'refuse') socket.terminate();
    if (fault === 'half_open') {
      client.isHalfOpen = true;
      socket.pause();
    }
    if (fault === 'move') socket.send('{"move":"maintenance"}');
    if (fault === 'token_expired') {
      this.expiredTokens.add(client.token);
      socket.close(4001, 'token expired');
    }
    if (fault === 'garbage') socket.send('{"batch":');
    if (fault === 'repeat') client.sent = Math.max(0, client.sent - 20);
  }

  async close(): Promise<void> {
    for (const socket of this.server.clients) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private onConnection(socket: WebSocket): void {
    socket.once('message', (data) => {
      if (this.isNextHandshakeSilent) {
        this.isNextHandshakeSilent = false;
        return;
      }
      const { hello, stream, after } = JSON.parse(data.toString()) as Record<string, string>;
      if (hello === undefined || stream === undefined || this.expiredTokens.has(hello)) {
        socket.close(4001, 'token expired');
        return;
      }
      socket.send('{"welcome":true}');
      this.handshakes++;
      this.clients.set(socket, { stream, token: hello, sent: Number(after), isHalfOpen: false });
      this.send(socket);
    });
    socket.once('close', () => this.clients.delete(socket));
  }

  private send(socket: WebSocket): void {
    const client = this.clients.get(socket);
    if (!client || client.isHalfOpen) return;
    const events = this.streams.get(client.stream) ?? [];
    while (client.sent < events.length) {
      const batch = events.slice(client.sent, client.sent + 1 + this.random.int(10));
      client.sent += batch.length;
      socket.send(JSON.stringify({ batch, cursor: String(client.sent) }));
    }
  }

  private takeRefusal(): boolean {
    const isRefused = this.isNextUpgradeRefused;
    this.isNextUpgradeRefused = false;
    return isRefused;
  }
}
