import { startFrameServer } from './frame-client.ts';
import { ingest, ingestNaively, receiveAndDecode, type Work } from './ingest.ts';
import { eventsPerCpuSecond, median } from './measure.ts';
import type { FormatName } from './wire-formats.ts';

const EVENTS = 40_000;
/** The naive implementation is slower, so fewer events are sufficient. */
const NAIVE_EVENTS = 5_000;
/** Rounds before the measurement, so that the compiler has optimized the code. */
const WARM_UP_ROUNDS = 2;
/** Rounds whose medians are reported. */
const ROUNDS = 5;

/** Events per second of CPU time. */
export interface IngesterRates {
  readonly value: number;
  readonly naive: number;
  readonly limit: number;
}

// Runs as a separate process for one wire format. Sends the rates to the parent process. The ways take turns, so that
// load from outside changes all of them.
const format = process.argv[2] as FormatName;
const server = await startFrameServer();
const WAYS = [
  { name: 'limit', read: receiveAndDecode, events: EVENTS },
  { name: 'naive', read: ingestNaively, events: NAIVE_EVENTS },
  { name: 'value', read: ingest, events: EVENTS },
] as const;
const rates: Record<keyof IngesterRates, number[]> = { limit: [], naive: [], value: [] };
for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
  for (const { name, read, events } of WAYS) {
    const work: Work = { format, events, url: server.url(format, events) };
    const rate = await eventsPerCpuSecond(events, () => read(work));
    if (round >= WARM_UP_ROUNDS) rates[name].push(rate);
  }
}
server.close();
const result: IngesterRates = {
  value: median(rates.value),
  naive: median(rates.naive),
  limit: median(rates.limit),
};
if (process.send) process.send(result, () => process.exit(0));
else process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
