import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from 'vitest';
import { ADDRESS_POLICIES, isAllowedAddress, urlProblem } from '../../functions/delivery/addresses.ts';
import { HttpCaller } from '../../functions/delivery/http-call.ts';
import { ReceivingServer } from './receiving-server.ts';

/** Addresses that no destination may have, whatever its network. */
const NEVER = {
  loopback: '127.0.0.1',
  'another loopback address': '127.255.255.254',
  unspecified: '0.0.0.0',
  'this network': '0.1.2.3',
  'instance metadata': '169.254.169.254',
  'task metadata': '169.254.170.2',
  multicast: '224.0.0.1',
  broadcast: '255.255.255.255',
  'documentation 1': '192.0.2.1',
  'documentation 2': '198.51.100.1',
  'documentation 3': '203.0.113.1',
  benchmarks: '198.18.0.1',
  'protocol assignments': '192.0.0.1',
  reserved: '240.0.0.1',
  'relays of 6to4': '192.88.99.1',
  'IPv6 loopback': '::1',
  'IPv6 unspecified': '::',
  'IPv6 link-local': 'fe80::1',
  'IPv6 link-local with a zone': 'fe80::1%eth0',
  'global IPv6 with a zone': '2606:4700::1%eth0',
  'IPv6 site-local': 'fec0::1',
  'IPv6 multicast': 'ff02::1',
  'IPv6 documentation': '2001:db8::1',
  'IPv6 discard': '100::1',
  'IPv6 instance metadata': 'fd00:ec2::254',
  'IPv4-mapped loopback': '::ffff:127.0.0.1',
  'IPv4-mapped loopback in hexadecimal': '::ffff:7f00:1',
  'IPv4-mapped private': '::ffff:10.0.0.1',
  'IPv4-mapped public': '::ffff:8.8.8.8',
  'IPv4-compatible loopback': '::127.0.0.1',
  'IPv4-translated loopback': '::ffff:0:127.0.0.1',
  'NAT64 of loopback': '64:ff9b::127.0.0.1',
  'NAT64 of instance metadata': '64:ff9b::a9fe:a9fe',
  'local NAT64': '64:ff9b:1::7f00:1',
  '6to4 of loopback': '2002:7f00:1::',
  Teredo: '2001::1',
  'not an address': 'example.com',
  'a short form': '127.1',
  nothing: '',
};
const PRIVATE = {
  'RFC 1918, 10/8': '10.1.2.3',
  'RFC 1918, 172.16/12': '172.31.255.255',
  'RFC 1918, 192.168/16': '192.168.0.1',
  'carrier-grade NAT': '100.64.0.1',
  'unique local': 'fd12:3456::1',
};
const PUBLIC = ['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1', '2a00:1450:4001::1'];

test.each(Object.entries(NEVER))(
  'An address is refused even if private networks are allowed: %s (%s)',
  (_, address) => {
    expect(isAllowedAddress(address, 'public')).toBe(false);
    expect(isAllowedAddress(address, 'private')).toBe(false);
  },
);

test.each(Object.entries(PRIVATE))(
  'An address is refused unless private networks are allowed: %s (%s)',
  (_, address) => {
    expect(isAllowedAddress(address, 'public')).toBe(false);
    expect(isAllowedAddress(address, 'private')).toBe(true);
  },
);

test.each(PUBLIC)('A public address is allowed: %s', (address) => {
  for (const policy of ADDRESS_POLICIES) expect(isAllowedAddress(address, policy)).toBe(true);
});

test('In local runs every address is allowed', () => {
  expect(isAllowedAddress('127.0.0.1', 'any')).toBe(true);
  expect(urlProblem(new URL('http://localhost:8080/'), 'any')).toBeUndefined();
});

describe('A URL', () => {
  const FORMS = {
    dotted: 'https://127.0.0.1/',
    decimal: 'https://2130706433/',
    hexadecimal: 'https://0x7f000001/',
    octal: 'https://0177.0.0.1/',
    mixed: 'https://0x7f.1/',
    short: 'https://127.1/',
    zero: 'https://0/',
    'with a dot at the end': 'https://127.0.0.1./',
    'in full-width digits': 'https://１２７.０.０.１/',
    'with ideographic dots': 'https://127。0。0。1/',
    'percent-encoded': 'https://%31%32%37.0.0.1/',
    'metadata in decimal': 'https://2852039166/',
    IPv6: 'https://[::1]/',
    'IPv6, not shortened': 'https://[0:0:0:0:0:0:0:1]/',
    'IPv4-mapped': 'https://[::ffff:127.0.0.1]/',
    NAT64: 'https://[64:ff9b::7f00:1]/',
    'link-local': 'https://[fe80::1]/',
    localhost: 'https://localhost/',
    'localhost in upper case': 'https://LOCALHOST/',
    'a name below localhost': 'https://api.localhost/',
    'localhost with a dot at the end': 'https://localhost./',
    'a name with a dot at the end': 'https://example.com./',
  };

  test.each(Object.entries(FORMS))('is refused without a connection: %s (%s)', async (_, text) => {
    const resolved: string[] = [];
    const caller = new HttpCaller({
      addresses: 'private',
      timeoutMs: 5_000,
      resolve: async (name) => {
        resolved.push(name);
        return [];
      },
    });
    const result = await caller.post({ url: new URL(text), headers: {}, body: '{}' });
    expect(result).toMatchObject({ kind: 'failed', reason: 'address', mayHaveArrived: false });
    expect(resolved).toEqual([]);
  });

  test('cannot have an IPv6 zone', () => {
    expect(() => new URL('https://[fe80::1%25eth0]/')).toThrow('Invalid URL');
  });

  test.each(ADDRESS_POLICIES)('is refused with a user name or password (addresses: %s)', (policy) => {
    expect(urlProblem(new URL('https://user@example.com/'), policy)).toMatch(/remove them/);
    expect(urlProblem(new URL('https://:word@example.com/'), policy)).toMatch(/remove them/);
  });

  test('is refused without TLS, except in local runs', () => {
    for (const policy of ['public', 'private'] as const)
      expect(urlProblem(new URL('http://example.com/'), policy)).toMatch(/use https/);
    expect(urlProblem(new URL('ftp://example.com/'), 'any')).toMatch(/use https/);
    expect(urlProblem(new URL('https://example.com/'), 'public')).toBeUndefined();
  });
});

describe('A host name', () => {
  /** Nobody has an address of this global range: it is not assigned. */
  const UNASSIGNED = '3000::1';
  const answer = (address: string): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 });

  async function post(answers: readonly (readonly string[])[], server: ReceivingServer) {
    let queries = 0;
    const caller = new HttpCaller({
      addresses: 'public',
      timeoutMs: 200,
      resolve: async () => answers[queries++]?.map(answer) ?? [],
    });
    const url = server.url('/', { scheme: 'https', host: 'rebinding.example' });
    const results = [];
    for (const _ of answers) results.push(await caller.post({ url, headers: {}, body: '{}' }));
    caller.close();
    return { results, queries };
  }

  test('that changes to a loopback address between two queries (DNS rebinding) is never connected to', async () => {
    const server = await ReceivingServer.start();
    const { results, queries } = await post([[UNASSIGNED], ['127.0.0.1'], [UNASSIGNED], ['::1']], server);
    expect(results[0]).not.toMatchObject({ reason: 'address' });
    expect(results[1]).toMatchObject({ reason: 'address', mayHaveArrived: false });
    expect(results[3]).toMatchObject({ reason: 'address', mayHaveArrived: false });
    // The socket makes no query of its own after the check.
    expect(queries).toBe(4);
    expect(server.connections).toBe(0);
    await server.close();
  });

  test.each([
    ['127.0.0.1', UNASSIGNED],
    [UNASSIGNED, '127.0.0.1'],
    ['::ffff:127.0.0.1', UNASSIGNED],
  ])('with a public address and a refused one is refused: %s, %s', async (...addresses) => {
    const server = await ReceivingServer.start();
    const { results } = await post([addresses], server);
    expect(results).toMatchObject([{ reason: 'address', mayHaveArrived: false }]);
    expect(server.connections).toBe(0);
    await server.close();
  });

  test('without an address is reported, and what is refused is named with advice', async () => {
    const server = await ReceivingServer.start();
    const { results } = await post([[], ['10.0.0.1']], server);
    expect(results).toMatchObject([
      { reason: 'address', message: 'The host rebinding.example has no address' },
      {
        reason: 'address',
        message: expect.stringMatching(/has the address 10\.0\.0\.1: .* allow private ones/),
      },
    ]);
    await server.close();
  });
});
