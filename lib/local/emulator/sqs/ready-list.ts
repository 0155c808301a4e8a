/** Slots given back before the array is shortened, so that taking from the front costs constant time. */
const COMPACT_AFTER_SLOTS = 1_024;
/** Gone items that the list may hold beyond as many as are live; small, for each may be a message of a MiB. */
const GONE_SLACK_ITEMS = 64;
/** How far from the front an out-of-order pick may reach. */
const REORDER_WINDOW_ITEMS = 1_000;

/** A first-in first-out list; what `isGone` accepts is skipped, so that removal from the middle needs no search. */
export class ReadyList<T> {
  private slots: (T | undefined)[] = [];
  private head = 0;
  private readonly isGone: (item: T) => boolean;

  constructor(isGone: (item: T) => boolean) {
    this.isGone = isGone;
  }

  /** @param live how many items of the list are not gone, this one included: what is gone is dropped in time. */
  push(item: T, live: number): void {
    this.slots.push(item);
    if (this.slots.length - this.head <= 2 * live + GONE_SLACK_ITEMS) return;
    this.slots = this.slots.slice(this.head).filter((kept) => kept !== undefined && !this.isGone(kept));
    this.head = 0;
  }

  /** Takes the first item. @param pick picks another one: gets a count, returns an index below it. */
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
