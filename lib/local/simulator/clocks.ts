import type { Random } from '../random.ts';

/** With this many clocks, all are dropped, and with them those of users and queues that no longer exist. */
const MAX_CLOCKS = 100_000;

/** Users and queues that exist now. Both lists may change. */
export interface Organization {
  readonly userIds: readonly string[];
  readonly queueIds: readonly string[];
}

/**
 * Event times per user, queue or conversation. They increase by at least one millisecond. Events that belong to the
 * same moment use the same time.
 */
export class Clocks {
  private readonly now: () => number;
  private readonly lastTimes = new Map<string, number>();
  /** An id whose clock was dropped gets no time up to this one. */
  private floorMs = Number.NEGATIVE_INFINITY;
  private latestMs = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.now = now;
  }

  /** Time of the last event of `id`, or one second ago if there was none. */
  last(id: string): number {
    return this.lastTimes.get(id) ?? Math.floor(this.now()) - 1_000;
  }

  /** Time of the next event of `id`. */
  next(id: string): number {
    if (this.lastTimes.size >= MAX_CLOCKS && !this.lastTimes.has(id)) {
      this.floorMs = this.latestMs;
      this.lastTimes.clear();
    }
    const atMs = Math.max(Math.floor(this.now()), this.last(id) + 1, this.floorMs + 1);
    this.latestMs = Math.max(this.latestMs, atMs);
    this.lastTimes.set(id, atMs);
    return atMs;
  }
}

/** A random id, or undefined if the list is empty. */
export function anyOf(ids: readonly string[], random: Random): string | undefined {
  return ids.length === 0 ? undefined : random.pick(ids);
}
