import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { secretsManagerClient } from '../../lib/aws/aws-clients.ts';
import type { Credentials } from '../../lib/genesys/token-source.ts';
import type { IngesterConfig } from './ingester-config.ts';

/** The secret with the OAuth client is empty. An operator has to fill it; a restart does not help. */
export class SecretEmptyError extends Error {
  readonly code = 'secret_empty';
  readonly retriable = true;

  constructor(secretId: string) {
    super(`The secret ${secretId} is empty or invalid. Set it to {"clientId":"…","clientSecret":"…"}.`);
    this.name = 'SecretEmptyError';
  }
}

const secretSchema = z.object({ clientId: z.string().min(1), clientSecret: z.string().min(1) });

/** Sources of the OAuth clients: the configuration, or secrets that are read whenever a token is requested. */
export function credentialsOf(config: Pick<IngesterConfig, 'credentials'>): (() => Promise<Credentials>)[] {
  const { credentials } = config;
  if (!('secretIds' in credentials)) return [async () => credentials];
  const secrets = secretsManagerClient();
  return credentials.secretIds.map((secretId) => () => readSecret(secrets, secretId));
}

async function readSecret(secrets: SecretsManagerClient, SecretId: string): Promise<Credentials> {
  const SecretString = await secrets.send(new GetSecretValueCommand({ SecretId })).then(
    (found) => found.SecretString,
    (error: unknown) => {
      // Secrets Manager returns the same error for a secret without a value.
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    },
  );
  const parsed = secretSchema.safeParse(parseJson(SecretString));
  if (parsed.success) return parsed.data;
  throw new SecretEmptyError(SecretId);
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
