import type { Interval } from '../../lib/genesys/interval.ts';

/** The times in at least one interval: sorted, disjoint, not adjacent. */
export function union(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const { fromMs, toMs } of intervals.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1);
    if (toMs <= fromMs) continue;
    if (last && fromMs <= last.toMs)
      merged[merged.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, toMs) };
    else merged.push({ fromMs, toMs });
  }
  return merged;
}

/** The times in `intervals` and not in `others`: sorted, disjoint, not adjacent. */
export function subtract(intervals: readonly Interval[], others: readonly Interval[]): Interval[] {
  const holes = union(others);
  const left: Interval[] = [];
  let first = 0;
  for (const { fromMs, toMs } of union(intervals)) {
    let startMs = fromMs;
    while ((holes[first]?.toMs ?? Number.POSITIVE_INFINITY) <= fromMs) first++;
    for (let n = first; startMs < toMs; n++) {
      const hole = holes[n] ?? { fromMs: toMs, toMs };
      if (startMs < Math.min(hole.fromMs, toMs))
        left.push({ fromMs: startMs, toMs: Math.min(hole.fromMs, toMs) });
      startMs = Math.max(startMs, hole.toMs);
    }
  }
  return left;
}

/** Whether two intervals have a time in common. */
export function overlap(a: Interval, b: Interval): boolean {
  return a.fromMs < b.toMs && b.fromMs < a.toMs;
}
