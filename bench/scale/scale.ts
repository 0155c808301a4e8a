import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { number } from '../../bin/local/flag-values.ts';
import { measureUsage } from '../cost/usage.ts';
import { scaleTables } from './scale-tables.ts';
import { MEASURED_FILE, type Measured, readMeasured } from './scale-units.ts';

/** Rates of the runs. From 500 events/s on messages are full, so that a faster run would need the same units per event. */
const MEASURED_RATES = [50, 500];
const MEASURED_SECONDS = 10;

const { measure, rate } = new Command('scale')
  .description('Prints the tables of docs/scale.md. `npm run docs` writes them into the file.')
  .option('--measure', 'measure the billable units again first, which takes half a minute', false)
  .option('--rate <n>', 'your own events per second instead of those of the file', number(1, 1_000_000))
  .showHelpAfterError('(use --help for a list of options)')
  .parse()
  .opts<{ measure: boolean; rate?: number }>();

if (measure) {
  const runs = [];
  for (const rate of MEASURED_RATES)
    runs.push({ rate, usage: await measureUsage(rate, MEASURED_SECONDS, 'off') });
  const measured: Measured = { date: new Date().toISOString().slice(0, 10), runs };
  writeFileSync(MEASURED_FILE, `${JSON.stringify(measured, undefined, 2)}\n`);
}
for (const [name, table] of Object.entries(
  scaleTables(readMeasured(), rate === undefined ? undefined : [rate]),
))
  process.stdout.write(`${name}\n\n${table}\n\n`);
process.exit(0);
