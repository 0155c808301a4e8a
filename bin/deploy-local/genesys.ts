import { LocalDeploymentError } from './local-deployment-error.ts';

/** Where `npm run simulator` listens, and the OAuth client that it knows. */
const SIMULATOR_URL = 'http://127.0.0.1:4580';
const SIMULATOR_CLIENT = { clientId: 'simulator-client', clientSecret: 'simulator-secret' };

/** Which Genesys Cloud the ingester connects to. */
export interface Genesys {
  credentials: { clientId: string; clientSecret: string };
  /** Undefined for the real one, whose hosts follow from its domain. */
  urls: { apiUrl: string; loginUrl: string } | undefined;
}

/**
 * The Genesys Cloud that the environment names: an OAuth client for the real one, addresses for any other. With
 * neither it is the simulator at its usual place.
 *
 * @throws LocalDeploymentError for half of a pair
 */
export function genesysOf(environment: Readonly<Record<string, string | undefined>>): Genesys {
  const client = both(environment, 'GENESYS_CLIENT_ID', 'GENESYS_CLIENT_SECRET');
  const urls = both(environment, 'GENESYS_API_URL', 'GENESYS_LOGIN_URL');
  const simulator = client ? undefined : { apiUrl: SIMULATOR_URL, loginUrl: SIMULATOR_URL };
  return {
    credentials: client ? { clientId: client[0], clientSecret: client[1] } : SIMULATOR_CLIENT,
    urls: urls ? { apiUrl: urls[0], loginUrl: urls[1] } : simulator,
  };
}

function both(
  environment: Readonly<Record<string, string | undefined>>,
  first: string,
  second: string,
): [string, string] | undefined {
  const values = [environment[first], environment[second]];
  if (values[0] && values[1]) return [values[0], values[1]];
  if (!values[0] && !values[1]) return undefined;
  const missing = values[0] ? second : first;
  throw new LocalDeploymentError(
    'genesys_incomplete',
    `${missing} is not set: give both ${first} and ${second}, or neither.`,
  );
}
