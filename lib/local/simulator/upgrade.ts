import { randomUUID } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Channel } from './channel.ts';
import type { Channels } from './channels.ts';
import type { RequestFaults } from './request-faults.ts';
import { isValid } from './tokens.ts';

/** Largest message that a client may send. */
const MAX_CLIENT_MESSAGE_BYTES = 512_000;
const CHANNEL_PATH = /^\/channels\/([^/?]+)$/;

/** Upgrades requests for `/channels/{id}` to WebSockets, or rejects them with an HTTP status. */
export class Upgrades {
  private readonly server = new WebSocketServer({
    noServer: true,
    autoPong: false,
    maxPayload: MAX_CLIENT_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  private readonly channels: Channels;
  private readonly requestFaults: RequestFaults;
  private readonly onSocket: (channel: Channel, socket: WebSocket, raw: Duplex) => void;

  constructor(
    channels: Channels,
    requestFaults: RequestFaults,
    onSocket: (channel: Channel, socket: WebSocket, raw: Duplex) => void,
  ) {
    this.channels = channels;
    this.requestFaults = requestFaults;
    this.onSocket = onSocket;
  }

  handle(request: IncomingMessage, raw: Duplex, head: Buffer): void {
    const id = CHANNEL_PATH.exec(new URL(request.url ?? '/', 'http://localhost').pathname)?.[1];
    const channel = id === undefined ? undefined : this.channels.get(id);
    const injected = this.requestFaults.take('upgrade');
    if (injected !== undefined) {
      refuse(raw, injected);
    } else if (channel === undefined) {
      refuse(raw, 404);
    } else if (!isValid(channel.token)) {
      refuse(raw, 401);
    } else {
      this.server.handleUpgrade(request, raw, head, (socket) => this.onSocket(channel, socket, raw));
    }
  }
}

function refuse(raw: Duplex, status: number): void {
  // The client may have already disconnected. Then the response does not matter.
  raw.on('error', () => raw.destroy());
  const body = JSON.stringify({
    status,
    code: STATUS_CODES[status],
    message: 'The channel cannot be opened.',
  });
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `inin-correlation-id: ${randomUUID()}`,
  ];
  raw.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => raw.destroy());
}
