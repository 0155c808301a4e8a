import { Command, Option } from 'commander';
import { number } from '../../bin/local/flag-values.ts';
import { AUDIT_LEVELS, type AuditLevel } from '../../lib/events/audit-record.ts';
import { bill } from './model.ts';
import { PRICES } from './prices.ts';
import { measureUsage } from './usage.ts';

interface CostOptions {
  rate: number;
  tasks: number;
  claimDays: number;
  seconds: number;
  audit: AuditLevel;
  json: boolean;
}

const { rate, tasks, claimDays, seconds, audit, json } = new Command('cost')
  .description('Estimates the monthly AWS bill from the billable units of a short run on this machine.')
  .option('--rate <n>', 'events per second', number(1, 2_000), 50)
  .option('--tasks <n>', 'number of ingester tasks', number(1, 100), 2)
  .option('--claim-days <n>', 'deduplication window in days', number(4, 28), 7)
  .option('--seconds <n>', 'duration of the run', number(1, 300), 10)
  .addOption(new Option('--audit <records>', 'audit records to write').choices(AUDIT_LEVELS).default('off'))
  .option('--json', 'print one JSON object', false)
  .showHelpAfterError('(use --help for a list of options)')
  .parse()
  .opts<CostOptions>();
const usage = await measureUsage(rate, seconds, audit);
const result = bill(usage, { tasks, claimDays });

if (json) {
  process.stdout.write(
    `${JSON.stringify({ rate, tasks, claimDays, audit, prices: PRICES, usage, ...result })}\n`,
  );
} else {
  const { region, date } = PRICES;
  process.stdout.write(
    `Monthly cost of ${rate} events/s and ${tasks} ingester task(s), with prices of ${region} on ${date}, without free tier:\n\n`,
  );
  for (const { item, quantity, unit, usd } of result.lines) {
    process.stdout.write(
      `  ${item.padEnd(40)} ${quantity.toFixed(3).padStart(12)} ${unit.padEnd(10)} $${usd.toFixed(2).padStart(10)}\n`,
    );
  }
  process.stdout.write(
    `  ${'Total'.padEnd(40)} ${' '.repeat(23)} $${result.totalUsd.toFixed(2).padStart(10)}\n\n`,
  );
  process.stdout.write(
    `${(result.eventsPerMonth / 1e6).toFixed(1)} M events per month. The variable cost is $${result.perMillionUsd.toFixed(3)} per million events.\n`,
  );
}
process.exit(0);
