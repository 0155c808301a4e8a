#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { redact } from '../lib/events/redaction.ts';
import { auditCommand } from './audit/audit-command.ts';
import { backfillCommand } from './backfill/backfill-command.ts';
import { deliveriesCommand } from './deliveries/deliveries-command.ts';
import { gapsCommand } from './gaps/gaps-command.ts';
import { localCommand } from './local/local-options.ts';
import { endQuietlyOnBrokenPipe, writeOut } from './local/output-streams.ts';
import { realGenesys, rejectSimulationFlags } from './local/real-genesys.ts';
import { emulatorCommand, simulatorCommand } from './local/stand-ins.ts';
import { redriveCommand } from './redrive/redrive-command.ts';
import { streamsCommand } from './streams/streams-command.ts';

// EMF documents are meant for CloudWatch. On a local run they would flood the output.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

endQuietlyOnBrokenPipe();

const HELP_ADVICE = '(use --help for a list of commands and options)';

const program = new Command('switchboard')
  .description(
    'Publishes the real-time events of Genesys Cloud to an Amazon EventBridge bus: each event once, every gap recorded and filled.',
  )
  .showHelpAfterError(HELP_ADVICE)
  .addCommand(
    localCommand(async (options) => {
      if (existsSync('.env')) process.loadEnvFile('.env');
      const genesys = realGenesys(process.env);
      if (genesys) rejectSimulationFlags(options);
      // Loaded when it is needed, so that help and errors appear at once.
      const { runLocal } = await import('./local/local-run.ts');
      process.exitCode = await runLocal(options, genesys);
    }),
  )
  .addCommand(gapsCommand(writeOut))
  .addCommand(backfillCommand(writeOut))
  .addCommand(streamsCommand(writeOut))
  .addCommand(auditCommand(writeOut))
  .addCommand(deliveriesCommand(writeOut))
  .addCommand(redriveCommand(writeOut))
  .addCommand(simulatorCommand())
  .addCommand(emulatorCommand());
for (const command of program.commands.flatMap((one) => [one, ...one.commands]))
  command.showHelpAfterError(HELP_ADVICE);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${redact(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
}
// Without this, keep-alive sockets would delay the end of the process.
process.exit();
