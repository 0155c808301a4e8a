#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { redact } from '../lib/events/redaction.ts';
import { localCommand, realGenesys, refuseSimulation } from './local/local-options.ts';
import { runLocal } from './local/local-run.ts';
import { emulatorCommand, simulatorCommand } from './local/stand-ins.ts';

// EMF documents are for CloudWatch; on this machine they would drown the output.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

const program = new Command('switchboard')
  .description(
    "Genesys Cloud's real-time events on an Amazon EventBridge bus: each event once, every gap known.",
  )
  .showHelpAfterError('(--help explains every flag)')
  .addCommand(
    localCommand(async (options) => {
      if (existsSync('.env')) process.loadEnvFile('.env');
      const genesys = realGenesys(process.env);
      if (genesys) refuseSimulation(options);
      process.exitCode = await runLocal(options, genesys);
    }),
  )
  .addCommand(simulatorCommand())
  .addCommand(emulatorCommand());
for (const command of program.commands) command.showHelpAfterError('(--help explains every flag)');

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${redact(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
}
// Sockets that are kept alive for reuse must not keep a finished run waiting.
process.exit();
