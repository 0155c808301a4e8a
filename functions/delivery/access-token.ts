import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { CachedSecret, type SecretTexts } from '../../lib/aws/cached-secret.ts';
import { registerSecret } from '../../lib/events/redaction.ts';
import { CredentialsError } from './credentials-error.ts';
import type { CallResult, HttpCaller } from './http-call.ts';

/** A token is renewed at most this long before it expires. */
const MAX_RENEW_EARLY_MS = 60_000;
/** Maximum share of its lifetime by which a token is renewed early. This matters for short-lived tokens. */
const MAX_RENEW_EARLY_SHARE = 0.2;
/** Lifetime of a token whose response has no `expires_in`. Some servers omit it (RFC 6749, section 5.1). */
const DEFAULT_LIFE_S = 300;
/** Shortest time between two requests for a token after a failed one. */
const MIN_RETRY_INTERVAL_MS = 1_000;
/** Longest response with a token. Tokens that contain groups or roles have several kilobytes. */
const MAX_ANSWER_BYTES = 16_384;
/** The wrong client, secret or scope (RFC 6749, section 5.2). */
const REFUSED_STATUSES: ReadonlySet<number> = new Set([400, 401, 403]);

/** Where and with what tokens are requested. */
export interface AccessTokenSettings {
  readonly tokenUrl: string;
  /** Name or ARN of the secret `{"clientId":"…","clientSecret":"…"}`. */
  readonly secretId: string;
  readonly scope?: string | undefined;
}

interface Client {
  readonly clientId: string;
  readonly clientSecret: string;
}

interface Token {
  readonly text: string;
  /** Epoch milliseconds. */
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

const clientSchema = z.object({ clientId: z.string().min(1), clientSecret: z.string().min(1) });
const answerSchema = z.object({
  // The characters of RFC 6750, section 2.1: nothing that ends a header.
  access_token: z.string().regex(/^[\w\-.~+/]+=*$/),
  token_type: z
    .string()
    .regex(/^bearer$/i)
    .optional(),
  // Some servers send a string.
  expires_in: z.coerce.number().positive().default(DEFAULT_LIFE_S),
});

/**
 * Access tokens of the OAuth 2.0 client credentials grant (RFC 6749, section 4.4). A token is cached and renewed before
 * it expires, with one request at a time.
 */
export class AccessTokens {
  private readonly settings: AccessTokenSettings;
  private readonly caller: Pick<HttpCaller, 'post'>;
  private readonly client: CachedSecret<Client>;
  private token: Token | undefined;
  /** Whether the token was in the cache when it was last used. */
  private isReused = false;
  private renewal: Promise<string> | undefined;
  private lastFailure: { readonly error: unknown; readonly atMs: number } | undefined;

  constructor(client: SecretsManagerClient, settings: AccessTokenSettings, caller: Pick<HttpCaller, 'post'>) {
    this.settings = settings;
    this.caller = caller;
    this.client = new CachedSecret({
      client,
      secretId: settings.secretId,
      stages: ['AWSCURRENT'],
      parse: (texts) => parseClient(texts, settings.secretId),
    });
  }

  /**
   * A token. If the renewal fails, the old one is used until it expires.
   *
   * @throws the Secrets Manager error, or a {@link CredentialsError}
   */
  async get(): Promise<string> {
    const old = this.token;
    if (old && Date.now() < old.renewAtMs) return this.reuse(old);
    this.renewal ??= this.renew().finally(() => {
      this.renewal = undefined;
    });
    try {
      return await this.renewal;
    } catch (error) {
      if (old && Date.now() < old.expiresAtMs) return this.reuse(old);
      throw error;
    }
  }

  /**
   * Forgets the token, which the destination refused.
   *
   * @returns false if the token was new: another one would be refused too
   */
  refused(): boolean {
    this.token = undefined;
    return this.isReused;
  }

  private reuse({ text }: Token): string {
    this.isReused = true;
    return text;
  }

  private async renew(): Promise<string> {
    const { lastFailure } = this;
    if (lastFailure && Date.now() - lastFailure.atMs < MIN_RETRY_INTERVAL_MS) throw lastFailure.error;
    try {
      const requestedAtMs = Date.now();
      const { access_token: text, expires_in: lifeS } = await this.request();
      registerSecret(text);
      const lifeMs = lifeS * 1_000;
      const expiresAtMs = requestedAtMs + lifeMs;
      const earlyMs = Math.min(MAX_RENEW_EARLY_MS, lifeMs * MAX_RENEW_EARLY_SHARE);
      this.token = { text, renewAtMs: expiresAtMs - earlyMs, expiresAtMs };
      this.isReused = false;
      this.lastFailure = undefined;
      return text;
    } catch (error) {
      this.lastFailure = { error, atMs: Date.now() };
      throw error;
    }
  }

  private async request(): Promise<z.infer<typeof answerSchema>> {
    const { tokenUrl, scope } = this.settings;
    const { clientId, clientSecret } = await this.client.get();
    // Both are encoded before they are joined (RFC 6749, section 2.3.1).
    const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString(
      'base64',
    );
    registerSecret(basic);
    const result = await this.caller.post({
      url: new URL(tokenUrl),
      headers: {
        authorization: `Basic ${basic}`,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        ...(scope === undefined ? {} : { scope }),
      }).toString(),
      maxAnswerBytes: MAX_ANSWER_BYTES,
    });
    return this.read(result);
  }

  /** The messages do not quote the response, which may contain a token. */
  private read(result: CallResult): z.infer<typeof answerSchema> {
    const endpoint = `The token endpoint ${new URL(this.settings.tokenUrl).host}`;
    if (result.kind === 'failed')
      throw new CredentialsError('token_unavailable', `${endpoint} did not respond: ${result.message}`);
    const { status, text } = result;
    if (REFUSED_STATUSES.has(status)) {
      // The secret may have been rotated.
      this.client.refused();
      throw new CredentialsError(
        'token_refused',
        `${endpoint} refused the client with status ${status}: check clientId and clientSecret in the secret ${this.settings.secretId}, and the scope`,
      );
    }
    if (status < 200 || status > 299)
      throw new CredentialsError('token_unavailable', `${endpoint} returned status ${status}`);
    const { data } = answerSchema.safeParse(parseJson(text));
    if (!data)
      throw new CredentialsError(
        'token_invalid',
        `${endpoint} returned no bearer token: check that the URL is that of the token endpoint, and that the response is JSON with access_token and has at most ${MAX_ANSWER_BYTES} bytes`,
      );
    return data;
  }
}

/** @throws {@link CredentialsError} */
function parseClient({ AWSCURRENT = '' }: SecretTexts, secretId: string): Client {
  const { data } = clientSchema.safeParse(parseJson(AWSCURRENT));
  if (!data)
    throw new CredentialsError(
      'secret_invalid',
      `The value of the secret ${secretId} is not {"clientId":"…","clientSecret":"…"}: store the OAuth client in it`,
    );
  registerSecret(data.clientSecret);
  return data;
}

/** @returns undefined if the text is not JSON */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
