import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type Figure, figure } from './measure.ts';

/** Measures the resident memory of each deployable in a separate process. */
export async function benchMemory(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const deployable of ['ingester', 'consumer']) {
    const run = fork(new URL('./memory-run.ts', import.meta.url), [deployable], {
      execArgv: ['--expose-gc'],
    });
    const [{ earlyMb, lateMb }] = (await once(run, 'message')) as [{ earlyMb: number; lateMb: number }];
    figures.push(
      figure(`${deployable} memory after 100,000 events`, 'MB RSS', earlyMb, null, null),
      figure(`${deployable} memory after 500,000 events`, 'MB RSS', lateMb, null, null),
      figure(
        `${deployable} memory growth from 100,000 to 500,000 events`,
        '%',
        (lateMb / earlyMb - 1) * 100,
        null,
        null,
      ),
    );
  }
  return figures;
}
