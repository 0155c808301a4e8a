/**
 * Genesys Cloud regions: the AWS Region and the parent domain of the hosts `api.`, `login.` and `streaming.`
 * (source: `PureCloudRegionHosts.js` of the platform SDK 262).
 */
export const GENESYS_REGIONS = {
  us_east_1: 'mypurecloud.com',
  us_west_2: 'usw2.pure.cloud',
  us_east_2: 'use2.us-gov-pure.cloud',
  ca_central_1: 'cac1.pure.cloud',
  mx_central_1: 'mxc1.pure.cloud',
  sa_east_1: 'sae1.pure.cloud',
  eu_west_1: 'mypurecloud.ie',
  eu_west_2: 'euw2.pure.cloud',
  eu_central_1: 'mypurecloud.de',
  eu_central_2: 'euc2.pure.cloud',
  eusc_de_east_1: 'edee1.eusc-pure.cloud',
  me_central_1: 'mec1.pure.cloud',
  ap_south_1: 'aps1.pure.cloud',
  ap_southeast_1: 'apse1.pure.cloud',
  ap_southeast_2: 'mypurecloud.com.au',
  ap_northeast_1: 'mypurecloud.jp',
  ap_northeast_2: 'apne2.pure.cloud',
  ap_northeast_3: 'apne3.pure.cloud',
} as const;

/** Domain of a Genesys Cloud region. */
export type GenesysDomain = (typeof GENESYS_REGIONS)[keyof typeof GENESYS_REGIONS];

/** All domains, in the order of {@link GENESYS_REGIONS}. */
export const GENESYS_DOMAINS: readonly GenesysDomain[] = Object.values(GENESYS_REGIONS);

/** Base URLs of the services of a region, without a trailing slash. */
export interface GenesysHosts {
  /** Platform API, `https://api.{domain}`. */
  apiUrl: string;
  /** Login service (OAuth), `https://login.{domain}`. */
  loginUrl: string;
}

/** Domains under which Genesys Cloud opens new regions. The client secret is sent to no other. */
const NEW_REGION = /^[a-z0-9]+\.(?:us-gov-|eusc-)?pure\.cloud$/;

/** Whether a string is the domain of a Genesys Cloud region that is in {@link GENESYS_REGIONS}. */
export function isKnownDomain(domain: string): domain is GenesysDomain {
  return (GENESYS_DOMAINS as readonly string[]).includes(domain);
}

/** Whether a string is the domain of a Genesys Cloud region, or can be that of a region that is newer than the list. */
export function isGenesysDomain(domain: string): boolean {
  return isKnownDomain(domain) || NEW_REGION.test(domain);
}

/** What to report about a domain that {@link isGenesysDomain} accepts; undefined if the region is known. */
export function domainWarning(domain: string): string | undefined {
  if (isKnownDomain(domain)) return undefined;
  return `${domain} is not the domain of a Genesys Cloud region that this version knows. If it is not a new region, use one of ${GENESYS_DOMAINS.join(', ')}`;
}

/** Returns the base URLs for a domain. */
export function genesysHosts(domain: string): GenesysHosts {
  return { apiUrl: `https://api.${domain}`, loginUrl: `https://login.${domain}` };
}
