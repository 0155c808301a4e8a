import type {
  HttpHandlerOptions,
  HttpRequest,
  HttpResponse,
  RequestHandler as SmithyHandler,
} from '@smithy/types';
import { type Answer, type Call, errorAnswer, LostAnswerError } from './aws-json-protocol.ts';
import { bytesToText, collectBytes } from './request-body.ts';
import type { S3Request, S3Response } from './s3/s3-messages.ts';

/** The type of an SDK client's `requestHandler`: `new SQSClient({ requestHandler })`. */
export interface RequestHandler extends SmithyHandler<HttpRequest, HttpResponse, HttpHandlerOptions> {
  updateHttpClientConfig(key: never, value: never): void;
  httpHandlerConfigs(): object;
}

/** Answers SDK calls in the same process, without a socket. An abort rejects at once with an AbortError. */
export function inProcessHandler(
  handle: (call: Call) => Promise<Answer>,
  s3: (request: S3Request) => S3Response,
): RequestHandler {
  const answer = async (request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    const headers = lowerCased(request.headers);
    const target = headers['x-amz-target'];
    const body = await readBody(request);
    const reply =
      target === undefined
        ? s3({ ...pathOf(request), headers, body: typeof body === 'string' ? Buffer.from(body) : body })
        : await handle({
            target,
            body: typeof body === 'string' ? body : bytesToText(body),
            signal,
            origin: originOf(request),
          });
    return toResponse(reply);
  };
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async (request, { abortSignal } = {}) => {
      if (abortSignal?.aborted) throw abortError();
      const gone = new AbortController();
      const answered = answer(request, gone.signal).catch((error: unknown) => {
        if (error instanceof LostAnswerError) throw error;
        return toResponse(errorAnswer('application/x-amz-json-1.0', error));
      });
      if (abortSignal === undefined || !('addEventListener' in abortSignal))
        return { response: await answered };
      return { response: await orAborted(answered, abortSignal as AbortSignal, gone) };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

function toResponse({ status, headers, body }: Answer | S3Response): HttpResponse {
  return { statusCode: status, headers, body: Buffer.from(body) };
}

async function readBody(request: HttpRequest): Promise<string | Uint8Array> {
  const body: unknown = request.body ?? '';
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  return collectBytes(body as AsyncIterable<Uint8Array>);
}

/** Header names keep the case in which the caller wrote them. */
function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function pathOf({ method, path, query = {} }: HttpRequest): Pick<S3Request, 'method' | 'path' | 'query'> {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) parameters.append(name, String(value ?? ''));
  return { method, path, query: parameters };
}

function originOf({ protocol, hostname, port }: HttpRequest): string {
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
}

async function orAborted(
  answered: Promise<HttpResponse>,
  abortSignal: AbortSignal,
  gone: AbortController,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      gone.abort();
      reject(abortError());
    };
    abortSignal.addEventListener('abort', abort);
    answered.then(resolve, reject).finally(() => abortSignal.removeEventListener('abort', abort));
  });
}

function abortError(): Error {
  return Object.assign(new Error('Request aborted'), { name: 'AbortError' });
}
