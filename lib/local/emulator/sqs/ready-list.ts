/** Free slots at the front before the array is shortened, so that taking the first item costs constant time. */
const COMPACT_AFTER_SLOTS = 1_024;
/** Removed items that the list may hold in addition to as many as are live. Small: each may be a message of 1 MiB. */
const GONE_SLACK_ITEMS = 64;
/** Maximum distance of an out-of-order pick from the front. */
const REORDER_WINDOW_ITEMS = 1_000;

/** A FIFO list. Items that `isGone` accepts are skipped, so that removal from the middle needs no search. */
export class ReadyList<T> {
  private slots: (T | undefined)[] = [];
  private head = 0;
  private readonly isGone: (item: T) => boolean;

  constructor(isGone: (item: T) => boolean) {
    this.isGone = isGone;
  }

  /** @param live number of items that are not gone, including this one. Too many removed items are dropped. */
  push(item: T, live: number): void {
    this.slots.push(item);
    if (this.slots.length - this.head <= 2 * live + GONE_SLACK_ITEMS) return;
    this.slots = this.slots.slice(this.head).filter((kept) => kept !== undefined && !this.isGone(kept));
    this.head = 0;
  }

  /** Takes the first item. @param pick returns the index of another one, below the count that it gets. */
  shift(pick?: (count: number) => number): T | undefined {
    if (pick) this.bringForward(pick);
    while (this.head < this.slots.length) {
      const item = this.slots[this.head];
      this.slots[this.head] = undefined;
      this.head += 1;
      this.compact();
      if (item !== undefined && !this.isGone(item)) return item;
    }
    return undefined;
  }

  private bringForward(pick: (count: number) => number): void {
    const count = Math.min(this.slots.length - this.head, REORDER_WINDOW_ITEMS);
    if (count < 2) return;
    const picked = this.head + pick(count);
    const first = this.slots[this.head];
    this.slots[this.head] = this.slots[picked];
    this.slots[picked] = first;
  }

  private compact(): void {
    if (
      this.head < this.slots.length &&
      (this.head < COMPACT_AFTER_SLOTS || this.head * 2 < this.slots.length)
    )
      return;
    this.slots = this.slots.slice(this.head);
    this.head = 0;
  }
}
