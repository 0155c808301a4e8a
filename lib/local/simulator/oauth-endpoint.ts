import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { announceSecret } from '../announcements.ts';
import { type ApiRequest, type ApiResponse, readRequest, writeResponse } from './api-request.ts';
import type { PlatformPart } from './platform-server.ts';
import type { Tokens } from './tokens.ts';

export interface OAuthClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The login service of a platform whose parts share their tokens. */
export class OAuthEndpoint implements PlatformPart {
  readonly path = '/oauth/token';
  private readonly clients: readonly OAuthClient[];
  private readonly tokens: Tokens;

  constructor(clients: readonly OAuthClient[], tokens: Tokens) {
    this.clients = clients;
    this.tokens = tokens;
  }

  answer(incoming: IncomingMessage, response: ServerResponse): void {
    void readRequest(incoming)
      .then((request) =>
        request.method === 'POST' ? grantToken(request, this.clients, this.tokens) : { status: 405 },
      )
      // The client disconnected before its request was complete.
      .catch(() => ({ status: 400 }))
      .then((answered) => writeResponse(response, answered, {}));
  }

  upgrade(_request: IncomingMessage, raw: Duplex): void {
    raw.destroy();
  }

  async end(): Promise<void> {}
}

/**
 * `POST /oauth/token`: the client credentials grant, with id and secret in a Basic header or in the form. Like the
 * platform, it responds with 400 to an unknown client and 401 to a wrong secret, both `invalid_client`.
 */
export function grantToken(
  request: ApiRequest,
  clients: readonly OAuthClient[],
  tokens: Tokens,
): ApiResponse {
  for (const { clientSecret } of clients) announceSecret(clientSecret);
  const form = new URLSearchParams(request.body);
  const given = basicCredentials(request.headers.authorization) ?? {
    clientId: form.get('client_id') ?? '',
    clientSecret: form.get('client_secret') ?? '',
  };
  if (form.get('grant_type') !== 'client_credentials') {
    return refusal(400, 'unsupported_grant_type', 'the grant type must be client_credentials');
  }
  if (given.clientId === '') return refusal(400, 'invalid_request', 'client credentials are missing');
  const client = clients.find(({ clientId }) => clientId === given.clientId);
  if (client === undefined) {
    return refusal(400, 'invalid_client', 'client not found: invalid_client');
  }
  if (!isEqual(given.clientSecret, client.clientSecret)) {
    return refusal(401, 'invalid_client', 'authentication failed: invalid_client');
  }
  const token = tokens.issue(client.clientId);
  return {
    status: 200,
    body: { access_token: token.value, token_type: 'bearer', expires_in: tokens.lifeSeconds },
  };
}

function basicCredentials(header: string | undefined): OAuthClient | undefined {
  const encoded = /^basic\s+(\S+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return { clientId: text, clientSecret: '' };
  return { clientId: text.slice(0, colon), clientSecret: text.slice(colon + 1) };
}

function isEqual(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}

function refusal(status: number, error: string, description: string): ApiResponse {
  return { status, body: { error, description, error_description: description } };
}
