import type { EventIdentity, Item, ReceivedEvent } from '../../lib/events/item.ts';
import type { Batcher } from './batcher.ts';

/** Where a frame came from. */
export interface Origin {
  readonly protocol: string;
  readonly subscription: string;
}

/** An event on its way to the queue. */
export interface IdentifiedEvent {
  readonly event: ReceivedEvent;
  readonly identity: EventIdentity;
  /** The stable id with which another connection may deliver a weak event. */
  readonly copiedId?: string;
  readonly frame: Buffer;
  readonly receivedAtMs: number;
}

/** Takes items of subscriptions; the batcher is one. */
export interface ItemQueue extends Pick<Batcher, 'lastPosition' | 'acceptedPosition'> {
  add(item: Item, receivedAtMs: number, subscription: string): void;
  addLater(bytes: number, make: () => Promise<Item>, receivedAtMs: number, subscription: string): void;
}
