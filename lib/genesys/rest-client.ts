import { setTimeout as delay } from 'node:timers/promises';
import { redact } from '../events/redaction.ts';
import { GenesysError, retryAfterMs, unreachable } from './genesys-error.ts';
import { RateLimit } from './request-rate-limit.ts';
import type { TokenSource } from './token-source.ts';

const REQUEST_TIMEOUT_MS = 16_000;
/** Tries of one call, the first included. */
const ATTEMPTS = 5;
const BACKOFF_BASE_MS = 500;
const BACKOFF_CAP_MS = 30_000;
/** A longer `Retry-After` is cut; the platform's limits are a minute's. */
const RETRY_AFTER_CAP_MS = 120_000;
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
/** Characters of Genesys Cloud's own message that go into an error. */
const MESSAGE_LIMIT_CHARACTERS = 300;

/** One call of the platform API. */
export interface RestRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Path template with `{name}` for parameters; errors name the template, for parameters may be secrets (P7). */
  path: string;
  parameters?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  signal?: AbortSignal;
}

/** What the REST client needs, its edges with defaults. */
export interface RestClientOptions {
  /** For example `https://api.mypurecloud.com`. */
  apiUrl: string;
  tokens: TokenSource;
  fetch?: typeof fetch;
  /** Default: 300 requests a minute, the platform's limit for one token. */
  rateLimit?: RateLimit;
}

/**
 * The platform API over HTTPS: a bearer token, 300 requests a minute, 408/429/5xx and lost connections tried again
 * with full jitter (`Retry-After` is honoured) up to five times, a refused token renewed once.
 */
export class RestClient {
  private readonly options: Required<RestClientOptions>;

  constructor(options: RestClientOptions) {
    this.options = { fetch: globalThis.fetch, rateLimit: new RateLimit(), ...options };
  }

  /**
   * The parsed JSON of the answer; undefined when it has no body.
   *
   * @throws {@link GenesysError} with Genesys Cloud's correlation id in its message, for their support
   */
  async call(request: RestRequest): Promise<unknown> {
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      const token = await this.options.tokens.get();
      try {
        return await this.once(request, token.accessToken);
      } catch (error) {
        if (!(error instanceof GenesysError)) throw error;
        if (error.code === 'unauthorized' && !renewed) {
          renewed = true;
          this.options.tokens.invalidate(token.accessToken);
          continue;
        }
        if (!error.retriable || attempt >= ATTEMPTS) throw error;
        const backoffMs = Math.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** (attempt - 1));
        const waitMs = Math.max(backoffMs, Math.min(RETRY_AFTER_CAP_MS, error.retryAfterMs ?? 0));
        await delay(waitMs, undefined, request.signal ? { signal: request.signal } : {});
      }
    }
  }

  private async once(request: RestRequest, accessToken: string): Promise<unknown> {
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
    if (!response.ok) throw refused(what, response, text);
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
    // The cause would quote the answer, which may hold a channel id.
    throw new GenesysError('unexpected_answer', `${what}: the answer is not JSON`, {
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

function refused(what: string, response: Response, text: string): GenesysError {
  const { status } = response;
  const code = CODE_BY_STATUS[status] ?? (status >= 500 ? 'unavailable' : 'refused');
  const correlationId = response.headers.get('inin-correlation-id');
  const said = messageOf(text);
  const message = `${what} answered ${status}${said ? `: ${said}` : ''}${correlationId ? ` (inin-correlation-id ${correlationId})` : ''}`;
  return new GenesysError(code, message, {
    retriable: RETRIED_STATUSES.has(status),
    status,
    retryAfterMs: retryAfterMs(response.headers),
  });
}

/** What Genesys Cloud said; redacted before it is cut, for half a secret would no longer be recognised (P7). */
function messageOf(text: string): string {
  return redact(saidIn(text)).slice(0, MESSAGE_LIMIT_CHARACTERS);
}

function saidIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    const message =
      typeof body === 'object' && body !== null ? (body as { message?: unknown }).message : undefined;
    return typeof message === 'string' ? message : '';
  } catch {
    return text;
  }
}
