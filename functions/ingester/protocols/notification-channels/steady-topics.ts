import type { Log } from '../../../../lib/aws/logger.ts';

/** Consecutive listings that must lack a topic before it is removed. Pages can shift while the list is read. */
const MAX_MISSED_LISTINGS = 2;
/** A listing with fewer topics than this share of the previous one is refused. */
const MIN_REMAINING_SHARE = 0.5;
/** Maximum number of topics named in a log line. */
const MAX_LOGGED_TOPICS = 20;

/**
 * The topics of successive listings. A listing can be wrong: while it is read page by page, entities move between
 * pages, and an empty response looks like an organization without users. A topic is removed only if two consecutive
 * listings lack it. A listing with fewer than half of the previous topics is refused.
 */
export class SteadyTopics {
  private readonly log: Log;
  /** Topics in use, each with the number of consecutive listings that have lacked it. */
  private missed: ReadonlyMap<string, number> = new Map();
  /** The same after the latest listing. */
  private latest: ReadonlyMap<string, number> = new Map();

  constructor(log: Log) {
    this.log = log;
  }

  /** @returns the topics to use after this listing. The listing takes effect when {@link confirm} is called. */
  take(listed: readonly string[]): readonly string[] {
    if (listed.length < this.missed.size * MIN_REMAINING_SHARE) {
      this.log.error(
        'a listing has fewer than half of the previous topics; the previous ones are kept. Restart the task to accept it.',
        { listed: listed.length, previous: this.missed.size },
      );
      this.latest = this.missed;
      return [...this.missed.keys()];
    }
    const present = new Set(listed);
    const next = new Map(listed.map((topic) => [topic, 0]));
    const removed: string[] = [];
    for (const [topic, times] of this.missed) {
      if (present.has(topic)) continue;
      if (times + 1 < MAX_MISSED_LISTINGS) next.set(topic, times + 1);
      else removed.push(topic);
    }
    if (removed.length > 0)
      this.log.info('topics are no longer listed; their subscriptions end', {
        count: removed.length,
        topics: removed.slice(0, MAX_LOGGED_TOPICS),
      });
    this.latest = next;
    return [...next.keys()];
  }

  /** The topics of the latest listing are now in use. */
  confirm(): void {
    this.missed = this.latest;
  }
}
