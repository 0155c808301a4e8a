import { Command } from 'commander';
import { Emulator } from 'switchboard-local/emulator/emulator.ts';
import { DEFAULT_TOPICS, Generator } from 'switchboard-local/simulator/generator.ts';
import { GeneratorRunner } from 'switchboard-local/simulator/runner.ts';
import { Simulator } from 'switchboard-local/simulator/simulator.ts';
import { dynamoDbClient, eventBridgeClient, sqsClient } from '../../lib/aws/aws-clients.ts';
import { number } from './options.ts';
import { createBucket, createResources, NAMES } from './resources.ts';

const CLIENT_ID = 'simulator-client';
const CLIENT_SECRET = 'simulator-secret';

/** `switchboard simulator`: the simulated Genesys Cloud alone, for other programs. */
export function simulatorCommand(): Command {
  return new Command('simulator')
    .description('Serve the simulated Genesys Cloud on the loopback interface, for any client.')
    .option('--port <n>', 'port to listen on; 0 takes a free one', number(0, 65_535), 4580)
    .option(
      '--rate <n>',
      'events a second, of which each channel gets what it subscribed to',
      number(0.1, 50_000, { whole: false }),
      20,
    )
    .option('--seed <n>', 'seed of users, queues and events', number(0, 2 ** 32 - 1), 1)
    .option('--users <n>', 'users that exist', number(1, 5_000), 20)
    .option('--queues <n>', 'queues that exist', number(1, 2_000), 5)
    .option('--token-life <seconds>', 'life of an access token', number(10, 172_800), 86_400)
    .option('--channel-life <seconds>', 'life of a channel', number(10, 172_800), 86_400)
    .action(
      async (options: {
        port: number;
        rate: number;
        seed: number;
        users: number;
        queues: number;
        tokenLife: number;
        channelLife: number;
      }) => {
        const { seed, users, queues } = options;
        const simulator = new Simulator({
          seed,
          users,
          queues,
          clientId: CLIENT_ID,
          clientSecret: CLIENT_SECRET,
          tokenLifeSeconds: options.tokenLife,
          channelLifeMs: options.channelLife * 1000,
        });
        const { url } = await orPortAdvice(options.port, simulator.listen({ port: options.port }));
        const runner = new GeneratorRunner({
          source: new Generator(simulator, { seed }),
          target: simulator,
          ratePerSecond: options.rate,
        }).start();
        tell(`Simulated Genesys Cloud: ${url} (OAuth, REST, WebSockets)`, {
          GENESYS_API_URL: url,
          GENESYS_LOGIN_URL: url,
          GENESYS_CLIENT_ID: CLIENT_ID,
          GENESYS_CLIENT_SECRET: CLIENT_SECRET,
          TOPICS: `'${DEFAULT_TOPICS.join(',')}'`,
        });
        await interrupted();
        runner.stop();
        await simulator.close();
      },
    );
}

/** `switchboard emulator`: the local AWS alone, for other programs. */
export function emulatorCommand(): Command {
  return new Command('emulator')
    .description(
      'Serve the local AWS (SQS, DynamoDB, EventBridge, Secrets Manager, S3) on the loopback interface, for any client.',
    )
    .option('--port <n>', 'port to listen on; 0 takes a free one', number(0, 65_535), 4566)
    .option('--empty', "do not make Switchboard's queues, tables and bus", false)
    .action(async (options: { port: number; empty: boolean }) => {
      const emulator = new Emulator();
      const { url } = await orPortAdvice(options.port, emulator.listen({ port: options.port }));
      const edge = {
        endpoint: url,
        region: 'us-east-1',
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      };
      const variables: Record<string, string> = {
        AWS_ENDPOINT_URL: url,
        AWS_REGION: 'us-east-1',
        // What boto3 and the first version of the AWS CLI read.
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
      };
      if (!options.empty) {
        const made = await createResources({
          sqs: sqsClient(edge),
          dynamodb: dynamoDbClient(edge),
          eventbridge: eventBridgeClient(edge),
        });
        createBucket(emulator, NAMES.oversizeBucket);
        Object.assign(variables, {
          EVENTS_QUEUE_URL: made.eventsQueueUrl,
          QUARANTINE_QUEUE_URL: made.quarantineQueueUrl,
          STATE_TABLE: NAMES.stateTable,
          CLAIMS_TABLE: NAMES.claimsTable,
          EVENT_BUS_NAME: NAMES.bus,
          OVERSIZE_BUCKET: NAMES.oversizeBucket,
        });
      }
      tell(`Local AWS: ${url}`, variables);
      await interrupted();
      await emulator.close();
    });
}

/** Say what to do when a port is taken. */
function orPortAdvice<T>(port: number, listening: Promise<T>): Promise<T> {
  return listening.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Error(`Port ${port} is taken; give a free one with --port, 0 takes any`, { cause: error });
  });
}

function tell(what: string, variables: Record<string, string>): void {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${value}`);
  process.stdout.write(`${what}\nTo use it:\n${lines.join('\n')}\nCtrl-C ends it.\n`);
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
