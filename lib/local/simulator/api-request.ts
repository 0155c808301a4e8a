import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, badRequest } from './api-error.ts';

/** The platform's `request.bytes.max`. */
const MAX_BODY_BYTES = 512_000;

/** The response of a handler. Without `body`, the response has no body. */
export interface ApiResponse {
  readonly status: number;
  readonly body?: unknown;
}

/** An HTTP request with its complete body. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/**
 * Reads a complete request.
 *
 * @throws ApiError 413 if the body exceeds the platform's limit
 */
export async function readRequest(request: IncomingMessage): Promise<ApiRequest> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    // The rest of an oversized body is read and discarded, so that the client receives the response.
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk as Buffer);
  }
  if (bytes > MAX_BODY_BYTES) {
    throw new ApiError(
      413,
      'request.entity.too.large',
      `The request is larger than ${MAX_BODY_BYTES} bytes.`,
    );
  }
  return {
    method: request.method ?? 'GET',
    path: url.pathname.replace(/\/+$/, '') || '/',
    query: url.searchParams,
    headers: request.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

/**
 * Parses the body of a request as JSON.
 *
 * @throws ApiError 400 if it is not JSON
 */
export function jsonBody(request: ApiRequest): unknown {
  try {
    return JSON.parse(request.body);
  } catch {
    throw badRequest('The request could not be understood by the server: its body is not JSON.');
  }
}

export function writeResponse(
  response: ServerResponse,
  answer: ApiResponse,
  headers: Readonly<Record<string, string>>,
): void {
  const text = answer.body === undefined ? '' : JSON.stringify(answer.body);
  response.writeHead(answer.status, {
    ...headers,
    ...(text === '' ? {} : { 'Content-Type': 'application/json' }),
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-cache, no-store, must-revalidate',
  });
  response.end(text);
}
