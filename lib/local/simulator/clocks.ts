import type { Random } from '../random.ts';

/** Clocks of users and queues that are no longer listed are dropped when there are this many. */
const CLOCKS_LIMIT = 100_000;

/** Users and queues that exist now; both lists may change. */
export interface Organization {
  readonly userIds: readonly string[];
  readonly queueIds: readonly string[];
}

/**
 * The times that events of one user or queue carry. They grow strictly, by a millisecond at least, so that no two
 * events of a topic are equal however fast they come.
 */
export class Clocks {
  private readonly now: () => number;
  private readonly lastTimes = new Map<string, number>();
  /** No time up to here is given again to an id whose clock was dropped. */
  private floorMs = Number.NEGATIVE_INFINITY;
  private latestMs = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.now = now;
  }

  /** Time of the last event of `id`, or a second ago if there was none. */
  last(id: string): number {
    return this.lastTimes.get(id) ?? Math.floor(this.now()) - 1_000;
  }

  /** Time of the next event of `id`. */
  next(id: string): number {
    if (this.lastTimes.size >= CLOCKS_LIMIT && !this.lastTimes.has(id)) {
      this.floorMs = this.latestMs;
      this.lastTimes.clear();
    }
    const atMs = Math.max(Math.floor(this.now()), this.last(id) + 1, this.floorMs + 1);
    this.latestMs = Math.max(this.latestMs, atMs);
    this.lastTimes.set(id, atMs);
    return atMs;
  }
}

/** Any user, or none in an organisation without users. */
export function anyOf(ids: readonly string[], random: Random): string | undefined {
  return ids.length === 0 ? undefined : random.pick(ids);
}
