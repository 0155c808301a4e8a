/** Ids remembered at the least: a minute of 2,000 events a second. An id takes about 100 bytes. */
export const RECENT_IDS_LIMIT = 120_000;

/**
 * The ids of the last events, to drop the copies that overlapping connections bring before they cost anything.
 * Bounded: between `limit` and twice `limit` ids are remembered. Claims catch what this no longer knows.
 */
export class RecentIds {
  private readonly limit: number;
  private current = new Set<string>();
  private previous = new Set<string>();

  constructor(limit = RECENT_IDS_LIMIT) {
    this.limit = limit;
  }

  /** Remember an id; false when it was known. */
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
