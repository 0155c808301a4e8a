import { Command, Option } from 'commander';
import { number } from '../../bin/local/flag-values.ts';
import { AUDIT_LEVELS, type AuditLevel } from '../../lib/events/audit-record.ts';
import { ANSWER_SECONDS, deliveryCosts, deliveryFixedUsd } from './delivery-cost.ts';
import { type BillLine, bill } from './model.ts';
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
const deliveries = deliveryCosts(usage);
const textOf = ({ item, quantity, unit, usd }: BillLine) =>
  `  ${item.padEnd(40)} ${quantity.toFixed(3).padStart(12)} ${unit.padEnd(10)} $${usd.toFixed(2).padStart(10)}\n`;

if (json) {
  process.stdout.write(
    `${JSON.stringify({ rate, tasks, claimDays, audit, prices: PRICES, usage, ...result, deliveries })}\n`,
  );
} else {
  const { region, date } = PRICES;
  process.stdout.write(
    `Monthly cost of ${rate} events/s and ${tasks} ingester task(s), with prices of ${region} on ${date}, without free tier:\n\n`,
  );
  for (const line of result.lines) process.stdout.write(textOf(line));
  process.stdout.write(
    `  ${'Total'.padEnd(40)} ${' '.repeat(23)} $${result.totalUsd.toFixed(2).padStart(10)}\n\n`,
  );
  process.stdout.write(
    `${(result.eventsPerMonth / 1e6).toFixed(1)} M events per month. The variable cost is $${result.perMillionUsd.toFixed(3)} per million events.\n`,
  );
  process.stdout.write(
    `\nDelivery to an HTTP API, per million events, if it responds after ${ANSWER_SECONDS * 1_000} ms:\n`,
  );
  process.stdout.write(
    `A delivery also costs $${deliveryFixedUsd(false).toFixed(2)} per month for its metrics, alarms, secret and polls, and an ordered one $${deliveryFixedUsd(true).toFixed(2)}.\n`,
  );
  for (const { ordered, eventsPerBatch, lines, perMillionUsd } of deliveries) {
    const kind = ordered ? 'Ordered' : 'Standard';
    process.stdout.write(
      `\n  ${kind}, ${eventsPerBatch} event(s) per invocation: $${perMillionUsd.toFixed(2)}\n`,
    );
    for (const line of lines) process.stdout.write(textOf(line));
  }
}
process.exit(0);
