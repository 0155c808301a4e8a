import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type Figure, figure } from './measure.ts';

/** What Node.js takes for its heap in a task of 512 MB. */
const TASK_HEAP_MB = 256;

/** Measures the resident memory of each deployable, and of a standby, in separate processes. */
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
  return [...figures, ...(await standbyFigures())];
}

async function standbyFigures(): Promise<Figure[]> {
  const run = fork(new URL('./standby-run.ts', import.meta.url), {
    execArgv: [`--max-old-space-size=${TASK_HEAP_MB}`],
  });
  const [{ fullMb, peakMb }] = (await once(run, 'message')) as [{ fullMb: number; peakMb: number }];
  return [
    figure('standby memory when it keeps as much as it may', 'MB RSS', fullMb, null, null),
    figure('standby memory at most, while it takes over', 'MB RSS', peakMb, null, null),
  ];
}
