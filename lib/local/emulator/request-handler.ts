import type {
  HttpHandlerOptions,
  HttpRequest,
  HttpResponse,
  RequestHandler as SmithyHandler,
} from '@smithy/types';
import { collectBytes, decodeBody } from './body.ts';
import { type Answer, type Call, errorAnswer } from './protocol.ts';
import type { S3Request, S3Response } from './s3/s3.ts';

/** What SDK clients take as `requestHandler`: `new SQSClient({ requestHandler })`. */
export interface RequestHandler extends SmithyHandler<HttpRequest, HttpResponse, HttpHandlerOptions> {
  updateHttpClientConfig(key: never, value: never): void;
  httpHandlerConfigs(): object;
}

/** Answers SDK calls in the same process, without a socket. An abort rejects at once with an AbortError. */
export function inProcessHandler(
  handle: (call: Call) => Promise<Answer>,
  s3: (request: S3Request) => S3Response,
): RequestHandler {
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async (request, { abortSignal } = {}) => {
      if (abortSignal?.aborted) throw abortError();
      const gone = new AbortController();
      const target = header(request, 'x-amz-target');
      const answered =
        target === undefined ? answerS3(request, s3) : answer(request, target, gone.signal, handle);
      if (!abortSignal) return { response: await answered };
      return { response: await orAborted(answered, abortSignal, gone) };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

async function answerS3(
  request: HttpRequest,
  handle: (request: S3Request) => S3Response,
): Promise<HttpResponse> {
  const reply = handle({
    method: request.method,
    path: request.path,
    query: new URLSearchParams(
      Object.entries(request.query ?? {}).map(([name, value]): [string, string] => [
        name,
        String(value ?? ''),
      ]),
    ),
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    body: await readBytes(request),
  });
  return { statusCode: reply.status, headers: reply.headers, body: Buffer.from(reply.body) };
}

async function readBytes(request: HttpRequest): Promise<Uint8Array> {
  const body: unknown = request.body ?? '';
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  return collectBytes(body as AsyncIterable<Uint8Array>);
}

async function answer(
  request: HttpRequest,
  target: string,
  signal: AbortSignal,
  handle: (call: Call) => Promise<Answer>,
): Promise<HttpResponse> {
  let reply: Answer;
  try {
    const body = await readBody(request);
    reply = await handle({ target, body, signal, origin: originOf(request) });
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') throw error;
    reply = errorAnswer('application/x-amz-json-1.0', error);
  }
  return { statusCode: reply.status, headers: reply.headers, body: Buffer.from(reply.body) };
}

async function readBody(request: HttpRequest): Promise<string> {
  const encoding = header(request, 'content-encoding');
  const body: unknown = request.body ?? '';
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return decodeBody(body, encoding);
  return decodeBody(await collectBytes(body as AsyncIterable<Uint8Array>), encoding);
}

/** Header names come as the caller wrote them. */
function header(request: HttpRequest, name: string): string | undefined {
  const exact = request.headers[name];
  if (exact !== undefined) return exact;
  const key = Object.keys(request.headers).find((candidate) => candidate.toLowerCase() === name);
  return key === undefined ? undefined : request.headers[key];
}

function originOf({ protocol, hostname, port }: HttpRequest): string {
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
}

async function orAborted(
  answered: Promise<HttpResponse>,
  abortSignal: NonNullable<HttpHandlerOptions['abortSignal']>,
  gone: AbortController,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      gone.abort();
      reject(abortError());
    };
    const release = listen(abortSignal, abort);
    answered.then(resolve, reject).finally(release);
  });
}

/** The SDK's own older kind of signal has `onabort` only. */
function listen(signal: NonNullable<HttpHandlerOptions['abortSignal']>, abort: () => void): () => void {
  if ('addEventListener' in signal) {
    signal.addEventListener('abort', abort);
    return () => signal.removeEventListener('abort', abort);
  }
  signal.onabort = abort;
  return () => {
    signal.onabort = null;
  };
}

function abortError(): Error {
  return Object.assign(new Error('Request aborted'), { name: 'AbortError' });
}
