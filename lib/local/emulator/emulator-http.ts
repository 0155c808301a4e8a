import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Answer, type Call, errorAnswer, LostAnswerError } from './aws-json-protocol.ts';
import { AwsError } from './emulated-service.ts';
import { NotEmulatedError } from './not-emulated.ts';
import { collectBytes, decodeBody } from './request-body.ts';
import type { S3Request, S3Response } from './s3/s3-messages.ts';
import { answerQuery, queryErrorAnswer } from './sts.ts';

/** What the HTTP server serves. */
export interface HttpServed {
  readonly accountId: string;
  handle(call: Call): Promise<Answer>;
  /** Handles an S3 request, which has a method and a path instead of an action in a header. */
  s3(request: S3Request): S3Response;
  /** The JSON of `GET /_health`. */
  health(): object;
}

/** A running server. */
export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Stops the server and closes every connection, idle or not. */
  close(): Promise<void>;
}

/** Serves AWS's JSON protocols (one POST to any path, the action in `X-Amz-Target`), and S3 by path. */
export async function listen(
  served: HttpServed,
  options: { port?: number; host?: string } = {},
): Promise<Listening> {
  const { port = 0, host = '127.0.0.1' } = options;
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    answerRequest(served, request, gone.signal).then(
      (answer) => send(request, response, answer),
      // A fault dropped the response: the connection is closed without one.
      () => request.socket.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    close: () => close(server),
  };
}

/** Rejects only if there is no answer. */
async function answerRequest(
  served: HttpServed,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<Answer | S3Response> {
  const form = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  try {
    if (request.method === 'GET' && request.url === '/_health') return json(200, served.health());
    if (request.method !== 'POST') return served.s3(await s3Request(request));
    const body = await decodeBody(await collectBytes(request), request.headers['content-encoding']);
    if (form) return answerQuery(body, served.accountId);
    const target = request.headers['x-amz-target'];
    if (typeof target !== 'string')
      throw new NotEmulatedError({
        where: 'requests without X-Amz-Target',
        kind: 'Content-Type',
        name: request.headers['content-type'] ?? '',
        supported: ["AWS's JSON protocols; set the client to JSON if it uses another one, such as CBOR"],
      });
    return await served.handle({
      target,
      body,
      signal,
      origin: `http://${request.headers.host ?? '127.0.0.1'}`,
    });
  } catch (error) {
    if (error instanceof LostAnswerError) throw error;
    if (form && error instanceof AwsError) return queryErrorAnswer(error);
    return errorAnswer('application/x-amz-json-1.0', error);
  }
}

async function s3Request(request: IncomingMessage): Promise<S3Request> {
  const { method = '', url = '/', headers } = request;
  const [path = '/', search = ''] = url.split('?', 2);
  return {
    method,
    path,
    query: new URLSearchParams(search),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    body: await collectBytes(request),
  };
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer | S3Response): void {
  if (response.destroyed) return;
  const body = Buffer.from(answer.body);
  // The rest of a refused body stays unread, so this connection cannot be used for another request.
  const last = request.complete ? {} : { connection: 'close' };
  // The response to a HEAD request sets its own content-length, although it has no body.
  const length = request.method === 'HEAD' ? {} : { 'content-length': body.length };
  response.writeHead(answer.status, { ...answer.headers, ...last, ...length });
  response.end(body);
}

function json(status: number, value: object): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
