#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { redact } from '../lib/events/redaction.ts';
import { type RunOptions, runNode } from './deploy-local/command.ts';
import { deploy, fillSecret } from './deploy-local/deployment.ts';
import { chooseGenesys } from './deploy-local/genesys.ts';
import { checkReachable, localEndpoint, localEnvironment } from './deploy-local/local-endpoint.ts';
import { synthesizeTask, taskEnvironment } from './deploy-local/task.ts';

/** Conventional exit code of a process that was ended by SIGINT. */
const EXIT_INTERRUPTED = 130;

const HELP = `
Environment variables:
  AWS_ENDPOINT_URL                         AWS emulator on this machine, for example MiniStack or LocalStack
  GENESYS_API_URL, GENESYS_LOGIN_URL       base URLs of another Genesys Cloud, for example a simulator
  GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET OAuth client to store in the secret; connects to the real Genesys Cloud
  GENESYS_DOMAIN                           domain of your Genesys Cloud region, instead of the one in bin/app.ts
  TOPICS, SUBSCRIPTION, LOG_LEVEL, HEALTH_HOST, HEALTH_PORT, TOPIC_REFRESH_SECONDS,
  REDACTION, REDACTION_KEY                 settings of the ingester, instead of those in bin/app.ts
Without GENESYS_* variables, the ingester connects to http://127.0.0.1:4580 (npm run simulator).`;

/** Aborted by the first SIGINT or SIGTERM. Further signals are ignored, because child processes end within a limit. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => controller.abort());
  return controller.signal;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** @returns exit code */
async function main({ ingester }: { ingester: boolean }): Promise<number> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const endpoint = localEndpoint(process.env);
  const genesys = chooseGenesys(process.env);
  await checkReachable(endpoint);
  const options: RunOptions = {
    environment: localEnvironment(process.env, endpoint),
    interrupted: interruption(),
  };
  const directory = await mkdtemp(join(tmpdir(), 'switchboard-deploy-'));
  const startedAtMs = performance.now();
  try {
    print(`Deploying bin/app.ts to ${endpoint} with forEmulator.`);
    const outputs = await deploy(directory, options);
    await fillSecret(endpoint, outputs.SwitchboardSecretName, genesys.credentials);
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    print(
      `\nDeployed in ${seconds} s and filled the secret. Events are published on the bus ${outputs.SwitchboardEventBusName}.`,
    );
    if (!ingester) return 0;
    const task = await synthesizeTask(directory, options);
    const environment = taskEnvironment(task, outputs, { endpoint, genesys, given: process.env });
    print(`\nStarting the ingester for ${environment.TOPICS}`);
    print(`of ${genesys.urls?.apiUrl ?? environment.GENESYS_DOMAIN}. Press Ctrl-C to stop.\n`);
    return await runNode(['--enable-source-maps', task.modulePath], { ...options, environment });
  } catch (error) {
    if (options.interrupted.aborted) return EXIT_INTERRUPTED;
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const program = new Command('deploy-local')
  .description(
    'Deploys bin/app.ts to an AWS emulator on this machine with the CDK CLI, fills its secret and runs the ingester.',
  )
  .option('--no-ingester', 'deploy and fill the secret without running the ingester')
  .addHelpText('after', HELP)
  .showHelpAfterError('(use --help for a list of options)')
  .action(async (options: { ingester: boolean }) => {
    process.exitCode = await main(options);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${redact(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
}
