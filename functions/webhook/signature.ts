import { createHmac, timingSafeEqual } from 'node:crypto';

/** The header with the signature, in lower case, as Lambda delivers it. */
export const SIGNATURE_HEADER = 'x-genesys-cloud-signature';

/**
 * Whether a signature is the Base64-encoded HMAC-SHA256 of a body with one of the keys. The time taken depends neither
 * on the signature nor on which key matches. A signature with a different length is wrong.
 *
 * @param body - the exact bytes that were received
 */
export function isSigned(body: Buffer, signature: string, keys: readonly Buffer[]): boolean {
  const given = Buffer.from(signature);
  let matches = false;
  for (const key of keys) {
    const expected = Buffer.from(createHmac('sha256', key).update(body).digest('base64'));
    // The encoded strings are compared, because decoding ignores characters that are not Base64.
    matches = (given.length === expected.length && timingSafeEqual(given, expected)) || matches;
  }
  return matches;
}
