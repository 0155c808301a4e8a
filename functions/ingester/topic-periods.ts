/** Lists of topics that are remembered, because a gap can begin before they change. */
export const MAX_PERIODS = 16;

/** A time in which a subscription had the same topics. */
interface Period {
  readonly topicsId: string;
  /** Epoch milliseconds. */
  readonly fromMs: number;
}

/** The topics that a subscription had over time. */
export class TopicPeriods {
  /** Those that have ended. What was before the first one is counted to it. */
  private ended: readonly Period[] = [];
  private current: Period;

  constructor(topicsId: string) {
    this.current = { topicsId, fromMs: Date.now() };
  }

  /** The subscription has these topics from now on. */
  change(topicsId: string): void {
    if (this.current.topicsId === topicsId) return;
    this.ended = [...this.ended, this.current].slice(1 - MAX_PERIODS);
    this.current = { topicsId, fromMs: Date.now() };
  }

  /** Split an interval in which the topics changed, so that each part names the topics of its time. */
  split<T extends { readonly fromMs: number; readonly toMs: number }>(
    gap: T,
  ): readonly (T & { readonly topicsId: string })[] {
    const periods = [...this.ended, this.current];
    const parts = periods.map(({ topicsId, fromMs }, index) => ({
      ...gap,
      topicsId,
      fromMs: index === 0 ? gap.fromMs : Math.max(gap.fromMs, fromMs),
      toMs: Math.min(gap.toMs, periods[index + 1]?.fromMs ?? gap.toMs),
    }));
    const within = parts.filter(({ fromMs, toMs }) => fromMs < toMs);
    // An empty interval is in no period, nor is one that ends before it begins because the clock has jumped.
    return within.length > 0 ? within : [{ ...gap, topicsId: this.current.topicsId }];
  }
}
