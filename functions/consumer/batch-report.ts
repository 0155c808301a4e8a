import type { QueuedEvent } from '../../lib/events/schema.ts';

/** The outcome of one batch. */
export interface BatchReport {
  /** SQS ids of the messages that must be redelivered. */
  readonly failedMessageIds: readonly string[];
  readonly received: number;
  readonly published: readonly QueuedEvent[];
  /** Copies that were dropped. */
  readonly duplicates: readonly QueuedEvent[];
  readonly quarantined: number;
}
