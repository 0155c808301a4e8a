import { Command } from 'commander';
import { secretsManagerClient } from '../../lib/aws/aws-clients.ts';
import { MASK } from '../../lib/events/redaction.ts';
import { deleteStream, listStreams } from '../../lib/genesys/event-streams.ts';
import { GenesysError } from '../../lib/genesys/genesys-error.ts';
import { genesysFrom } from './genesys-access.ts';
import { registerStream } from './register-stream.ts';
import { showCreated, showRequest, showStreams } from './show-streams.ts';
import { SigningSecretStore } from './signing-secret-store.ts';
import { type StreamFlags, streamDefinition } from './stream-definition.ts';
import { StreamsError } from './streams-error.ts';

interface CreateFlags extends StreamFlags {
  secret?: string;
  keepSecret: boolean;
  dryRun: boolean;
  endpointUrl?: string;
}

type Print = (text: string) => Promise<void>;

/** The command `switchboard streams`. */
export function streamsCommand(print: Print): Command {
  return new Command('streams')
    .description(
      'Manage the streams with which Genesys Cloud sends events to the webhook. Needs GENESYS_DOMAIN, GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET. The AWS SDK selects the AWS credentials and Region.',
    )
    .addCommand(createCommand(print))
    .addCommand(
      new Command('list')
        .description('List the streams with their rules.')
        .option('--json', 'print one JSON array', false)
        .action(async ({ json }: { json: boolean }) => {
          const streams = await listStreams(genesysFrom(process.env));
          await print(json ? `${JSON.stringify(streams)}\n` : showStreams(streams));
        }),
    )
    .addCommand(
      new Command('delete')
        .description('Delete a stream. The signing secret is kept, because other streams may use it.')
        .argument('<id>', 'id of the stream, from switchboard streams list')
        .option('--dry-run', 'only show what would be deleted', false)
        .action(async (id: string, { dryRun }: { dryRun: boolean }) => {
          await print(await remove(id, dryRun));
        }),
    );
}

function createCommand(print: Print): Command {
  return new Command('create')
    .description(
      'Register a stream. Generates a signing secret, stores it in Secrets Manager (needs secretsmanager:PutSecretValue) and shows it once.',
    )
    .requiredOption('--name <name>', 'name of the stream')
    .requiredOption('--url <url>', 'URL of the webhook, from the stack output SwitchboardWebhookUrl')
    .option(
      '--rule <condition>',
      'condition of the events to send: field op value, joined by and; op is eq, contains or gt. Repeat it for more rules; one of them must match',
      (condition: string, others: readonly string[]) => [...others, condition],
      [] as readonly string[],
    )
    .option('--description <text>', 'description of the stream', 'Events for Switchboard')
    .option(
      '--secret <id>',
      'name or ARN of the signing secret, from the stack output SwitchboardWebhookSecretArn (default: $WEBHOOK_SECRET_ID)',
    )
    .option('--keep-secret', 'use the stored secret instead of a new one', false)
    .option('--dry-run', 'check the stream and show the request; calls neither Genesys Cloud nor AWS', false)
    .option('--endpoint-url <url>', 'base URL of an AWS emulator (default: $AWS_ENDPOINT_URL, else AWS)')
    .action(async (flags: CreateFlags) => await print(await create(flags, process.env)));
}

/** @throws {@link StreamsError} with a remedy */
async function create(
  flags: CreateFlags,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const request = streamDefinition(flags, MASK);
  if (flags.dryRun) return showRequest(request);
  const secretId = flags.secret ?? environment.WEBHOOK_SECRET_ID;
  if (!secretId)
    throw new StreamsError(
      'no_secret_id',
      'Specify the signing secret with --secret. The stack output SwitchboardWebhookSecretArn has its ARN.',
    );
  const rest = genesysFrom(environment);
  const { endpointUrl, keepSecret } = flags;
  const client = secretsManagerClient(endpointUrl === undefined ? {} : { endpoint: endpointUrl });
  try {
    const store = new SigningSecretStore(client, secretId);
    const { stream, newSecret } = await registerStream({ flags, keepSecret }, rest, store);
    return showCreated(stream, newSecret);
  } finally {
    client.destroy();
  }
}

async function remove(id: string, dryRun: boolean): Promise<string> {
  const rest = genesysFrom(process.env);
  const stream = (await listStreams(rest)).find((one) => one.id === id);
  if (!stream) throw noStream(id);
  if (dryRun) return `${showStreams([stream])}Nothing was deleted.\n`;
  await deleteStream(rest, id).catch((error: unknown) => {
    throw error instanceof GenesysError && error.code === 'not_found' ? noStream(id) : error;
  });
  return `Deleted the stream ${stream.name}: ${id}\n`;
}

function noStream(id: string): StreamsError {
  return new StreamsError('no_stream', `There is no stream ${id}. List them with: switchboard streams list`);
}
