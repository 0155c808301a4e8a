import { Validations } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { LogSettings } from './log-group.ts';

/** Alphanumeric characters are also Base64: these decode to 33 bytes. Standard Webhooks requires 24 to 64. */
const KEY_CHARACTERS = 44;

/**
 * Creates the secret that signs the calls of a delivery. Secrets Manager generates its value, so that it is never in the
 * template.
 *
 * @param secretName - undefined for a name that CloudFormation generates
 */
export function deliverySecret(
  scope: Construct,
  secretName: string | undefined,
  { encryptionKey, removalPolicy }: Pick<LogSettings, 'encryptionKey' | 'removalPolicy'>,
): Secret {
  const secret = new Secret(scope, 'Secret', {
    ...(secretName === undefined ? {} : { secretName }),
    description: 'Key that signs the calls of a Switchboard delivery, in Base64',
    generateSecretString: {
      passwordLength: KEY_CHARACTERS,
      excludePunctuation: true,
      includeSpace: false,
    },
    removalPolicy,
    ...(encryptionKey ? { encryptionKey } : {}),
  });
  Validations.of(secret).acknowledge({
    id: 'AwsSolutions-SMG4',
    reason: 'The destination verifies signatures with the same value, so both must be changed together.',
  });
  return secret;
}
