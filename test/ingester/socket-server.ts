import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** A real WebSocket server on the loopback interface, controlled by the test. */
export class SocketServer {
  /** Handles upgrade requests instead of opening a socket. */
  onUpgrade: ((request: IncomingMessage, raw: Socket) => void) | undefined;
  onSocket: (socket: WebSocket, raw: Socket, request: IncomingMessage) => void = () => {};
  private readonly http: Server = createServer();
  private readonly websockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  private readonly raws = new Set<Socket>();

  constructor() {
    this.http.on('upgrade', (request: IncomingMessage, raw: Socket, head: Buffer) => {
      this.raws.add(raw);
      raw.on('error', () => raw.destroy());
      if (this.onUpgrade) {
        this.onUpgrade(request, raw);
        return;
      }
      this.websockets.handleUpgrade(request, raw, head, (socket) => {
        socket.on('error', () => {});
        this.onSocket(socket, raw, request);
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    return `ws://127.0.0.1:${(this.http.address() as AddressInfo).port}/channels/streaming-0-abcdef`;
  }

  async close(): Promise<void> {
    for (const raw of this.raws) raw.destroy();
    await new Promise((resolve) => this.http.close(resolve));
  }
}

/** An unmasked frame as a server sends it (RFC 6455, 5.2), with at most 125 bytes of payload. */
export function rawFrame(opcode: number, payload: Buffer): Buffer {
  if (payload.length > 125) throw new RangeError('the payload is longer than 125 bytes');
  return Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);
}
