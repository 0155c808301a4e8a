import { expect } from 'vitest';
import type { ItemQueue } from '../../functions/ingester/item-queue.ts';
import type { Item } from '../../lib/events/item.ts';
import { type QueuedEvent, queuedEventSchema } from '../../lib/events/schema.ts';

/** A queue that keeps its items; the test decides what SQS has accepted. */
export class KeptItems implements ItemQueue {
  readonly items: string[] = [];
  /** When each item was received, as far as it was reported. */
  readonly receivedAtMs: (number | undefined)[] = [];
  acceptedPosition = 0;

  get lastPosition(): number {
    return this.items.length;
  }

  add({ json, bytes }: Item, receivedAtMs?: number): void {
    expect(bytes).toBe(Buffer.byteLength(json));
    this.items.push(json);
    this.receivedAtMs.push(receivedAtMs);
  }

  addLater(_bytes: number, make: () => Promise<Item>, receivedAtMs?: number): void {
    make().then((item) => this.add(item, receivedAtMs), expect.fail);
  }

  /** The items, all of which must be events. */
  get events(): QueuedEvent[] {
    return this.items.map((json) => queuedEventSchema.parse(JSON.parse(json)));
  }
}
