import { expect, test } from 'vitest';
import {
  domainWarning,
  GENESYS_DOMAINS,
  GENESYS_REGIONS,
  genesysHosts,
  isGenesysDomain,
} from '../../lib/genesys/regions.ts';

test('The list of regions contains 18 regions with distinct domains', () => {
  expect(Object.keys(GENESYS_REGIONS)).toHaveLength(18);
  expect(new Set(GENESYS_DOMAINS).size).toBe(18);
  expect([...GENESYS_DOMAINS]).toEqual(Object.values(GENESYS_REGIONS));
});

test.each(Object.entries(GENESYS_REGIONS))(
  'The region %s has the lowercase domain %s and hosts under it',
  (region, domain) => {
    expect(region).toMatch(/^(?:us|ca|mx|sa|eu|eusc_de|me|ap)_(?:\w+)_\d$/);
    expect(domain).toMatch(
      /^(?:[a-z0-9-]+\.)?(?:mypurecloud\.(?:com|ie|de|jp|com\.au)|(?:[a-z-]+-)?pure\.cloud)$/,
    );
    expect(isGenesysDomain(domain)).toBe(true);
    const { apiUrl, loginUrl } = genesysHosts(domain);
    expect(new URL(apiUrl)).toMatchObject({ protocol: 'https:', host: `api.${domain}`, pathname: '/' });
    expect(new URL(loginUrl)).toMatchObject({ protocol: 'https:', host: `login.${domain}`, pathname: '/' });
    for (const url of [apiUrl, loginUrl]) expect(url.endsWith('/')).toBe(false);
  },
);

test.each(['new1.pure.cloud', 'usw9.us-gov-pure.cloud', 'frpa1.eusc-pure.cloud'])(
  'The domain %s of a region that is newer than the list is accepted with a warning',
  (domain) => {
    expect(isGenesysDomain(domain)).toBe(true);
    expect(domainWarning(domain)).toMatch(
      new RegExp(`^${domain} is not .* this version knows.*use one of mypurecloud.com,`),
    );
  },
);

test('There is no warning about a known region', () => {
  expect(GENESYS_DOMAINS.map(domainWarning)).toEqual(GENESYS_DOMAINS.map(() => undefined));
});

test.each([
  'example.com',
  'evil-pure.cloud',
  'a.evil-pure.cloud',
  'a.b.pure.cloud',
  'a.pure.cloud.evil.example',
  'mypurecloud.fr',
  'api.mypurecloud.com',
  'https://mypurecloud.com',
  'MYPURECLOUD.COM',
  'mypurecloud.com.evil.example',
  'pure.cloud',
  '',
  'toString',
])('The string "%s" is not accepted as a Genesys Cloud domain', (domain) => {
  expect(isGenesysDomain(domain)).toBe(false);
});
