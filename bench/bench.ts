import { availableParallelism, cpus } from 'node:os';
import { Argument, Command } from 'commander';
import { backfillFigures } from './backfill-bench.ts';
import { batches, consumer, naiveConsumer } from './consumer-bench.ts';
import { benchFullBuffer } from './full-buffer-bench.ts';
import { benchImport } from './import-bench.ts';
import { benchIngester, FORMATS } from './ingester-bench.ts';
import { eventsPerCpuSecond, type Figure, figure } from './measure.ts';
import { benchMemory } from './memory-bench.ts';
import { benchWebhook } from './webhook-bench.ts';
import type { FormatName } from './wire-formats.ts';

const CONSUMER_EVENTS = 50_000;
/** The naive implementations are slower, so fewer events are sufficient. */
const NAIVE_EVENTS = 10_000;
/** Share of events processed before the measurement, so that the code is optimized by the compiler. */
const WARM_UP_SHARE = 0.25;
/** The wire format whose raw limit is that of the consumer. */
const CONSUMER_FORMAT: FormatName = 'notification-channels';

async function benchConsumer(limit: number): Promise<Figure> {
  const measure = async (consume: ReturnType<typeof consumer>, events: number) => {
    for (const batch of batches(events * WARM_UP_SHARE, 1)) await consume(batch);
    const made = [...batches(events, 2)];
    return eventsPerCpuSecond(events, async () => {
      for (const batch of made) await consume(batch);
    });
  };
  const naive = await measure(naiveConsumer(), NAIVE_EVENTS);
  return figure('consumer', 'events/s per core', await measure(consumer(), CONSUMER_EVENTS), naive, limit);
}

const BENCHES = ['ingester', 'consumer', 'webhook', 'import', 'memory', 'buffer', 'backfill'] as const;

const command = new Command('bench')
  .description(
    'Measures throughput and memory, and compares throughput with a naive implementation and an upper limit.',
  )
  .addArgument(new Argument('[benches...]', 'benches to run').choices(BENCHES).default([...BENCHES], 'all'))
  .option('--json', 'print one JSON object per line', false)
  .showHelpAfterError('(use --help for a list of options)')
  .parse();
const { json } = command.opts<{ json: boolean }>();
const chosen: readonly string[] = command.processedArgs[0];
// EMF documents would be mixed with the output.
process.env.POWERTOOLS_METRICS_DISABLED = 'true';
const selected = (name: string) => chosen.includes(name);
if (!json)
  process.stdout.write(`Node.js ${process.version}, ${availableParallelism()} CPUs (${cpus()[0]?.model})\n`);
let limit = Number.NaN;
for (const format of FORMATS) {
  if (!selected('ingester') && !(selected('consumer') && format === CONSUMER_FORMAT)) continue;
  const ingester = await benchIngester(format);
  if (format === CONSUMER_FORMAT) limit = ingester.limit ?? limit;
  print(ingester);
}
if (selected('consumer')) print(await benchConsumer(limit));
if (selected('webhook')) for (const one of await benchWebhook()) print(one);
if (selected('import')) for (const one of await benchImport()) print(one);
if (selected('memory')) for (const one of await benchMemory()) print(one);
if (selected('buffer')) for (const one of await benchFullBuffer()) print(one);
if (selected('backfill')) for (const one of await backfillFigures()) print(one);
process.exit(0);

function print(result: Figure): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const { name, value, unit, naive, limit, timesNaive, shareOfLimit } = result;
  const comparison =
    limit === null
      ? naive === null
        ? ''
        : `   naive ${naive}`
      : naive === null
        ? `   baseline ${limit}`
        : `   naive ${naive} (${timesNaive} times as fast)   upper limit ${limit} (${((shareOfLimit ?? 0) * 100).toFixed(1)} % of it)`;
  process.stdout.write(`${name}: ${value} ${unit}${comparison}\n`);
}
