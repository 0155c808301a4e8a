import { registerSecret } from '../../lib/events/redaction.ts';
import { genesysHosts } from '../../lib/genesys/regions.ts';
import { RestClient } from '../../lib/genesys/rest-client.ts';
import { TokenSource } from '../../lib/genesys/token-source.ts';
import { StreamsError } from './streams-error.ts';

/**
 * A client for the Genesys Cloud selected by the environment: by `GENESYS_DOMAIN`, or by `GENESYS_API_URL` and
 * `GENESYS_LOGIN_URL`.
 *
 * @throws {@link StreamsError} that lists the missing variables
 */
export function genesysFrom(environment: Readonly<Record<string, string | undefined>>): RestClient {
  const {
    GENESYS_DOMAIN: domain,
    GENESYS_CLIENT_ID: clientId,
    GENESYS_CLIENT_SECRET: clientSecret,
  } = environment;
  const hosts = domain ? genesysHosts(domain) : undefined;
  const apiUrl = environment.GENESYS_API_URL ?? hosts?.apiUrl;
  const loginUrl = environment.GENESYS_LOGIN_URL ?? hosts?.loginUrl;
  const missing = [
    ...(apiUrl && loginUrl ? [] : ['GENESYS_DOMAIN']),
    ...(clientId ? [] : ['GENESYS_CLIENT_ID']),
    ...(clientSecret ? [] : ['GENESYS_CLIENT_SECRET']),
  ];
  if (!apiUrl || !loginUrl || !clientId || !clientSecret)
    throw new StreamsError('no_genesys', `Set ${missing.join(', ')}: the OAuth client that manages streams.`);
  registerSecret(clientSecret);
  const tokens = new TokenSource({ loginUrl, credentials: async () => ({ clientId, clientSecret }) });
  return new RestClient({ apiUrl, tokens });
}
