import { BlockList, isIP } from 'node:net';
import { InvalidEventPatternError } from './pattern-error.ts';

const MASK_BITS_MAX = { ipv4: 32, ipv6: 128 } as const;

/**
 * Compiles a `cidr` pattern, such as `10.0.0.0/24` or `2001:db8::/32`. A text that is no IP address, or one of the
 * other family, does not match.
 */
export function compileCidr(block: string, path: string): (text: string) => boolean {
  const [address = '', mask = '', ...more] = block.split('/');
  if (mask === '' || more.length > 0)
    throw new InvalidEventPatternError(`Malformed CIDR, one '/' required: ${block}`, path);
  const family = familyOf(address);
  if (family === undefined) throw new InvalidEventPatternError(`Nonstandard IP address: ${address}`, path);
  const bits = /^\d{1,3}$/.test(mask) ? Number(mask) : Number.NaN;
  if (!(bits <= MASK_BITS_MAX[family]))
    throw new InvalidEventPatternError(
      `Malformed CIDR, mask bits must be an integer from 0 to ${MASK_BITS_MAX[family]}: ${mask}`,
      path,
    );
  const addresses = new BlockList();
  addresses.addSubnet(address, bits, family);
  // BlockList takes an IPv4-mapped IPv6 address for IPv4; families are kept apart here.
  return (text) => familyOf(text) === family && addresses.check(text, family);
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  if (version === 4) return 'ipv4';
  return version === 6 ? 'ipv6' : undefined;
}
