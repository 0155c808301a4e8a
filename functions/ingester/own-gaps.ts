/** Gaps that have ended are remembered for this long: as long as a standby keeps items. */
export const MAX_GAP_AGE_MS = 60_000;
/** Gaps that have ended and are remembered. */
export const MAX_ENDED_GAPS = 1_000;

/** A gap of a subscription's connections, in epoch milliseconds. Without `toMs` it is open. */
export interface OwnGap {
  readonly subscription: string;
  /** Identifies the topics that were served. */
  readonly topicsId: string;
  readonly fromMs: number;
  readonly toMs?: number;
  readonly reason: string;
}

/** A gap that has ended. */
export type EndedGap = OwnGap & { readonly toMs: number };

/** The gaps of a task's connections that ended recently. */
export class EndedGaps {
  private gaps: readonly EndedGap[] = [];

  get all(): readonly EndedGap[] {
    return this.gaps;
  }

  of(subscription: string): readonly EndedGap[] {
    return this.gaps.filter((one) => one.subscription === subscription);
  }

  add(gap: EndedGap): void {
    const oldestMs = Date.now() - MAX_GAP_AGE_MS;
    this.gaps = [...this.gaps.filter(({ toMs }) => toMs >= oldestMs), gap].slice(-MAX_ENDED_GAPS);
  }

  /** Forget the gaps of a subscription before `atMs`, which concern other topics. */
  forgetBefore(subscription: string, atMs: number): void {
    this.gaps = this.gaps.filter((one) => one.subscription !== subscription || one.toMs > atMs);
  }
}
