import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ContentRedaction } from '../events/content-redaction.ts';
import { type ContentRedactionConfig, MIN_HASH_KEY_CHARACTERS } from '../events/content-rules.ts';
import { registerSecret } from '../events/redaction.ts';

/** The secret with the key for hashes has no usable value. */
export class RedactionKeyError extends Error {
  readonly code = 'redaction_key_invalid';
  readonly retriable = true;

  constructor(secretId: string) {
    super(
      `The secret ${secretId} with the key for hashes has no value of at least ${MIN_HASH_KEY_CHARACTERS} characters`,
    );
    this.name = 'RedactionKeyError';
  }
}

/**
 * The configured content redaction, with its key. No event may be sent before the key is known.
 *
 * @param client - creates the Secrets Manager client, which is only needed for a key in a secret
 * @returns undefined if nothing is redacted
 * @throws the Secrets Manager error, or {@link RedactionKeyError}
 */
export async function contentRedaction(
  config: ContentRedactionConfig | undefined,
  client: () => SecretsManagerClient,
  abortSignal?: AbortSignal,
): Promise<ContentRedaction | undefined> {
  if (!config?.key) return config && new ContentRedaction(config);
  const key =
    'text' in config.key ? config.key.text : await readKey(client(), config.key.secretId, abortSignal);
  registerSecret(key);
  return new ContentRedaction(config, key);
}

/**
 * Reads the configured content redaction like {@link contentRedaction}, but only when it is first needed. A failed read
 * is repeated on the next call; a successful one is cached.
 */
export function contentRedactionReader(
  config: ContentRedactionConfig | undefined,
  client: () => SecretsManagerClient,
): (abortSignal?: AbortSignal) => Promise<ContentRedaction | undefined> {
  let known: { readonly redaction: ContentRedaction | undefined } | undefined;
  return async (abortSignal) => {
    known ??= { redaction: await contentRedaction(config, client, abortSignal) };
    return known.redaction;
  };
}

async function readKey(
  client: SecretsManagerClient,
  SecretId: string,
  abortSignal: AbortSignal | undefined,
): Promise<string> {
  const command = new GetSecretValueCommand({ SecretId });
  const { SecretString = '' } = await client.send(command, abortSignal ? { abortSignal } : {});
  if (SecretString.length < MIN_HASH_KEY_CHARACTERS) throw new RedactionKeyError(SecretId);
  return SecretString;
}
