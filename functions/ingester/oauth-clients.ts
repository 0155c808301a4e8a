import type { Log } from '../../lib/aws/logger.ts';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { RateLimit } from '../../lib/genesys/request-rate-limit.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { type Credentials, TokenSource } from '../../lib/genesys/token-source.ts';
import { SecretEmptyError } from './credentials.ts';
import type { OAuthClient } from './protocols/stream-protocol.ts';

/** Options of {@link OAuthClients}. */
export interface OAuthClientsOptions {
  apiUrl: string;
  loginUrl: string;
  /** One per OAuth client; called each time its token is renewed. */
  credentials: readonly (() => Promise<Credentials>)[];
  /** @default 'header' */
  credentialsIn?: 'header' | 'form' | undefined;
  log: Log;
  fetch?: typeof fetch | undefined;
  /** @default - the platform's limit per token */
  requestsPerMinute?: number | undefined;
}

/** The OAuth clients of a deployment. Each has its own token and its own request limit. */
export class OAuthClients {
  private readonly clients: readonly OAuthClient[];
  private readonly log: Log;

  constructor(options: OAuthClientsOptions) {
    const {
      apiUrl,
      loginUrl,
      credentials,
      credentialsIn = 'header',
      log,
      fetch,
      requestsPerMinute,
    } = options;
    const http = fetch ? { fetch } : {};
    this.clients = credentials.map((one) => {
      const tokens = new TokenSource({ loginUrl, credentials: one, credentialsIn, ...http });
      const rateLimit = new RateLimit(requestsPerMinute);
      return { tokens, rest: new RestClient({ apiUrl, tokens, rateLimit, ...http }) };
    });
    this.log = log;
  }

  /**
   * The OAuth clients whose secret is filled, in the order of the configuration. A client that is added to a running
   * deployment has an empty secret at first. The others do not wait for it.
   *
   * @throws {@link SecretEmptyError} if every secret is empty; {@link GenesysError} if Genesys Cloud refuses a client, or
   *   with the code `repeated_client` if two secrets contain the same one
   */
  async filled(): Promise<readonly [OAuthClient, ...OAuthClient[]]> {
    const filled = new Map<string, OAuthClient>();
    const empty: SecretEmptyError[] = [];
    for (const client of this.clients) {
      try {
        const { clientId } = await client.tokens.get();
        if (filled.has(clientId)) throw repeated(clientId);
        filled.set(clientId, client);
      } catch (error) {
        if (!(error instanceof SecretEmptyError)) throw error;
        empty.push(error);
      }
    }
    const [first, ...others] = filled.values();
    if (!first) throw empty[0];
    for (const { message } of empty)
      this.log.warn('an OAuth client is not used until its secret is filled', { reason: message });
    return [first, ...others];
  }
}

/** The channels of both would count toward the limit of one client, so the platform would end some of them. */
function repeated(clientId: string): GenesysError {
  return new GenesysError(
    'repeated_client',
    `Two secrets contain the OAuth client ${clientId}: store another OAuth client in one of them, or remove it from the configuration`,
    { retriable: false },
  );
}
