/** Minimum number of ids remembered: one minute at 2,000 events per second. An id takes about 100 bytes. */
export const MIN_RECENT_IDS = 120_000;

/**
 * The ids of the latest events, used to drop copies from overlapping connections before they cost anything. Between
 * `limit` and twice `limit` ids are remembered. Claims catch older copies.
 */
export class RecentIds {
  private readonly limit: number;
  private current = new Set<string>();
  private previous = new Set<string>();

  constructor(limit = MIN_RECENT_IDS) {
    this.limit = limit;
  }

  /** Remember an id. Returns false if it was already known. */
  add(id: string): boolean {
    if (this.current.has(id)) return false;
    const isNew = !this.previous.has(id);
    this.current.add(id);
    if (this.current.size >= this.limit) {
      this.previous = this.current;
      this.current = new Set();
    }
    return isNew;
  }
}
