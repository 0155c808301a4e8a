import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CachedSecret, type SecretTexts } from '../../lib/aws/cached-secret.ts';
import { apiKeyHeaderProblem } from '../../lib/http/api-key-header.ts';
import { type AccessTokenSettings, AccessTokens } from './access-token.ts';
import { CredentialsError } from './credentials-error.ts';
import type { HttpCaller } from './http-call.ts';
import { SignatureHeaders, type SignedRequest } from './signature-headers.ts';

/** A token as in RFC 6750, section 2.1, and a header value without control characters. */
const BEARER_TOKEN = /^[\w\-.~+/]+=*$/;
const HEADER_VALUE = /^[\x20-\x7e]+$/;
/** How a destination recognizes its caller, besides the signature. */
export type AuthSettings =
  | { readonly kind: 'bearer'; readonly secretId: string }
  | { readonly kind: 'api_key'; readonly header: string; readonly secretId: string }
  | ({ readonly kind: 'oauth' } & AccessTokenSettings);

/** How requests are signed and authenticated. */
export interface CredentialSettings {
  /** Name or ARN of the secret with the signing key. Without it, requests are not signed. */
  readonly signingSecretId?: string | undefined;
  readonly auth?: AuthSettings | undefined;
}

/** The source of the authentication header. */
interface Auth {
  headers(): Promise<Record<string, string>>;
  refused(): boolean;
}

/** The headers by which a destination recognizes requests. Their secrets are in Secrets Manager. */
export class Credentials {
  private readonly signature: SignatureHeaders | undefined;
  private readonly auth: Auth | undefined;

  /** @throws {@link CredentialsError} with the code `header_invalid` if the API key cannot be in its header */
  constructor(client: SecretsManagerClient, settings: CredentialSettings, caller: Pick<HttpCaller, 'post'>) {
    const { signingSecretId, auth } = settings;
    this.signature =
      signingSecretId === undefined ? undefined : new SignatureHeaders(client, signingSecretId);
    this.auth = auth && createAuth(client, auth, caller);
  }

  /**
   * The headers for one attempt to send an event.
   *
   * @throws the Secrets Manager error, or a {@link CredentialsError}. Nothing may be sent then.
   */
  async headers(request: SignedRequest): Promise<Record<string, string>> {
    const auth = await this.auth?.headers();
    return { ...auth, ...(await this.signature?.of(request)) };
  }

  /**
   * Reports that the destination refused the headers (401). The OAuth token is forgotten, and secrets are read again.
   *
   * @returns whether a retry makes sense: not if the credentials were new
   */
  refused(): boolean {
    const isSignatureOld = this.signature?.refused() ?? false;
    const isAuthOld = this.auth?.refused() ?? false;
    return isSignatureOld || isAuthOld;
  }
}

function createAuth(
  client: SecretsManagerClient,
  settings: AuthSettings,
  caller: Pick<HttpCaller, 'post'>,
): Auth {
  switch (settings.kind) {
    case 'bearer':
      return secretHeader(client, settings.secretId, BEARER_TOKEN, (token) => ({
        authorization: `Bearer ${token}`,
      }));
    case 'api_key': {
      const { header } = settings;
      const problem = apiKeyHeaderProblem(header);
      if (problem !== undefined)
        throw new CredentialsError('header_invalid', `The header of the API key ${problem}`, false);
      return secretHeader(client, settings.secretId, HEADER_VALUE, (key) => ({
        [header.toLowerCase()]: key,
      }));
    }
    case 'oauth': {
      const tokens = new AccessTokens(client, settings, caller);
      return {
        headers: async () => ({ authorization: `Bearer ${await tokens.get()}` }),
        refused: () => tokens.refused(),
      };
    }
  }
}

/** A header whose value is a secret. */
function secretHeader(
  client: SecretsManagerClient,
  secretId: string,
  format: RegExp,
  header: (text: string) => Record<string, string>,
): Auth {
  const secret = new CachedSecret({
    client,
    secretId,
    stages: ['AWSCURRENT'],
    parse: ({ AWSCURRENT = '' }: SecretTexts) => {
      if (format.test(AWSCURRENT)) return header(AWSCURRENT);
      throw new CredentialsError(
        'secret_invalid',
        `The value of the secret ${secretId} is ${AWSCURRENT === '' ? 'empty' : 'not a valid header value'}: store the token or key in it as plain text on one line`,
      );
    },
  });
  return { headers: () => secret.get(), refused: () => secret.refused() };
}
