import { randomBytes } from 'node:crypto';
import type { Random } from '../random.ts';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const CHANNEL_ID_CHARS = 26;
const TOKEN_BYTES = 48;
const UINT32 = 2 ** 32;

/** A version 4 UUID from a seeded random source. */
export function seededUuid(random: Random): string {
  const a = hex32(random);
  const b = hex32(random);
  const c = hex32(random);
  const variant = ((Number.parseInt(c.slice(0, 1), 16) & 0x3) | 0x8).toString(16);
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-${variant}${c.slice(1, 4)}-${c.slice(4)}${hex32(random)}`;
}

function hex32(random: Random): string {
  return Math.floor(random.next() * UINT32)
    .toString(16)
    .padStart(8, '0');
}

/** A channel id in the platform's format. It grants access to the channel, so it is cryptographically random. */
export function newChannelId(): string {
  let id = '';
  for (const byte of randomBytes(CHANNEL_ID_CHARS)) id += BASE32[byte % BASE32.length];
  return `streaming-0-${id}`;
}

/** A bearer token. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}
