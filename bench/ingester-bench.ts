import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { IngesterRates } from './ingester-rates.ts';
import { type Figure, figure } from './measure.ts';
import { type FormatName, WIRE_FORMATS } from './wire-formats.ts';

/** Names of the wire formats that can be measured. */
export const FORMATS = Object.keys(WIRE_FORMATS) as readonly FormatName[];

/**
 * Measures the ingester with one wire format, in its own process, so that other formats do not affect the optimized
 * code.
 */
export async function benchIngester(format: FormatName): Promise<Figure> {
  const run = fork(new URL('./ingester-rates.ts', import.meta.url), [format], { execArgv: ['--expose-gc'] });
  const [{ value, naive, limit }] = (await once(run, 'message')) as [IngesterRates];
  return figure(`ingester, ${format}`, 'events/s per core', value, naive, limit);
}
