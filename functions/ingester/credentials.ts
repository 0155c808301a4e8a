import { GetSecretValueCommand, ResourceNotFoundException } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { secretsManagerClient } from '../../lib/aws/aws-clients.ts';
import type { Credentials } from '../../lib/genesys/token-source.ts';
import type { IngesterConfig } from './config.ts';

/** The OAuth client is not there yet; nothing is wrong that a retry or a restart could mend. */
export class SecretEmptyError extends Error {
  readonly code = 'secret_empty';
  readonly retriable = true;

  constructor(secretId: string) {
    super(`The secret ${secretId} is not filled: it must be {"clientId":"…","clientSecret":"…"}`);
    this.name = 'SecretEmptyError';
  }
}

const secretSchema = z.object({ clientId: z.string().min(1), clientSecret: z.string().min(1) });

/** Where the OAuth client comes from: the configuration, or a secret that is read anew whenever a token is needed. */
export function credentialsOf(config: IngesterConfig): () => Promise<Credentials> {
  const { credentials } = config;
  if (!('secretId' in credentials)) return async () => credentials;
  const secrets = secretsManagerClient();
  return async () => {
    const SecretString = await secrets
      .send(new GetSecretValueCommand({ SecretId: credentials.secretId }))
      .then(
        (found) => found.SecretString,
        (error: unknown) => {
          // A secret without a value is answered like one that is not there.
          if (error instanceof ResourceNotFoundException) return undefined;
          throw error;
        },
      );
    const parsed = secretSchema.safeParse(parseJson(SecretString));
    if (parsed.success) return parsed.data;
    throw new SecretEmptyError(credentials.secretId);
  };
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
