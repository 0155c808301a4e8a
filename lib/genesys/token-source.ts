import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { registerSecret } from '../events/redaction.ts';
import { GenesysError, retryAfterMs, unreachable } from './genesys-error.ts';

/** A token is renewed this long before it ends. */
const RENEW_EARLY_MS = 60_000;
/** Of a short life (a test, a simulator) no more than this share is given up to early renewal. */
const RENEW_EARLY_SHARE = 0.2;
const REQUEST_TIMEOUT_MS = 16_000;
/** Tries of one renewal, the first included. */
const ATTEMPTS = 5;
const BACKOFF_BASE_MS = 500;
const BACKOFF_CAP_MS = 30_000;
/** A longer `Retry-After` is cut; the platform's limits are a minute's. */
const RETRY_AFTER_CAP_MS = 120_000;
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** OAuth client credentials of Genesys Cloud. */
export interface Credentials {
  clientId: string;
  clientSecret: string;
}

/** An access token and when it ends. */
export interface Token {
  accessToken: string;
  /** Epoch milliseconds. */
  expiresAtMs: number;
  /** How long it was given for. */
  lifeMs: number;
}

/** What the token source needs, its edges with defaults. */
export interface TokenSourceOptions {
  /** For example `https://login.mypurecloud.com`. */
  loginUrl: string;
  /** Asked at every renewal, so that a rotated secret is picked up. */
  credentials: () => Promise<Credentials>;
  fetch?: typeof fetch;
}

const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

/**
 * Access tokens by the client credentials grant: cached, renewed 60 s before they end, one renewal in flight at a
 * time, 429 and 5xx tried again with full jitter (`Retry-After` is honoured).
 */
export class TokenSource {
  private readonly options: Required<TokenSourceOptions>;
  private token: Token | undefined;
  private renewal: Promise<Token> | undefined;

  constructor(options: TokenSourceOptions) {
    this.options = { fetch: globalThis.fetch, ...options };
  }

  /**
   * A token that still lives for at least `minimumLifeMs`, or as long as Genesys Cloud grants.
   *
   * @throws {@link GenesysError} `unknown_client`, `wrong_secret`, `missing_permission`, `rate_limited`,
   *   `unreachable`, `unavailable`, `unexpected_answer`
   */
  async get(minimumLifeMs = 0): Promise<Token> {
    const early = this.token ? Math.min(RENEW_EARLY_MS, this.token.lifeMs * RENEW_EARLY_SHARE) : 0;
    if (this.token && this.token.expiresAtMs - Date.now() > Math.max(early, minimumLifeMs)) return this.token;
    this.renewal ??= this.renew().finally(() => {
      this.renewal = undefined;
    });
    return this.renewal;
  }

  /** Forget a token that Genesys Cloud no longer takes; another one that was fetched meanwhile stays. */
  invalidate(accessToken: string): void {
    if (this.token?.accessToken === accessToken) this.token = undefined;
  }

  private async renew(): Promise<Token> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.token = await this.request();
        return this.token;
      } catch (error) {
        if (!(error instanceof GenesysError) || !error.retriable || attempt >= ATTEMPTS) throw error;
        const backoffMs = Math.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** attempt);
        await delay(Math.max(backoffMs, Math.min(RETRY_AFTER_CAP_MS, error.retryAfterMs ?? 0)));
      }
    }
  }

  private async request(): Promise<Token> {
    const { clientId, clientSecret } = await this.options.credentials();
    registerSecret(clientSecret);
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    registerSecret(basic);
    const url = `${this.options.loginUrl}/oauth/token`;
    let response: Response;
    let text: string;
    try {
      response = await this.options.fetch(url, {
        method: 'POST',
        headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'grant_type=client_credentials',
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      text = await response.text();
    } catch (cause) {
      throw unreachable('Cannot get a token', url, cause);
    }
    return response.ok ? readToken(text) : refuse(response);
  }
}

function readToken(text: string): Token {
  let parsed: z.infer<typeof tokenSchema>;
  try {
    parsed = tokenSchema.parse(JSON.parse(text));
  } catch {
    // The cause may quote the answer, which may hold a token.
    throw new GenesysError(
      'unexpected_answer',
      'The token endpoint answered 200 without an access_token and expires_in',
      {
        retriable: true,
        status: 200,
      },
    );
  }
  registerSecret(parsed.access_token);
  const lifeMs = parsed.expires_in * 1000;
  return { accessToken: parsed.access_token, expiresAtMs: Date.now() + lifeMs, lifeMs };
}

function refuse(response: Response): never {
  const { status } = response;
  if (status === 400) {
    throw new GenesysError(
      'unknown_client',
      'Genesys Cloud does not know this OAuth client (400): check GENESYS_CLIENT_ID, and that it belongs to the region of GENESYS_DOMAIN',
      { retriable: false, status },
    );
  }
  if (status === 401) {
    throw new GenesysError(
      'wrong_secret',
      'Genesys Cloud refused the client secret (401): check GENESYS_CLIENT_SECRET',
      {
        retriable: false,
        status,
      },
    );
  }
  if (status === 403) {
    throw new GenesysError(
      'missing_permission',
      'This OAuth client may not use client credentials (403): give it the Client Credentials grant and a role',
      { retriable: false, status },
    );
  }
  throw new GenesysError(
    status === 429 ? 'rate_limited' : 'unavailable',
    `The token endpoint answered ${status}`,
    { retriable: RETRIED_STATUSES.has(status), status, retryAfterMs: retryAfterMs(response.headers) },
  );
}
