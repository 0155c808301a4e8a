import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Webhook } from 'standardwebhooks';
import { CachedSecret, type SecretTexts } from '../../lib/aws/cached-secret.ts';
import { registerSecret } from '../../lib/events/redaction.ts';
import { CredentialsError } from './credentials-error.ts';

/** Prefix of a signing key. It is optional. */
const KEY_PREFIX = /^whsec_/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Length of a key (Standard Webhooks, "Signature scheme"). */
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;
/** The separators of the signed text and of lists in headers are not part of an id. */
const ID = /^[\w:-]{1,256}$/;

/** A request that is signed. */
export interface SignedRequest {
  /** Id of the event. It is the same in every attempt. */
  readonly id: string;
  readonly body: string;
  /** Time of the attempt in epoch milliseconds. */
  readonly atMs: number;
}

/**
 * Signs requests as in Standard Webhooks 1.0.0 (https://www.standardwebhooks.com). There is a signature with the current
 * value of the secret, and one with the previous value, so that a receiver can change its key at any time of a rotation.
 */
export class SignatureHeaders {
  private readonly keys: CachedSecret<readonly Webhook[]>;

  constructor(client: SecretsManagerClient, secretId: string) {
    this.keys = new CachedSecret({
      client,
      secretId,
      stages: ['AWSCURRENT', 'AWSPREVIOUS'],
      parse: (texts) => parseKeys(texts, secretId),
    });
  }

  /** @throws the Secrets Manager error, or a {@link CredentialsError} */
  async of({ id, body, atMs }: SignedRequest): Promise<Record<string, string>> {
    if (!ID.test(id))
      throw new CredentialsError(
        'header_invalid',
        'The id of the event is not 1-256 letters, digits, "_", ":" and "-", so the event cannot be signed',
        false,
      );
    const keys = await this.keys.get();
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(atMs / 1_000)),
      'webhook-signature': keys.map((key) => key.sign(id, new Date(atMs), body)).join(' '),
    };
  }

  /** Reports that the destination refused a request. @returns whether the secret is read again */
  refused(): boolean {
    return this.keys.refused();
  }
}

/** @throws {@link CredentialsError} */
function parseKeys({ AWSCURRENT, AWSPREVIOUS }: SecretTexts, secretId: string): readonly Webhook[] {
  const [current, previous] = [AWSCURRENT, AWSPREVIOUS].map(parseKey);
  if (!current)
    throw new CredentialsError(
      'signing_secret_invalid',
      `The value of the signing secret ${secretId} is not the Base64 text of ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes: store one in the secret, for example of \`openssl rand -base64 32\``,
    );
  return previous ? [current, previous] : [current];
}

function parseKey(text = ''): Webhook | undefined {
  const key = text.replace(KEY_PREFIX, '');
  registerSecret(key);
  const { length } = Buffer.from(key, 'base64');
  return BASE64.test(key) && length >= MIN_KEY_BYTES && length <= MAX_KEY_BYTES
    ? new Webhook(key)
    : undefined;
}
