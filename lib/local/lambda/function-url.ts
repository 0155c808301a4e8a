import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context, LambdaFunctionURLEvent } from 'aws-lambda';

/** Largest payload of a synchronous invocation; a Lambda quota. */
const MAX_PAYLOAD_BYTES = 6_291_456;
/** Content types whose bodies Lambda passes on as text. It encodes others as Base64. */
const TEXT_TYPE = /^(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml)\b)/i;
const LOOPBACK = '127.0.0.1';

/** The handler of a function with a URL. */
export type UrlHandler = (
  event: LambdaFunctionURLEvent,
  context: Context,
) => Promise<{
  statusCode?: number | undefined;
  headers?: Record<string, boolean | number | string> | undefined;
  body?: string | undefined;
}>;

/** Options of {@link serveFunctionUrl}. */
export interface FunctionUrlOptions {
  /** Creates the handler of one execution environment. */
  readonly createHandler: () => UrlHandler;
  /** Reserved concurrency: more concurrent requests are refused with 429. */
  readonly maxConcurrency: number;
}

/** A served function URL. */
export interface FunctionUrl {
  readonly url: string;
  /** Open connections. */
  readonly connections: number;
  close(): Promise<void>;
}

/** Serves a function on the loopback interface, as a Lambda function URL with payload format 2.0. */
export async function serveFunctionUrl(options: FunctionUrlOptions): Promise<FunctionUrl> {
  const { createHandler, maxConcurrency } = options;
  const idle: UrlHandler[] = [];
  let running = 0;
  let connections = 0;
  const server = createServer((request, response) => {
    void respond(request, response);
  });
  server.on('connection', (socket) => {
    connections += 1;
    socket.once('close', () => {
      connections -= 1;
    });
  });
  /** Never rejects. */
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request).catch(() => undefined);
    if (body === undefined) return;
    if (body.length > MAX_PAYLOAD_BYTES) return end(response, { statusCode: 413 });
    if (running >= maxConcurrency) return end(response, { statusCode: 429 });
    running += 1;
    try {
      const handler = idle.pop() ?? createHandler();
      const result = await handler(eventOf(request, body), { awsRequestId: randomUUID() } as Context);
      idle.push(handler);
      end(response, result);
    } catch {
      // The environment of a failed invocation is not used again.
      end(response, { statusCode: 502, body: 'Internal Server Error' });
    } finally {
      running -= 1;
    }
  }
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${LOOPBACK}:${port}/`,
    get connections() {
      return connections;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function eventOf(request: IncomingMessage, body: Buffer): LambdaFunctionURLEvent {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const isText = TEXT_TYPE.test(request.headers['content-type'] ?? '');
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : value,
    ]),
  );
  const now = new Date();
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers,
    requestContext: {
      accountId: 'anonymous',
      apiId: 'local',
      domainName: LOOPBACK,
      domainPrefix: 'local',
      http: {
        method: request.method ?? 'GET',
        path: pathname,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: now.toISOString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length === 0 ? {} : { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: !isText && body.length > 0,
  };
}

function end(response: ServerResponse, result: Awaited<ReturnType<UrlHandler>>): void {
  response.writeHead(result.statusCode ?? 200, result.headers as Record<string, string>);
  response.end(result.body);
}
