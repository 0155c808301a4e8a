import { randomBytes } from 'node:crypto';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { registerSecret } from '../../lib/events/redaction.ts';
import { StreamsError } from './streams-error.ts';

const SECRET_BYTES = 32;
const HEX = /^(?:[0-9a-f]{2}){16,}$/i;

/** A new signing secret, in hexadecimal. */
export function newSigningSecret(): string {
  const secret = randomBytes(SECRET_BYTES).toString('hex');
  registerSecret(secret);
  return secret;
}

/** The signing secret of a webhook, in Secrets Manager. */
export class SigningSecretStore {
  private readonly client: SecretsManagerClient;
  private readonly secretId: string;

  constructor(client: SecretsManagerClient, secretId: string) {
    this.client = client;
    this.secretId = secretId;
  }

  /** @throws {@link StreamsError} if there is no secret, or its value is not hexadecimal */
  async read(): Promise<string> {
    const command = new GetSecretValueCommand({ SecretId: this.secretId });
    const { SecretString = '' } = await this.client.send(command).catch((error) => this.explain(error));
    const secret = SecretString.trim();
    registerSecret(secret);
    if (HEX.test(secret)) return secret;
    throw new StreamsError(
      'secret_invalid',
      `The value of the secret ${this.secretId} is not at least 32 hexadecimal digits. Omit --keep-secret to replace it.`,
    );
  }

  /**
   * Stores a new value. The webhook also accepts the previous value until the next one is stored.
   *
   * @throws {@link StreamsError} if there is no secret
   */
  async replace(secret: string): Promise<void> {
    const command = new PutSecretValueCommand({ SecretId: this.secretId, SecretString: secret });
    await this.client.send(command).catch((error) => this.explain(error));
  }

  private explain(error: unknown): never {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new StreamsError(
      'no_secret',
      `There is no secret ${this.secretId} in this account and Region. Check --secret, AWS_REGION and AWS_PROFILE, and deploy with the property webhook.`,
      { cause: error },
    );
  }
}
