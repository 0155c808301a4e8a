import { createHmac, timingSafeEqual } from 'node:crypto';

/** Maximum difference between `webhook-timestamp` and the receiver's clock, in ms, as the specification recommends. */
const MAX_TIMESTAMP_DIFFERENCE_MS = 300_000;
const SECRET_PREFIX = 'whsec_';
const SYMMETRIC_VERSION = 'v1';

/** The parts of a request that are signed, and the signature. */
export interface SignedRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/**
 * Checks a signature of Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks): one element of
 * `webhook-signature` must be `v1,` and the Base64 of the HMAC-SHA256 of `id.timestamp.body`.
 *
 * @param secret - the key in Base64, with or without `whsec_`
 * @returns what is wrong, or undefined
 */
export function signatureProblem(
  { headers, body }: SignedRequest,
  secret: string,
  nowMs: number,
): string | undefined {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (!id || !timestamp || !signatures)
    return 'webhook-id, webhook-timestamp or webhook-signature is missing';
  if (!/^\d{1,12}$/.test(timestamp)) return 'webhook-timestamp is not a number of seconds';
  if (Math.abs(nowMs - Number(timestamp) * 1_000) > MAX_TIMESTAMP_DIFFERENCE_MS)
    return 'webhook-timestamp differs from the current time by more than 5 minutes';
  const key = Buffer.from(
    secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret,
    'base64',
  );
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  const matches = signatures.split(' ').some((signature) => {
    const [version, digest = ''] = signature.split(',');
    const given = Buffer.from(digest, 'base64');
    return (
      version === SYMMETRIC_VERSION && given.length === expected.length && timingSafeEqual(given, expected)
    );
  });
  return matches ? undefined : 'webhook-signature does not match the body';
}
