import type { Item } from '../../../lib/events/item.ts';

/** How long a standby keeps the items that it has read. A gap of the leader is detected within 40 s. */
export const MAX_AGE_MS = 60_000;
/**
 * Bytes of items that a standby keeps; with more, the oldest are dropped. At 2,000 events per second, a full standby has
 * 370 MB of resident memory, and at most 433 MB while it takes over (`npm run bench -- memory`). A task has at least 512 MB.
 */
export const MAX_BYTES = 96 * 1_048_576;
/** Memory of an item in addition to its string. */
export const ITEM_OVERHEAD_BYTES = 200;

/** An item that was read, or one that is made only if it is sent. */
export interface RecentItem {
  readonly subscription: string;
  /** Epoch milliseconds. */
  readonly receivedAtMs: number;
  /** Memory of its content. */
  readonly bytes: number;
  readonly content: Item | (() => Promise<Item>);
}

/** The items that a standby has read recently, by time of receipt. Dropped items are before {@link sinceMs}. */
export class RecentItems {
  private readonly limits: { readonly maxAgeMs: number; readonly maxBytes: number };
  private items: RecentItem[] = [];
  /** Items before this index were dropped. */
  private first = 0;
  private keptBytes = 0;
  private droppedUntilMs = Date.now();

  constructor(limits = { maxAgeMs: MAX_AGE_MS, maxBytes: MAX_BYTES }) {
    this.limits = limits;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.keptBytes;
  }

  /** Epoch milliseconds since which everything that was read and not taken is kept. */
  get sinceMs(): number {
    this.dropOld();
    return Math.max(this.droppedUntilMs, Date.now() - this.limits.maxAgeMs);
  }

  add(item: RecentItem): void {
    this.items.push(item);
    this.keptBytes += item.bytes + ITEM_OVERHEAD_BYTES;
    this.dropOld();
  }

  /** Remove the items that are wanted. Returns them by time of receipt. */
  take(isWanted: (item: RecentItem) => boolean): readonly RecentItem[] {
    const taken: RecentItem[] = [];
    const left: RecentItem[] = [];
    for (let index = this.first; index < this.items.length; index++) {
      const item = this.items[index];
      if (item) (isWanted(item) ? taken : left).push(item);
    }
    this.items = left;
    this.first = 0;
    this.keptBytes -= taken.reduce((sum, { bytes }) => sum + bytes + ITEM_OVERHEAD_BYTES, 0);
    return taken.toSorted((a, b) => a.receivedAtMs - b.receivedAtMs);
  }

  /** Drop everything, and keep items that are added from now on. */
  clear(): void {
    this.items = [];
    this.first = 0;
    this.keptBytes = 0;
    this.droppedUntilMs = Date.now();
  }

  private dropOld(): void {
    const oldestMs = Date.now() - this.limits.maxAgeMs;
    for (;;) {
      const item = this.items[this.first];
      if (!item || (item.receivedAtMs >= oldestMs && this.keptBytes <= this.limits.maxBytes)) break;
      this.first++;
      this.keptBytes -= item.bytes + ITEM_OVERHEAD_BYTES;
      this.droppedUntilMs = Math.max(this.droppedUntilMs, item.receivedAtMs + 1);
    }
    // Moving the rest costs as much as the items that were dropped.
    if (this.first > this.items.length / 2) {
      this.items = this.items.slice(this.first);
      this.first = 0;
    }
  }
}
