import { Command } from 'commander';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { DEFAULT_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/generator-runner.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { dynamoDbClient, eventBridgeClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { number } from './flag-values.ts';
import { createBucket, createResources, NAMES } from './resources.ts';

const CLIENT_ID = 'simulator-client';
const CLIENT_SECRET = 'simulator-secret';
const REGION = 'us-east-1';
const AWS_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

interface SimulatorFlags {
  port: number;
  rate: number;
  seed: number;
  users: number;
  queues: number;
  tokenLife: number;
  channelLife: number;
}

interface EmulatorFlags {
  port: number;
  empty: boolean;
}

/** `switchboard simulator`: only the simulated Genesys Cloud, for other programs. */
export function simulatorCommand(): Command {
  return new Command('simulator')
    .description('Run only the simulated Genesys Cloud, on the loopback interface, for any client.')
    .option('--port <n>', 'port to listen on; 0 selects a free port', number(0, 65_535), 4580)
    .option(
      '--rate <n>',
      'events per second; each channel receives those it is subscribed to',
      number(0.1, 50_000, { whole: false }),
      20,
    )
    .option('--seed <n>', 'seed for the users, queues and events', number(0, 2 ** 32 - 1), 1)
    .option('--users <n>', 'number of users', number(1, 5_000), 20)
    .option('--queues <n>', 'number of queues', number(1, 2_000), 5)
    .option('--token-life <seconds>', 'lifetime of access tokens', number(10, 172_800), 86_400)
    .option('--channel-life <seconds>', 'lifetime of channels', number(10, 172_800), 86_400)
    .action(runSimulator);
}

/** `switchboard emulator`: only the local AWS, for other programs. */
export function emulatorCommand(): Command {
  return new Command('emulator')
    .description(
      'Run only the local AWS (SQS, DynamoDB, EventBridge, Secrets Manager, S3), on the loopback interface, for any client.',
    )
    .option('--port <n>', 'port to listen on; 0 selects a free port', number(0, 65_535), 4566)
    .option('--empty', 'do not create the queues, tables and bus of Switchboard', false)
    .action(runEmulator);
}

async function runSimulator(flags: SimulatorFlags): Promise<void> {
  const { port, seed, users, queues } = flags;
  const simulator = new Simulator({
    seed,
    users,
    queues,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    tokenLifeSeconds: flags.tokenLife,
    channelLifeMs: flags.channelLife * 1000,
  });
  const { url } = await withPortAdvice(port, simulator.listen({ port }));
  const runner = new GeneratorRunner({
    source: new Generator(simulator, { seed }),
    target: simulator,
    ratePerSecond: flags.rate,
  }).start();
  printUsage(`Simulated Genesys Cloud: ${url} (OAuth, REST, WebSockets)`, {
    GENESYS_API_URL: url,
    GENESYS_LOGIN_URL: url,
    GENESYS_CLIENT_ID: CLIENT_ID,
    GENESYS_CLIENT_SECRET: CLIENT_SECRET,
    TOPICS: `'${DEFAULT_TOPICS.join(',')}'`,
  });
  await interrupted();
  runner.stop();
  await simulator.close();
}

async function runEmulator({ port, empty }: EmulatorFlags): Promise<void> {
  const emulator = new Emulator();
  const { url } = await withPortAdvice(port, emulator.listen({ port }));
  printUsage(`Local AWS: ${url}`, {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: REGION,
    // Read by boto3 and version 1 of the AWS CLI.
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: AWS_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: AWS_CREDENTIALS.secretAccessKey,
    ...(empty ? {} : await createSwitchboardResources(emulator, url)),
  });
  await interrupted();
  await emulator.close();
}

/** Creates the resources of Switchboard. Returns the variables that name them. */
async function createSwitchboardResources(
  emulator: Emulator,
  endpoint: string,
): Promise<Record<string, string>> {
  const edge = { endpoint, region: REGION, credentials: AWS_CREDENTIALS };
  const { eventsQueueUrl, quarantineQueueUrl } = await createResources({
    sqs: sqsClient(edge),
    dynamodb: dynamoDbClient(edge),
    eventbridge: eventBridgeClient(edge),
  });
  createBucket(emulator, NAMES.oversizeBucket);
  return {
    EVENTS_QUEUE_URL: eventsQueueUrl,
    QUARANTINE_QUEUE_URL: quarantineQueueUrl,
    STATE_TABLE: NAMES.stateTable,
    CLAIMS_TABLE: NAMES.claimsTable,
    EVENT_BUS_NAME: NAMES.bus,
    OVERSIZE_BUCKET: NAMES.oversizeBucket,
  };
}

/** Adds advice to the error if the port is in use. */
function withPortAdvice<T>(port: number, listening: Promise<T>): Promise<T> {
  return listening.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Error(`Port ${port} is in use. Choose another port with --port, or 0 for any free port.`, {
      cause: error,
    });
  });
}

function printUsage(title: string, variables: Record<string, string>): void {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${value}`);
  process.stdout.write(
    `${title}\nTo use it, set these variables:\n${lines.join('\n')}\nPress Ctrl-C to stop.\n`,
  );
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
