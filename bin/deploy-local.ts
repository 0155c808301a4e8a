#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { redact } from '../lib/events/redaction.ts';
import { type RunOptions, runNode } from './deploy-local/command.ts';
import { deploy, fillSecret } from './deploy-local/deployment.ts';
import { type Genesys, genesysOf } from './deploy-local/genesys.ts';
import { checkAnswers, localEndpoint, localEnvironment } from './deploy-local/local-endpoint.ts';
import { synthesizeTask, taskEnvironment } from './deploy-local/task.ts';

/** Exit code of a process that SIGINT ended, as shells have it. */
const EXIT_INTERRUPTED = 130;

const HELP = `
Environment:
  AWS_ENDPOINT_URL                         the stand-in: MiniStack, LocalStack, AWS Emulator; this machine only
  GENESYS_API_URL, GENESYS_LOGIN_URL       another Genesys Cloud, such as a simulated one
  GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET OAuth client, put into the secret; with GENESYS_DOMAIN for the real one
  TOPICS, SUBSCRIPTION, LOG_LEVEL, HEALTH_HOST, HEALTH_PORT, TOPIC_REFRESH_SECONDS
                                           for the ingester, instead of what bin/app.ts says
Without any of GENESYS_* the ingester connects to http://127.0.0.1:4580, where npm run simulator listens.`;

/** Aborted by the first SIGINT or SIGTERM; more of them change nothing, for what runs ends within a limit. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => controller.abort());
  return controller.signal;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** @returns exit code */
async function main({ ingester }: { ingester: boolean }): Promise<number> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const endpoint = localEndpoint(process.env);
  const genesys: Genesys = genesysOf(process.env);
  await checkAnswers(endpoint);
  const options: RunOptions = {
    environment: localEnvironment(process.env, endpoint),
    interrupted: interruption(),
  };
  const directory = await mkdtemp(join(tmpdir(), 'switchboard-deploy-'));
  const startedAtMs = performance.now();
  try {
    say(`Deploying bin/app.ts to ${endpoint}, with forEmulator.`);
    const outputs = await deploy(directory, options);
    await fillSecret(endpoint, outputs.SwitchboardSecretName, genesys.credentials);
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
    say(
      `\nDeployed in ${seconds} s, secret filled. Events come on the bus ${outputs.SwitchboardEventBusName}.`,
    );
    if (!ingester) return 0;
    const task = await synthesizeTask(directory, options);
    const environment = taskEnvironment(task, outputs, { endpoint, genesys, given: process.env });
    say(`\nThe ingester, as its container runs it, on ${environment.TOPICS}`);
    say(`of ${genesys.urls?.apiUrl ?? environment.GENESYS_DOMAIN}. Ctrl-C ends it.\n`);
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
    'Deploy bin/app.ts to an AWS stand-in on this machine with the stock CDK command line, fill its secret, and run the ingester beside it.',
  )
  .option('--no-ingester', 'only deploy, and fill the secret')
  .addHelpText('after', HELP)
  .showHelpAfterError('(--help explains every flag)')
  .action(async (options: { ingester: boolean }) => {
    process.exitCode = await main(options);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${redact(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
}
