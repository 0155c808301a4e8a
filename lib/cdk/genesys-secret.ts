import { type RemovalPolicy, SecretValue, Stack, Validations } from 'aws-cdk-lib';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { SwitchboardProps } from './switchboard-props.ts';

/** The secrets in a property that is one secret, a list of secrets or nothing. */
export function secretsIn(secret: SwitchboardProps['secret']): (string | ISecret | Secret)[] {
  return [secret ?? []].flat();
}

/** Properties of {@link GenesysSecret}. */
export interface GenesysSecretProps {
  /** Name of a secret to create, or an existing secret. */
  readonly secret: string | ISecret | Secret;

  /**
   * KMS key of a new secret.
   *
   * @default - the AWS managed key `aws/secretsmanager`
   */
  readonly encryptionKey?: IKey | undefined;

  /** Removal policy of a new secret. */
  readonly removalPolicy: RemovalPolicy;
}

/** The secret with a Genesys Cloud OAuth client: `{"clientId":"…","clientSecret":"…"}`. */
export class GenesysSecret extends Construct {
  /** The Secrets Manager secret. */
  readonly secret: ISecret;
  /** Name of the secret. */
  readonly name: string;
  /** Shell command that reads the secret value from standard input and stores it. */
  readonly fillCommand: string;

  constructor(scope: Construct, id: string, props: GenesysSecretProps) {
    super(scope, id);
    const { secret } = props;
    this.secret = (typeof secret === 'string' ? this.createSecret(secret, props) : secret) as ISecret;
    this.name = typeof secret === 'string' ? secret : secret.secretName;
    this.fillCommand = `aws secretsmanager put-secret-value --region ${Stack.of(this).region} --secret-id ${this.secret.secretArn} --secret-string file:///dev/stdin`;
  }

  private createSecret(secretName: string, { encryptionKey, removalPolicy }: GenesysSecretProps): Secret {
    const secret = new Secret(this, 'Secret', {
      secretName,
      removalPolicy,
      description: 'Genesys Cloud OAuth client of Switchboard: {"clientId":"…","clientSecret":"…"}',
      // Do not change these values: the next deployment would overwrite the secret value.
      secretObjectValue: {
        clientId: SecretValue.unsafePlainText(''),
        clientSecret: SecretValue.unsafePlainText(''),
      },
      ...(encryptionKey ? { encryptionKey } : {}),
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Genesys Cloud issues the client secret. It is renewed there manually and then stored in this secret.',
    });
    return secret;
  }
}

/** Grants reading secrets at run time. */
export function grantReadSecrets(secrets: readonly ISecret[], role: IRole): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['secretsmanager:GetSecretValue'],
      // The ARN of a secret that was imported by name lacks the six random characters that AWS appends.
      resources: secrets.map(({ secretFullArn, secretArn }) => secretFullArn ?? `${secretArn}-??????`),
    }),
  );
  for (const secret of secrets) secret.encryptionKey?.grantDecrypt(role);
}
