import type { Token } from '../../../lib/genesys/token-source.ts';
import type { Reconnect } from './end-table.ts';
import type { OAuthClient, ProtocolContext } from './stream-protocol.ts';

/** A connection is replaced this long before its token expires, but at most this share of the token's lifetime. */
export const REPLACE_EARLY_MS = 600_000;
const REPLACE_EARLY_SHARE = 0.2;

/** When to replace a connection that expires, in epoch milliseconds. */
export function replaceBy(expiresAtMs: number): number {
  const leftMs = expiresAtMs - Date.now();
  return expiresAtMs - Math.min(REPLACE_EARLY_MS, leftMs * REPLACE_EARLY_SHARE);
}

/** The token used to open the connections of a subscription. */
export class ConnectionToken {
  private last = '';

  /** A token for a new connection, which does not expire soon, and its client. */
  async get(
    { clients }: ProtocolContext,
    recovery: Reconnect,
  ): Promise<{ readonly token: Token; readonly client: OAuthClient }> {
    const [client] = await clients();
    if (recovery === 'reauthenticate') client.tokens.invalidate(this.last);
    const token = await client.tokens.get(REPLACE_EARLY_MS);
    this.last = token.accessToken;
    return { token, client };
  }
}

/**
 * The address of a stream on the host of the platform API, or on the host without `api.`.
 *
 * @param apiUrl - for example `https://api.mypurecloud.com`
 */
export function streamUrl(apiUrl: string, path: string, host: 'api' | 'domain' = 'api'): URL {
  const url = new URL(`${apiUrl.replace(/^http/, 'ws')}${path}`);
  if (host === 'domain') url.hostname = url.hostname.replace(/^api\./, '');
  return url;
}
