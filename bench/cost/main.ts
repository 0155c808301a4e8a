import { parseArgs } from 'node:util';
import { bill } from './model.ts';
import { PRICES } from './prices.ts';
import { measureUsage } from './usage.ts';

const RUN_LIMIT_SECONDS = 300;
const RATE_LIMIT = 2_000;
const TASKS_LIMIT = 100;

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= min && value <= max) return value;
  process.stderr.write(`--${name} ${text}: give a number from ${min} to ${max}\n`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '50' },
    tasks: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '10' },
    'claim-days': { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(
    'npm run cost -- [--rate events/s, default 50] [--tasks ingester tasks, default 1] [--claim-days 7] [--seconds length of the run, default 10] [--json]\n',
  );
  process.exit(0);
}
const rate = number('rate', values.rate, 1, RATE_LIMIT);
const tasks = number('tasks', values.tasks, 1, TASKS_LIMIT);
const seconds = number('seconds', values.seconds, 1, RUN_LIMIT_SECONDS);
const claimDays = number('claim-days', values['claim-days'], 4, 28);
const usage = await measureUsage(rate, seconds);
const result = bill(usage, { tasks, claimDays });

if (values.json) {
  process.stdout.write(`${JSON.stringify({ rate, tasks, claimDays, prices: PRICES, usage, ...result })}\n`);
} else {
  const { region, date } = PRICES;
  process.stdout.write(
    `A month at ${rate} events/s with ${tasks} ingester task(s), prices of ${region} on ${date}, no free tier:\n\n`,
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
    `${(result.eventsAMonth / 1e6).toFixed(1)} M events a month; what grows with them costs $${result.perMillionUsd.toFixed(3)} a million.\n`,
  );
}
process.exit(0);
