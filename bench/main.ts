import { parseArgs } from 'node:util';
import { batches, consumer, naiveConsumer } from './consumer.ts';
import { startFrameServer } from './frame-client.ts';
import { ingest, ingestNaively, receiveAndParse } from './ingester.ts';
import { eventsPerCpuSecond, type Figure, figure } from './measure.ts';
import { benchMemory } from './memory.ts';

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

const BENCHES = ['ingester', 'consumer', 'memory'] as const;

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !(BENCHES as readonly string[]).includes(name));
if (values.help || unknown.length > 0) {
  process.stdout.write(`npm run bench [-- [--json] [${BENCHES.join('] [')}]]   default: all\n`);
  process.exit(unknown.length > 0 ? 2 : 0);
}
// EMF documents would stand among the figures.
process.env.POWERTOOLS_METRICS_DISABLED = 'true';
const wanted = (name: string) => positionals.length === 0 || positionals.includes(name);
if (wanted('ingester') || wanted('consumer')) {
  const ingester = await benchIngester();
  tell(ingester);
  if (wanted('consumer')) tell(await benchConsumer(ingester.limit));
}
if (wanted('memory')) for (const one of await benchMemory()) tell(one);
process.exit(0);

function tell(one: Figure): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify(one)}\n`);
    return;
  }
  const beside =
    one.naive === null
      ? ''
      : `   naive ${one.naive} (${one.timesNaive} times)   limit ${one.limit} (${((one.shareOfLimit ?? 0) * 100).toFixed(1)} % of it)`;
  process.stdout.write(`${one.name}: ${one.value} ${one.unit}${beside}\n`);
}
