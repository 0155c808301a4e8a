import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Which addresses a destination may have:
 *
 * - `public`: globally routed addresses only
 * - `private`: also the private networks of RFC 1918, unique local addresses (RFC 4193) and carrier-grade NAT (RFC 6598)
 * - `any`: every address, and HTTP without TLS. For local runs only.
 */
export const ADDRESS_POLICIES = ['public', 'private', 'any'] as const;
export type AddressPolicy = (typeof ADDRESS_POLICIES)[number];

/** Resolves a host name to all of its addresses. */
export type Resolver = (hostname: string) => Promise<readonly LookupAddress[]>;

/** Ranges of ipaddr.js. `unicast` is every address that is in none of its special ranges. */
const PUBLIC_RANGES: ReadonlySet<string> = new Set(['unicast']);
const PRIVATE_RANGES: ReadonlySet<string> = new Set([
  ...PUBLIC_RANGES,
  'private',
  'uniqueLocal',
  'carrierGradeNat',
]);
/** All globally routed IPv6 addresses (RFC 4291, section 2.4). Excludes IPv4-compatible addresses, for example. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** Unique local addresses at which AWS offers instance metadata (`fd00:ec2::254`), DNS and credentials of pods. */
const AWS_SERVICES_IPV6 = ipaddr.IPv6.parseCIDR('fd00:ec2::/32');

/** The destination's address is not allowed. Nothing was sent. */
export class AddressRefusedError extends Error {
  readonly code = 'address_refused';
  /** The name may have another address later. */
  readonly retriable = true;

  constructor(message: string) {
    super(message);
    this.name = 'AddressRefusedError';
  }
}

/** Resolves with the operating system, which also knows `/etc/hosts`. */
export const systemResolver: Resolver = (hostname) => lookup(hostname, { all: true });

/** Whether an IP address is allowed. Text that is not an IP address, or has an IPv6 zone, is not. */
export function isAllowedAddress(address: string, policy: AddressPolicy): boolean {
  if (policy === 'any') return true;
  // ipaddr.js also reads other notations, for example 0x7f.1.
  if (isIP(address) === 0 || address.includes('%')) return false;
  const parsed = ipaddr.parse(address);
  const ranges = policy === 'private' ? PRIVATE_RANGES : PUBLIC_RANGES;
  const range = parsed.range();
  if (!ranges.has(range)) return false;
  if (parsed instanceof ipaddr.IPv4) return true;
  return range === 'unicast' ? parsed.match(GLOBAL_IPV6) : !parsed.match(AWS_SERVICES_IPV6);
}

/**
 * Why no call may be made to a URL, and what to do. A host name is not resolved here: {@link checkedLookup} checks the
 * address of each connection.
 *
 * @returns undefined if the call is allowed
 */
export function urlProblem(url: URL, policy: AddressPolicy): string | undefined {
  if (url.username !== '' || url.password !== '')
    return 'contains a user name or a password: remove them and configure authentication with a secret';
  if (url.protocol !== 'https:' && !(policy === 'any' && url.protocol === 'http:'))
    return `has the scheme "${url.protocol}": use https`;
  if (policy === 'any') return undefined;
  const host = hostOf(url);
  if (isIP(host) !== 0)
    return isAllowedAddress(host, policy) ? undefined : `has the address ${host}: ${advice(policy)}`;
  if (host.endsWith('.')) return `has the host "${host}": remove the dot at the end`;
  if (host === 'localhost' || host.endsWith('.localhost')) return `has the host "${host}": ${advice(policy)}`;
  return undefined;
}

/** The host of a URL as `net.connect` takes it: an IPv6 address without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/**
 * The `lookup` function of a connection. The socket connects to the addresses that were checked here, so another answer
 * to a second DNS query (DNS rebinding) has no effect. If one address of a name is not allowed, all are refused: such a
 * name is misconfigured or an attack, and a choice would make a call depend on the order of the answers. It is not
 * called for IP addresses in URLs, which {@link urlProblem} checks.
 */
export function checkedLookup(policy: AddressPolicy, resolve: Resolver = systemResolver): LookupFunction {
  return (hostname, options, callback) => {
    allowedAddresses(hostname, policy, resolve).then(
      ([first, ...others]) => {
        if (options.all) callback(null, [first, ...others]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };
}

async function allowedAddresses(
  hostname: string,
  policy: AddressPolicy,
  resolve: Resolver,
): Promise<[LookupAddress, ...LookupAddress[]]> {
  const [first, ...others] = await resolve(hostname);
  if (!first) throw new AddressRefusedError(`The host ${hostname} has no address`);
  const refused = [first, ...others].find(({ address }) => !isAllowedAddress(address, policy));
  if (refused)
    throw new AddressRefusedError(
      `The host ${hostname} has the address ${refused.address}: ${advice(policy)}`,
    );
  return [first, ...others];
}

function advice(policy: AddressPolicy): string {
  return policy === 'public'
    ? 'only public addresses are allowed. Use a public address, or allow private ones if the destination is in your network'
    : 'only public addresses and those of private networks are allowed';
}
