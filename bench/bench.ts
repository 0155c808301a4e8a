import { Argument, Command } from 'commander';
import { batches, consumer, naiveConsumer } from './consumer-bench.ts';
import { startFrameServer } from './frame-client.ts';
import { benchImport } from './import-bench.ts';
import { ingest, ingestNaively, receiveAndParse } from './ingester-bench.ts';
import { eventsPerCpuSecond, type Figure, figure } from './measure.ts';
import { benchMemory } from './memory-bench.ts';

const INGESTER_EVENTS = 200_000;
const CONSUMER_EVENTS = 50_000;
/** The naive way is slow: fewer events tell as much. */
const NAIVE_EVENTS = 10_000;
/** Part of the events that run first, unmeasured, so that the compiler is done. */
const WARM_UP_SHARE = 0.25;

type Read = (url: string, events: number) => Promise<void>;

async function benchIngester(): Promise<Figure & { limit: number }> {
  const server = await startFrameServer();
  const measure = async (read: Read, events: number) => {
    await read(server.url(events * WARM_UP_SHARE), events * WARM_UP_SHARE);
    return eventsPerCpuSecond(events, () => read(server.url(events), events));
  };
  const limit = await measure(receiveAndParse, INGESTER_EVENTS);
  const naive = await measure(ingestNaively, NAIVE_EVENTS);
  const value = await measure(ingest, INGESTER_EVENTS);
  server.close();
  return { ...figure('ingester', 'events/s per core', value, naive, limit), limit };
}

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

const BENCHES = ['ingester', 'consumer', 'import', 'memory'] as const;

const command = new Command('bench')
  .description('Speed and memory, each beside the naive way and the raw limit in the same run.')
  .addArgument(new Argument('[benches...]', 'which').choices(BENCHES).default([...BENCHES], 'all'))
  .option('--json', 'print one JSON object a line', false)
  .showHelpAfterError('(--help explains every flag)')
  .parse();
const { json } = command.opts<{ json: boolean }>();
const chosen: readonly string[] = command.processedArgs[0];
// EMF documents would stand among the figures.
process.env.POWERTOOLS_METRICS_DISABLED = 'true';
const wanted = (name: string) => chosen.includes(name);
if (wanted('ingester') || wanted('consumer')) {
  const ingester = await benchIngester();
  tell(ingester);
  if (wanted('consumer')) tell(await benchConsumer(ingester.limit));
}
if (wanted('import')) for (const one of await benchImport()) tell(one);
if (wanted('memory')) for (const one of await benchMemory()) tell(one);
process.exit(0);

function tell(one: Figure): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(one)}\n`);
    return;
  }
  const beside =
    one.limit === null
      ? ''
      : one.naive === null
        ? `   limit ${one.limit}`
        : `   naive ${one.naive} (${one.timesNaive} times)   limit ${one.limit} (${((one.shareOfLimit ?? 0) * 100).toFixed(1)} % of it)`;
  process.stdout.write(`${one.name}: ${one.value} ${one.unit}${beside}\n`);
}
