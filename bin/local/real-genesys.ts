import { GENESYS_DOMAINS, isGenesysDomain } from '../../lib/genesys/regions.ts';
import type { LocalOptions } from './run-options.ts';

/** Domain and credentials of the real Genesys Cloud. */
export interface RealGenesys {
  domain: string;
  clientId: string;
  clientSecret: string;
}

/**
 * Reads the real Genesys Cloud from the environment. Returns undefined if none of its variables are set.
 *
 * @throws Error that lists what is missing or invalid
 */
export function realGenesys(
  environment: Readonly<Record<string, string | undefined>>,
): RealGenesys | undefined {
  const { GENESYS_DOMAIN, GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET } = environment;
  const given = { GENESYS_DOMAIN, GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET };
  const missing = Object.entries(given).flatMap(([name, value]) => (value ? [] : name));
  if (missing.length === Object.keys(given).length) return undefined;
  const problems = missing.map((name) => `${name} is not set`);
  if (GENESYS_DOMAIN && !isGenesysDomain(GENESYS_DOMAIN)) {
    problems.push(
      `GENESYS_DOMAIN ${GENESYS_DOMAIN} is not a Genesys Cloud region; use one of ${GENESYS_DOMAINS.join(', ')}`,
    );
  }
  if (problems.length > 0) {
    throw new Error(
      `To connect to the real Genesys Cloud, set GENESYS_DOMAIN, GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET. To use the simulated one, unset all of them.\n${problems.map((one) => `  - ${one}`).join('\n')}`,
    );
  }
  return {
    domain: GENESYS_DOMAIN ?? '',
    clientId: GENESYS_CLIENT_ID ?? '',
    clientSecret: GENESYS_CLIENT_SECRET ?? '',
  };
}

/**
 * Rejects options that only apply to the simulated Genesys Cloud. Call it when the real one is used.
 *
 * @throws Error that lists them
 */
export function rejectSimulationFlags({ events, replay, exit, faults, protocol }: LocalOptions): void {
  const flags = [
    ...(protocol === 'notification-channels' ? [] : [`--protocol ${protocol}`]),
    ...(events === undefined ? [] : ['--events']),
    ...(replay === undefined ? [] : ['--replay']),
    ...(exit ? ['--exit'] : []),
    ...(faults.cloud.length + faults.stream.length + faults.webhook.length > 0
      ? ['--faults with faults of Genesys Cloud']
      : []),
  ];
  if (flags.length === 0) return;
  throw new Error(
    `${flags.join(', ')}: only valid with the simulated Genesys Cloud, but GENESYS_DOMAIN, GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET select the real one. Unset these variables or omit the options.`,
  );
}
