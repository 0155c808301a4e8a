import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CachedSecret, type SecretTexts } from '../../lib/aws/cached-secret.ts';

/** At least 16 bytes. */
const HEX = /^(?:[0-9a-f]{2}){16,}$/i;

/** The value of the signing secret is missing or not hexadecimal. */
export class SigningSecretError extends Error {
  readonly code = 'signing_secret_invalid';
  readonly retriable = true;

  constructor(secretId: string) {
    super(
      `The signing secret ${secretId} has no value of at least 32 hexadecimal digits. Create the stream with: switchboard streams create`,
    );
    this.name = 'SigningSecretError';
  }
}

/**
 * The keys with which deliveries may be signed: the current and the previous value of a secret in Secrets Manager,
 * decoded from hex. The keys are cached. A delivery that was not signed with a cached key triggers a new read, so a
 * rotation takes effect at once.
 */
export class SigningKeys extends CachedSecret<readonly Buffer[]> {
  constructor(client: SecretsManagerClient, secretId: string) {
    // During a rotation, both values are valid.
    super({
      client,
      secretId,
      stages: ['AWSCURRENT', 'AWSPREVIOUS'],
      parse: (texts) => parseKeys(texts, secretId),
    });
  }
}

/** @throws {@link SigningSecretError} */
function parseKeys({ AWSCURRENT, AWSPREVIOUS }: SecretTexts, secretId: string): readonly Buffer[] {
  const [current, previous] = [AWSCURRENT, AWSPREVIOUS].map(decode);
  if (current === undefined) throw new SigningSecretError(secretId);
  return previous === undefined ? [current] : [current, previous];
}

function decode(hex = ''): Buffer | undefined {
  return HEX.test(hex) ? Buffer.from(hex, 'hex') : undefined;
}
