import { Command } from 'commander';
import { captureLines } from '../local/capture-file.ts';
import { checkRecords } from './chain-check.ts';
import { exportedRecords } from './exported-records.ts';
import { auditAsJson, auditAsText, isSound } from './show-audit.ts';

interface VerifyFlags {
  json: boolean;
  allowMissingStart: boolean;
}

/** The command `switchboard audit`. */
export function auditCommand(print: (text: string) => Promise<void>): Command {
  const verify = new Command('verify')
    .description(
      'Check the hash chains of audit records, and report the first broken link of each session. The exit code is 1 if a chain is broken or a line cannot be read.',
    )
    .argument(
      '<file>',
      'records, one per line or as exported by aws logs filter-log-events, get-log-events, tail or to S3; .gz is decompressed, - is standard input',
    )
    .option('--json', 'print one JSON object', false)
    .option(
      '--allow-missing-start',
      'accept sessions whose first records are missing, as in an export of a limited time range',
      false,
    )
    .action(async (file: string, { json, allowMissingStart }: VerifyFlags) => {
      const report = await checkRecords(exportedRecords(captureLines(file)), { allowMissingStart });
      if (report.sessions.length === 0 && report.unreadable.length === 0)
        throw new Error(`${file} contains no audit records.`);
      await print(json ? auditAsJson(report) : auditAsText(report));
      process.exitCode = isSound(report) ? 0 : 1;
    });
  return new Command('audit').description('Check audit records.').addCommand(verify);
}
