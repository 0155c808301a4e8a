import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { secretsManagerClient } from '../../lib/aws/aws-clients.ts';
import { type RunOptions, runCdk } from './command.ts';
import { LocalDeploymentError } from './local-deployment-error.ts';
import { ACCOUNT, DUMMY_CREDENTIALS, REGION } from './local-endpoint.ts';

/** Name of the stack in `bin/app.ts`. The construct in it has the same id, with which its outputs begin. */
export const STACK = 'Switchboard';
/** Sets `forEmulator`. */
const FOR_EMULATOR = ['--context', 'emulator=true'];

const outputsSchema = z.object({
  [STACK]: z.looseObject({
    SwitchboardEventBusName: z.string(),
    SwitchboardEventsQueueUrl: z.string(),
    SwitchboardStateTableName: z.string(),
    SwitchboardOversizeBucketName: z.string(),
    SwitchboardSecretName: z.string(),
    /** Only if redacted values are hashed. */
    SwitchboardRedactionKeyArn: z.string().optional(),
  }),
});
/** Outputs of the stack, by name. */
export type Outputs = z.infer<typeof outputsSchema>[typeof STACK];

/**
 * Deploys `bin/app.ts` with the CDK CLI.
 *
 * @param directory - directory for temporary files
 * @throws {@link LocalDeploymentError} if the deployment fails or lacks an output
 */
export async function deploy(directory: string, options: RunOptions): Promise<Outputs> {
  const outputsFile = join(directory, 'outputs.json');
  await runCdk(['bootstrap', `aws://${ACCOUNT}/${REGION}`, ...FOR_EMULATOR], options);
  await runCdk(
    [
      'deploy',
      STACK,
      ...['--require-approval', 'never', ...FOR_EMULATOR],
      ...['--output', join(directory, 'emulator'), '--outputs-file', outputsFile],
    ],
    options,
  );
  const parsed = outputsSchema.safeParse(JSON.parse(await readFile(outputsFile, 'utf8')));
  if (parsed.success) return parsed.data[STACK];
  throw new LocalDeploymentError(
    'assembly_unreadable',
    `The stack ${STACK} lacks outputs that the ingester requires:\n${z.prettifyError(parsed.error)}`,
  );
}

/** Stores the OAuth client in the secret. */
export async function fillSecret(
  endpoint: string,
  secretName: string,
  credentials: { clientId: string; clientSecret: string },
): Promise<void> {
  const secrets = secretsManagerClient({ endpoint, region: REGION, credentials: DUMMY_CREDENTIALS });
  await secrets.send(
    new PutSecretValueCommand({ SecretId: secretName, SecretString: JSON.stringify(credentials) }),
  );
  secrets.destroy();
}
