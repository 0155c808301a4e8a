import type { Frame } from '../frame.ts';
import type { LedgerEntry } from '../ledger-entry.ts';

/** What a server notes about an event when it happens. It is the same for every client, and when it is sent again. */
export interface Stamp {
  readonly timestamp: string;
  /** Its sequence number, if the stream has sequence numbers. */
  readonly sequence?: number;
  /** Whether it is sent as JSON, regardless of the requested format. */
  readonly isJson?: boolean;
}

/** An event that a server sends. */
export interface StreamEvent {
  readonly frame: Frame;
  readonly entry: LedgerEntry;
  readonly stamp: Stamp;
}
