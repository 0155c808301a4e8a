import { SecretValue, Stack, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';

/** Which secret. */
export interface GenesysSecretProps {
  /** Name of a secret to make, or one that is there. */
  readonly secret: string | ISecret | Secret;
  readonly encryptionKey?: IKey | undefined;
}

/** The secret with the OAuth client of Genesys Cloud: `{"clientId":"…","clientSecret":"…"}`. */
export class GenesysSecret extends Construct {
  readonly secret: ISecret;
  readonly name: string;
  /** A shell command that reads the secret from standard input and stores it. */
  readonly fillCommand: string;

  constructor(scope: Construct, id: string, { secret, encryptionKey }: GenesysSecretProps) {
    super(scope, id);
    this.secret = (typeof secret === 'string' ? this.make(secret, encryptionKey) : secret) as ISecret;
    this.name = typeof secret === 'string' ? secret : secret.secretName;
    this.fillCommand = `aws secretsmanager put-secret-value --region ${Stack.of(this).region} --secret-id ${this.secret.secretArn} --secret-string file:///dev/stdin`;
  }

  private make(secretName: string, encryptionKey: IKey | undefined): Secret {
    const secret = new Secret(this, 'Secret', {
      secretName,
      description: 'OAuth client of Genesys Cloud for Switchboard: {"clientId":"…","clientSecret":"…"}',
      // Never change these: a deployment would then empty a secret that was filled.
      secretObjectValue: {
        clientId: SecretValue.unsafePlainText(''),
        clientSecret: SecretValue.unsafePlainText(''),
      },
      ...(encryptionKey ? { encryptionKey } : {}),
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Genesys Cloud issues the client secret; a person renews it there and fills it in here.',
    });
    return secret;
  }
}
