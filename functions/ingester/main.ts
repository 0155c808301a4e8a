import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';
import { dynamoDbClient, secretsManagerClient, sqsClient } from '../../lib/aws/clients.ts';
import { createLogger } from '../../lib/aws/logger.ts';
import { redact } from '../../lib/events/redaction.ts';
import type { Credentials } from '../../lib/genesys/oauth.ts';
import { ConfigError, type IngesterConfig, readConfig } from './config.ts';
import { Ingester } from './ingester.ts';

/** Exit codes: what a supervisor of the process sees. */
const EXIT = { ok: 0, failed: 1, badConfig: 78 } as const;

const secretSchema = z.object({ clientId: z.string().min(1), clientSecret: z.string().min(1) });

function credentialsOf(config: IngesterConfig): () => Promise<Credentials> {
  const { credentials } = config;
  if (!('secretId' in credentials)) return async () => credentials;
  const secrets = secretsManagerClient();
  return async () => {
    const { SecretString } = await secrets.send(
      new GetSecretValueCommand({ SecretId: credentials.secretId }),
    );
    const parsed = secretSchema.safeParse(parseJson(SecretString));
    if (parsed.success) return parsed.data;
    throw new Error(
      `The secret ${credentials.secretId} is not filled: it must be {"clientId":"…","clientSecret":"…"}`,
    );
  };
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

async function main(): Promise<number> {
  const config = readConfig(process.env);
  const log = createLogger('ingester', config.logLevel);
  const ingester = new Ingester(config, {
    sqs: sqsClient(),
    ...(config.stateTable ? { dynamodb: dynamoDbClient() } : {}),
    credentials: credentialsOf(config),
    log,
  });
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
  let code: number = EXIT.ok;
  try {
    await Promise.race([ingester.start(), stopped]);
    log.info('started', { health: `http://${config.healthHost}:${ingester.healthPort}/healthz` });
    const signal = await Promise.race([stopped, ingester.failed]);
    log.info('stopping', { signal });
  } catch (error) {
    code = EXIT.failed;
    log.error(redact(error instanceof Error ? error.message : String(error)), { error });
  }
  await ingester.stop();
  log.info('stopped', { code, ...ingester.batcher.totals });
  return code;
}

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : redact(String(error))}\n`);
  process.exit(error instanceof ConfigError ? EXIT.badConfig : EXIT.failed);
}
