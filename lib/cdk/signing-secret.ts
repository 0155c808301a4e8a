import { Validations } from 'aws-cdk-lib';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { LogSettings } from './log-group.ts';

/** 32 bytes in hexadecimal. */
const SECRET_CHARACTERS = 64;
/** All letters that are not hexadecimal digits. */
const OTHER_LETTERS = 'ghijklmnopqrstuvwxyz';

/**
 * The secret with which Genesys Cloud signs deliveries. A new secret has a value that Secrets Manager generates, so that
 * it is never in the template.
 *
 * @param secret - name of a secret to create, or an existing secret; by default a new secret without a fixed name
 */
export function signingSecret(
  scope: Construct,
  secret: string | ISecret | Secret | undefined,
  { encryptionKey, removalPolicy }: Pick<LogSettings, 'encryptionKey' | 'removalPolicy'>,
): ISecret {
  if (typeof secret === 'object') return secret as ISecret;
  const created = new Secret(scope, 'Secret', {
    ...(secret === undefined ? {} : { secretName: secret }),
    description: 'Signing secret of the Switchboard webhook, in hexadecimal',
    generateSecretString: {
      passwordLength: SECRET_CHARACTERS,
      excludeCharacters: OTHER_LETTERS,
      excludeUppercase: true,
      excludePunctuation: true,
      includeSpace: false,
      requireEachIncludedType: false,
    },
    removalPolicy,
    ...(encryptionKey ? { encryptionKey } : {}),
  });
  Validations.of(created).acknowledge({
    id: 'AwsSolutions-SMG4',
    reason:
      'The same value must be stored in Genesys Cloud. `switchboard streams create` rotates both together, and the previous value stays valid.',
  });
  return created as ISecret;
}
