import { Command } from 'commander';
import { dynamoDbClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { redact } from '../../lib/events/redaction.ts';
import { explainTableError, stateTableName } from '../aws-access/aws-access-error.ts';
import { url } from '../gaps/time-flags.ts';
import { countMessages } from './destination-queues.ts';
import { DestinationStates } from './destination-states.ts';
import { deliveriesAsJson, deliveriesAsText } from './show-deliveries.ts';

interface TableFlags {
  table?: string;
  endpointUrl?: string;
}

type Print = (text: string) => Promise<void>;

/** The command `switchboard deliveries`. */
export function deliveriesCommand(print: Print): Command {
  return new Command('deliveries')
    .description(
      'List the external systems that events are delivered to, or resume one that was stopped. Without a command, lists them. Credentials and Region are those of the AWS SDK, for example AWS_PROFILE and AWS_REGION.',
    )
    .addCommand(
      withTableFlags(
        new Command('list')
          .description(
            'List each destination with its state and its messages. Messages in flight are being delivered or are waiting for their next attempt. Needs dynamodb:Query for the state table and sqs:GetQueueAttributes for the queues.',
          )
          .option('--json', 'print one JSON object', false),
      ).action(async ({ json, ...flags }: TableFlags & { json: boolean }) => {
        await print(await listDestinations(flags, json));
      }),
      { isDefault: true },
    )
    .addCommand(
      withTableFlags(
        new Command('resume')
          .description(
            'Resume delivery to a destination that was stopped because it responded with 410 (Gone). Needs dynamodb:UpdateItem and dynamodb:Query for the state table.',
          )
          .argument('<name>', 'name of the destination, from switchboard deliveries'),
      ).action(async (name: string, flags: TableFlags) => {
        await withStates(flags, 'dynamodb:UpdateItem and dynamodb:Query', (states) => states.resume(name));
        await print(`${name} was resumed. Its messages are delivered again.\n`);
      }),
    );
}

function withTableFlags(command: Command): Command {
  return command
    .option(
      '--table <name>',
      'name of the state table, from the stack output SwitchboardStateTableName (default: $STATE_TABLE)',
    )
    .option(
      '--endpoint-url <url>',
      'base URL of an AWS emulator (default: $AWS_ENDPOINT_URL, else AWS)',
      url,
    );
}

async function listDestinations(flags: TableFlags, json: boolean): Promise<string> {
  const { destinations, isComplete } = await withStates(flags, 'dynamodb:Query', (states) => states.list());
  const warn = (text: string) => process.stderr.write(`${redact(text)}\n`);
  if (!isComplete) warn(`Only the first ${destinations.length} destinations are listed.`);
  const sqs = sqsClient(flags.endpointUrl === undefined ? {} : { endpoint: flags.endpointUrl });
  try {
    const counted = await countMessages(sqs, destinations, warn);
    return json ? deliveriesAsJson(counted) : deliveriesAsText(counted, Date.now());
  } finally {
    sqs.destroy();
  }
}

/**
 * Uses the destinations in the state table.
 *
 * @param permissions - what `use` needs
 * @throws {@link AwsAccessError} or {@link DeliveriesError} with a remedy
 */
export async function withStates<T>(
  { table, endpointUrl }: TableFlags,
  permissions: string,
  use: (states: DestinationStates) => Promise<T>,
): Promise<T> {
  const tableName = stateTableName(table, process.env.STATE_TABLE);
  const client = dynamoDbClient(endpointUrl === undefined ? {} : { endpoint: endpointUrl });
  try {
    return await use(new DestinationStates(client, tableName));
  } catch (error) {
    throw explainTableError(error, tableName, permissions);
  } finally {
    client.destroy();
  }
}
