import type { ReceivedEvent } from '../../lib/events/item.ts';

/** Receives what the intake reports apart from items. */
export interface IntakeHandlers {
  /** The server did not deliver these sequence numbers, both inclusive. */
  onSequenceGap(subscription: string, from: number, to: number, sinceMs?: number): void;
  /** An event was read that can be found again by its key. */
  onKeyedEvent?(frame: ReceivedEvent['frame'], key: string): void;
}
