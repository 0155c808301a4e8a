interface Due<T> {
  readonly atMs: number;
  readonly order: number;
  readonly item: T;
}

/** A binary min-heap of items by due time. Items with equal times are returned in the order of insertion. */
export class DueHeap<T> {
  private entries: Due<T>[] = [];
  private order = 0;

  get size(): number {
    return this.entries.length;
  }

  /** Time in ms at which the first item is due, or undefined for an empty heap. */
  get nextAtMs(): number | undefined {
    return this.entries[0]?.atMs;
  }

  push(atMs: number, item: T): void {
    this.order += 1;
    this.entries.push({ atMs, order: this.order, item });
    this.rise(this.entries.length - 1);
  }

  /** Removes and returns the first item if it is due at `nowMs`. */
  popDue(nowMs: number): T | undefined {
    const first = this.entries[0];
    if (first === undefined || first.atMs > nowMs) return undefined;
    const last = this.entries.pop();
    if (last !== undefined && this.entries.length > 0) {
      this.entries[0] = last;
      this.sink(0);
    }
    return first.item;
  }

  /** Keeps only the items that the test accepts. */
  retain(test: (item: T) => boolean): void {
    this.entries = this.entries.filter((entry) => test(entry.item)).sort(before);
  }

  private rise(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.swapIfBefore(index, parent)) return;
      index = parent;
    }
  }

  private sink(start: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const leftEntry = this.entries[left];
      if (leftEntry === undefined) return;
      const rightEntry = this.entries[right];
      const child = rightEntry !== undefined && before(rightEntry, leftEntry) < 0 ? right : left;
      if (!this.swapIfBefore(child, index)) return;
      index = child;
    }
  }

  private swapIfBefore(lower: number, upper: number): boolean {
    const lowerEntry = this.entries[lower];
    const upperEntry = this.entries[upper];
    if (lowerEntry === undefined || upperEntry === undefined || before(lowerEntry, upperEntry) >= 0)
      return false;
    this.entries[lower] = upperEntry;
    this.entries[upper] = lowerEntry;
    return true;
  }
}

function before<T>(a: Due<T>, b: Due<T>): number {
  return a.atMs - b.atMs || a.order - b.order;
}
