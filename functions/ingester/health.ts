import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** Idle HTTP connections are closed after this time. */
const KEEP_ALIVE_TIMEOUT_MS = 5_000;

/** The answer to `GET /healthz`. */
export interface Health {
  /** Every subscription has been covered at least once since the start. */
  ready: boolean;
  /** No subscription has been without a live connection for too long. */
  live: boolean;
  /** Why it is not ready or not live, as sentences. */
  reasons: readonly string[];
  /**
   * The action that an operator has to take, because a restart does not help. `secret`: fill the secret with the OAuth
   * client. `operator`: fix the problem of one protocol; the others are live.
   */
  waitingFor?: 'secret' | 'operator';
  [detail: string]: unknown;
}

/** The server of `/healthz` (200 when ready and live, else 503) and `/metrics`. */
export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serve health and metrics. `/metrics` returns Prometheus text, or JSON for `Accept: application/json`.
 *
 * @throws Error if the port is in use; the message says what to do
 */
export async function serveHealth(
  address: { host: string; port: number },
  health: () => Health,
  registry: Registry,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/healthz') {
      const state = health();
      answer(response, state.ready && state.live ? 200 : 503, 'application/json', JSON.stringify(state));
    } else if (path === '/metrics') {
      void answerMetrics(response, registry, request.headers.accept ?? '');
    } else {
      answer(response, 404, 'text/plain', 'Not found. Available paths: /healthz, /metrics\n');
    }
  });
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  await listen(server, address);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const advice =
        error.code === 'EADDRINUSE'
          ? ' is in use; set HEALTH_PORT (or --health-port) to a free port, or to 0'
          : ` failed: ${error.message}`;
      reject(new Error(`The health endpoint's address ${host}:${port}${advice}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

async function answerMetrics(response: ServerResponse, registry: Registry, accept: string): Promise<void> {
  if (accept.includes('application/json')) {
    answer(response, 200, 'application/json', JSON.stringify(await registry.getMetricsAsJSON()));
  } else {
    answer(response, 200, registry.contentType, await registry.metrics());
  }
}

function answer(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType }).end(body);
}
