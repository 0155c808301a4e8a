import { setTimeout as delay } from 'node:timers/promises';
import { redact } from '../events/redaction.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import { GenesysError, unreachable } from './genesys-error.ts';
import { RateLimit } from './request-rate-limit.ts';
import type { TokenSource } from './token-source.ts';

const REQUEST_TIMEOUT_MS = 16_000;
/** Attempts per call, including the first. */
const MAX_ATTEMPTS = 5;
const BACKOFF_BASE_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** Longest `Retry-After` that is honored. The rate limits of the platform are per minute. */
const MAX_RETRY_AFTER_MS = 120_000;
const PERMISSION = /(?<![\w:])[a-z]\w*:[a-z]\w*:[a-z]\w*(?![\w:])/gi;
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
/** Length of the response message quoted in an error. */
const MAX_MESSAGE_CHARACTERS = 300;

/** A platform API request. */
export interface RestRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Path template with `{name}` placeholders. Errors quote the template, because parameters may be secrets (P7). */
  path: string;
  /** Values of the placeholders. */
  parameters?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  signal?: AbortSignal;
}

/** Which part of a response errors quote. */
type ErrorQuotes = 'message' | 'permissions';

/** Options of {@link RestClient}. */
export interface RestClientOptions {
  /** Base URL of the platform API, for example `https://api.mypurecloud.com`. */
  apiUrl: string;
  tokens: TokenSource;
  fetch?: typeof fetch;
  /** @default - 300 requests per minute, the platform's limit per token */
  rateLimit?: Pick<RateLimit, 'take'>;
  /**
   * Which part of a response errors quote: its message, or only the names of missing permissions, for responses with
   * content that must not be exposed.
   *
   * @default 'message'
   */
  quotes?: ErrorQuotes;
}

/**
 * Client of the platform API. It limits the request rate and makes up to five attempts per call: status codes 408, 429
 * and 5xx and failed connections are retried with full jitter, `Retry-After` is honored, and a rejected token is
 * renewed once.
 */
export class RestClient {
  private readonly options: Required<RestClientOptions>;

  constructor(options: RestClientOptions) {
    this.options = { fetch: globalThis.fetch, rateLimit: new RateLimit(), quotes: 'message', ...options };
  }

  /** Base URL of the platform API. */
  get apiUrl(): string {
    return this.options.apiUrl;
  }

  /**
   * Sends a request.
   *
   * @returns the parsed JSON body of the response; undefined if the body is empty
   * @throws {@link GenesysError} if the call fails; the message contains the correlation id for Genesys Cloud support
   */
  async call(request: RestRequest): Promise<unknown> {
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      const token = await this.options.tokens.get();
      try {
        return await this.attempt(request, token.accessToken);
      } catch (error) {
        if (!(error instanceof GenesysError)) throw error;
        if (error.code === 'unauthorized' && !renewed) {
          renewed = true;
          this.options.tokens.invalidate(token.accessToken);
          continue;
        }
        if (!error.retriable || attempt >= MAX_ATTEMPTS) throw error;
        const backoffMs = Math.random() * Math.min(MAX_BACKOFF_MS, BACKOFF_BASE_MS * 2 ** (attempt - 1));
        const waitMs = Math.max(backoffMs, Math.min(MAX_RETRY_AFTER_MS, error.retryAfterMs ?? 0));
        await delay(waitMs, undefined, request.signal ? { signal: request.signal } : {});
      }
    }
  }

  private async attempt(request: RestRequest, accessToken: string): Promise<unknown> {
    await this.options.rateLimit.take(request.signal);
    const what = `${request.method} ${request.path}`;
    const url = this.options.apiUrl + fill(request.path, request.parameters) + queryString(request.query);
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    let response: Response;
    let text: string;
    try {
      response = await this.options.fetch(url, {
        method: request.method,
        headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        signal: request.signal ? AbortSignal.any([request.signal, timeout]) : timeout,
      });
      text = await response.text();
    } catch (cause) {
      if (request.signal?.aborted) throw cause;
      throw unreachable(what, this.options.apiUrl, cause);
    }
    if (!response.ok) throw rejected(what, response, text, this.options.quotes);
    return parseBody(what, response, text);
  }
}

function fill(path: string, parameters: Readonly<Record<string, string>> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ''));
}

function queryString(query: Readonly<Record<string, string>> | undefined): string {
  return query ? `?${new URLSearchParams(query)}` : '';
}

function parseBody(what: string, response: Response, text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // The cause is omitted because it would quote the response, which may contain a channel id.
    throw new GenesysError('unexpected_answer', `${what} returned a response that is not JSON`, {
      retriable: true,
      status: response.status,
    });
  }
}

const CODE_BY_STATUS: Readonly<Record<number, GenesysError['code']>> = {
  401: 'unauthorized',
  403: 'missing_permission',
  404: 'not_found',
  408: 'unavailable',
  429: 'rate_limited',
};

function rejected(what: string, response: Response, text: string, quotes: ErrorQuotes): GenesysError {
  const { status } = response;
  const code = CODE_BY_STATUS[status] ?? (status >= 500 ? 'unavailable' : 'refused');
  const correlationId = response.headers.get('inin-correlation-id');
  const reason = quotes === 'message' ? quotedMessage(text) : permissionsIn(status, text);
  const message = `${what} returned status ${status}${reason ? `: ${reason}` : ''}${correlationId ? ` (inin-correlation-id ${correlationId})` : ''}`;
  return new GenesysError(code, message, {
    retriable: RETRIED_STATUSES.has(status),
    status,
    retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
  });
}

/** The message is redacted before it is truncated, because a truncated secret would not be recognized (P7). */
function quotedMessage(text: string): string {
  return redact(messageIn(text)).slice(0, MAX_MESSAGE_CHARACTERS);
}

/** The permissions that a response names: `domain:entity:action`. */
function permissionsIn(status: number, text: string): string {
  if (status !== 403) return '';
  return [...new Set(messageIn(text).match(PERMISSION))].join(', ').slice(0, MAX_MESSAGE_CHARACTERS);
}

/** The `message` of a JSON body, or the whole text if the body is not JSON. */
function messageIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    const message =
      typeof body === 'object' && body !== null ? (body as { message?: unknown }).message : undefined;
    return typeof message === 'string' ? message : '';
  } catch {
    return text;
  }
}
