import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { registerSecret } from '../events/redaction.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import { GenesysError, unreachable } from './genesys-error.ts';

/** A token is renewed at most this long before it expires. */
const MAX_RENEW_EARLY_MS = 60_000;
/** Maximum share of its lifetime by which a token is renewed early. This matters for short-lived tokens. */
const MAX_RENEW_EARLY_SHARE = 0.2;
const REQUEST_TIMEOUT_MS = 16_000;
/** Attempts per renewal, including the first. */
const MAX_ATTEMPTS = 5;
const BACKOFF_BASE_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** Longest `Retry-After` that is honored. The rate limits of the platform are per minute. */
const MAX_RETRY_AFTER_MS = 120_000;
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** Credentials of a Genesys Cloud OAuth client. */
export interface Credentials {
  clientId: string;
  clientSecret: string;
}

/** An access token and its lifetime. */
export interface Token {
  accessToken: string;
  /** Id of the OAuth client that the token belongs to. */
  clientId: string;
  /** Time of expiration in epoch milliseconds. */
  expiresAtMs: number;
  /** Lifetime granted when the token was issued. */
  lifeMs: number;
}

/** Options of {@link TokenSource}. */
export interface TokenSourceOptions {
  /** Base URL of the login service, for example `https://login.mypurecloud.com`. */
  loginUrl: string;
  /** Called on every renewal, so that a rotated secret takes effect. */
  credentials: () => Promise<Credentials>;
  /**
   * Where the request contains the client id and secret.
   *
   * @default 'header'
   */
  credentialsIn?: 'header' | 'form';
  fetch?: typeof fetch;
}

const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

/**
 * Gets access tokens with the OAuth client credentials grant. Tokens are cached and renewed 60 s before they expire,
 * with one renewal in flight at a time. Status codes 408, 429 and 5xx and failed connections are retried with full
 * jitter; `Retry-After` is honored.
 */
export class TokenSource {
  private readonly options: Required<TokenSourceOptions>;
  private token: Token | undefined;
  private renewal: Promise<Token> | undefined;

  constructor(options: TokenSourceOptions) {
    this.options = { fetch: globalThis.fetch, credentialsIn: 'header', ...options };
  }

  /**
   * Returns a token that is valid for more than `minimumLifeMs`, or a new token if no cached token is.
   *
   * @throws {@link GenesysError} with the code `unknown_client`, `wrong_secret`, `missing_permission`, `rate_limited`,
   *   `unreachable`, `unavailable` or `unexpected_answer`
   */
  async get(minimumLifeMs = 0): Promise<Token> {
    const early = this.token ? Math.min(MAX_RENEW_EARLY_MS, this.token.lifeMs * MAX_RENEW_EARLY_SHARE) : 0;
    if (this.token && this.token.expiresAtMs - Date.now() > Math.max(early, minimumLifeMs)) return this.token;
    this.renewal ??= this.renew().finally(() => {
      this.renewal = undefined;
    });
    return this.renewal;
  }

  /** Discards a token that Genesys Cloud rejected. A newer token stays in the cache. */
  invalidate(accessToken: string): void {
    if (this.token?.accessToken === accessToken) this.token = undefined;
  }

  private async renew(): Promise<Token> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.token = await this.request();
        return this.token;
      } catch (error) {
        if (!(error instanceof GenesysError) || !error.retriable || attempt >= MAX_ATTEMPTS) throw error;
        const backoffMs = Math.random() * Math.min(MAX_BACKOFF_MS, BACKOFF_BASE_MS * 2 ** attempt);
        await delay(Math.max(backoffMs, Math.min(MAX_RETRY_AFTER_MS, error.retryAfterMs ?? 0)));
      }
    }
  }

  private async request(): Promise<Token> {
    const { clientId, clientSecret } = await this.options.credentials();
    registerSecret(clientSecret);
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    registerSecret(basic);
    const isForm = this.options.credentialsIn === 'form';
    const url = `${this.options.loginUrl}/oauth/token`;
    let response: Response;
    let text: string;
    try {
      response = await this.options.fetch(url, {
        method: 'POST',
        headers: {
          ...(isForm ? {} : { authorization: `Basic ${basic}` }),
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          ...(isForm ? { client_id: clientId, client_secret: clientSecret } : {}),
        }).toString(),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      text = await response.text();
    } catch (cause) {
      throw unreachable('Failed to get a token', url, cause);
    }
    return response.ok ? readToken(text, clientId) : rejected(response, clientId);
  }
}

function readToken(text: string, clientId: string): Token {
  let parsed: z.infer<typeof tokenSchema>;
  try {
    parsed = tokenSchema.parse(JSON.parse(text));
  } catch {
    // The cause is omitted because it may quote the response, which may contain a token.
    throw new GenesysError(
      'unexpected_answer',
      'The token endpoint returned status 200 without access_token and expires_in',
      {
        retriable: true,
        status: 200,
      },
    );
  }
  registerSecret(parsed.access_token);
  const lifeMs = parsed.expires_in * 1000;
  return { accessToken: parsed.access_token, clientId, expiresAtMs: Date.now() + lifeMs, lifeMs };
}

function rejected(response: Response, clientId: string): never {
  const { status } = response;
  if (status === 400) {
    throw new GenesysError(
      'unknown_client',
      `Genesys Cloud does not know the OAuth client ${clientId} (400): check GENESYS_CLIENT_ID, and check that the client belongs to the region of GENESYS_DOMAIN`,
      { retriable: false, status },
    );
  }
  if (status === 401) {
    throw new GenesysError(
      'wrong_secret',
      `Genesys Cloud refused the client secret of the OAuth client ${clientId} (401): check GENESYS_CLIENT_SECRET`,
      {
        retriable: false,
        status,
      },
    );
  }
  if (status === 403) {
    throw new GenesysError(
      'missing_permission',
      `The OAuth client ${clientId} is not allowed to use client credentials (403): enable the Client Credentials grant and assign a role`,
      { retriable: false, status },
    );
  }
  throw new GenesysError(
    status === 429 ? 'rate_limited' : 'unavailable',
    `The token endpoint returned status ${status}`,
    {
      retriable: RETRIED_STATUSES.has(status),
      status,
      retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
    },
  );
}
