/** One measured figure, beside the naive way and the raw limit measured in the same run. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** The same work done the obvious way. */
  naive: number | null;
  /** What nothing built this way can beat. */
  limit: number | null;
  timesNaive: number | null;
  shareOfLimit: number | null;
}

/** A figure with its ratios. */
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

/** CPU time of this process in seconds: what one core would have needed. */
export function cpuSeconds(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

/**
 * Events a second of one core, by the CPU time that the whole process used: threads of the garbage collector and the
 * compiler count too, and time in which others had the core does not.
 *
 * @param work - does the work for so many events
 */
export async function eventsPerCpuSecond(events: number, work: () => Promise<void>): Promise<number> {
  globalThis.gc?.();
  const start = process.cpuUsage();
  await work();
  return events / cpuSeconds(start);
}
