/** A measured figure, with the figures of the comparisons in the same run. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** Figure of the naive implementation. */
  naive: number | null;
  /** Upper limit for throughput, or baseline for sizes and import times. */
  limit: number | null;
  timesNaive: number | null;
  shareOfLimit: number | null;
}

/** Creates a figure and calculates its ratios. */
export function figure(
  name: string,
  unit: string,
  value: number,
  naive: number | null,
  limit: number | null,
): Figure {
  const round = (number: number, digits: number) => Number(number.toPrecision(digits));
  return {
    name,
    value: round(value, 4),
    unit,
    naive: naive === null ? null : round(naive, 4),
    limit: limit === null ? null : round(limit, 4),
    timesNaive: naive === null ? null : round(value / naive, 3),
    shareOfLimit: limit === null ? null : round(value / limit, 3),
  };
}

/** Returns the CPU time (user and system) of this process in seconds. */
export function cpuSeconds(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

/**
 * Measures the events per second of CPU time. The CPU time includes the threads of the garbage collector and the
 * compiler, and excludes time in which other processes use the core.
 *
 * @param events - number of events that `work` processes
 */
export async function eventsPerCpuSecond(events: number, work: () => Promise<void>): Promise<number> {
  globalThis.gc?.();
  const start = process.cpuUsage();
  await work();
  return events / cpuSeconds(start);
}

/** The middle of some values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
