import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const LOOPBACK = '127.0.0.1';
/** Longer than clients keep idle connections, so that the server does not close one that is about to be reused. */
const KEEP_ALIVE_MS = 65_000;

/** A part of the simulated platform: the requests and upgrades of some paths. */
export interface PlatformPart {
  /** Prefixes of its paths. The part with the longest match handles a request. */
  readonly path: string;
  answer(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, raw: Duplex, head: Buffer): void;
  /** Starts its faults, if any. */
  start?(): void;
  /** Ends its faults, and closes all sockets. */
  end(): Promise<void>;
}

/** Serves parts of the simulated platform on one port. */
export class PlatformServer {
  private readonly parts: readonly PlatformPart[];
  private readonly http: Server;

  constructor(parts: readonly PlatformPart[]) {
    this.parts = parts.toSorted((a, b) => b.path.length - a.path.length);
    this.http = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      const part = this.partFor(request);
      if (part) part.answer(request, response);
      else response.writeHead(404).end();
    });
    this.http.on('upgrade', (request, raw, head) => {
      const part = this.partFor(request);
      if (part) part.upgrade(request, raw, head);
      else raw.destroy();
    });
  }

  /** Listens on the loopback interface, by default on a free port, and starts the parts. @returns the port */
  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.http.once('error', reject);
      this.http.listen(port, LOOPBACK, () => {
        this.http.off('error', reject);
        resolve();
      });
    });
    for (const part of this.parts) part.start?.();
    const address = this.http.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Stops listening and ends all parts. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.http.listening) this.http.close(() => resolve());
      else resolve();
    });
    await Promise.all(this.parts.map((part) => part.end()));
    this.http.closeAllConnections();
    await closed;
  }

  private partFor({ url = '/' }: IncomingMessage): PlatformPart | undefined {
    const { pathname } = new URL(url, 'http://localhost');
    return this.parts.find(({ path }) => pathname === path || pathname.startsWith(path.replace(/\/?$/, '/')));
  }
}

/** Base URL of a server on the loopback interface. */
export function loopbackUrl(port: number): string {
  return `http://${LOOPBACK}:${port}`;
}
