import type { Item } from '../../../lib/events/item.ts';
import { memoryBytesOf } from '../item-buffer.ts';
import type { ItemQueue } from '../item-queue.ts';
import { type RecentItem, RecentItems } from './recent-items.ts';

/** The queue of a task that leads or follows: its items are sent, or kept for a while. */
export class RoleQueue implements ItemQueue {
  /** Items that were read and not sent. */
  readonly recent: RecentItems;
  private readonly batcher: ItemQueue;
  private isLeading = false;

  constructor(batcher: ItemQueue, recent = new RecentItems()) {
    this.batcher = batcher;
    this.recent = recent;
  }

  get lastPosition(): number {
    return this.batcher.lastPosition;
  }

  get acceptedPosition(): number {
    return this.batcher.acceptedPosition;
  }

  add(item: Item, receivedAtMs: number, subscription: string): void {
    if (this.isLeading) this.batcher.add(item, receivedAtMs, subscription);
    else this.recent.add({ subscription, receivedAtMs, bytes: memoryBytesOf(item), content: item });
  }

  addLater(bytes: number, make: () => Promise<Item>, receivedAtMs: number, subscription: string): void {
    if (this.isLeading) this.batcher.addLater(bytes, make, receivedAtMs, subscription);
    else this.recent.add({ subscription, receivedAtMs, bytes, content: make });
  }

  /** Send the kept items that are wanted, oldest first. They are no longer kept. */
  send(isWanted: (item: RecentItem) => boolean): void {
    for (const { content, bytes, subscription, receivedAtMs } of this.recent.take(isWanted)) {
      if (typeof content === 'function') this.batcher.addLater(bytes, content, receivedAtMs, subscription);
      else this.batcher.add(content, receivedAtMs, subscription);
    }
  }

  /** Send everything from now on. Items that are still kept are dropped. */
  lead(): void {
    this.isLeading = true;
    this.recent.clear();
  }

  /** Keep everything from now on. */
  follow(): void {
    this.isLeading = false;
    this.recent.clear();
  }
}
