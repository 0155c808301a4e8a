import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from './test-certificates.ts';

/** A request as the server received it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Responder = (response: ServerResponse, request: ReceivedRequest, socket: Socket) => void;

/** An HTTP server on 127.0.0.1, with TLS if it has a certificate. It responds with 204 unless `respond` is replaced. */
export class ReceivingServer {
  respond: Responder = (response) => response.writeHead(204).end();
  readonly requests: ReceivedRequest[] = [];
  /** TCP connections, including those whose TLS handshake fails. */
  connections = 0;
  readonly port: number;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(certificate?: Certificate): Promise<ReceivingServer> {
    const server = certificate ? createTlsServer(certificate) : createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const started = new ReceivingServer(server);
    server.on('connection', () => {
      started.connections += 1;
    });
    server.on('request', (request, response) => void started.receive(request, response));
    return started;
  }

  /** The URL of a path. */
  url(path = '/', { scheme = 'http', host = '127.0.0.1' } = {}): URL {
    return new URL(`${scheme}://${host}:${this.port}${path}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = request;
    const received = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
    this.requests.push(received);
    this.respond(response, received, request.socket);
  }
}
