import { LocalDeploymentError } from './local-deployment-error.ts';

/** Default address and OAuth client of `npm run simulator`. */
const SIMULATOR_URL = 'http://127.0.0.1:4580';
const SIMULATOR_CLIENT = { clientId: 'simulator-client', clientSecret: 'simulator-secret' };

/** The Genesys Cloud that the ingester connects to. */
export interface Genesys {
  credentials: { clientId: string; clientSecret: string };
  /** Undefined for the real Genesys Cloud, whose hosts are derived from its domain. */
  urls: { apiUrl: string; loginUrl: string } | undefined;
}

/**
 * Chooses the Genesys Cloud from the environment: the real one if only an OAuth client is set, another one if URLs are
 * set, otherwise the simulator at its default address.
 *
 * @throws {@link LocalDeploymentError} if only one variable of a pair is set
 */
export function chooseGenesys(environment: Readonly<Record<string, string | undefined>>): Genesys {
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
    `${missing} is not set. Set both ${first} and ${second}, or neither.`,
  );
}
