import type { MessageAttributes } from './sqs-message.ts';

/** SQS quota for a standard queue. */
export const MAX_IN_FLIGHT_MESSAGES = 120_000;
/** The emulator's own limits; AWS has none. */
export const MAX_QUEUE_MESSAGES = 1_000_000;
export const MAX_QUEUE_BYTES = 2 * 1_024 ** 3;

/** `ready` = visible; `gone` = deleted, moved or expired. */
export type MessageState = 'ready' | 'delayed' | 'in_flight' | 'gone';

/** The content of a message, which stays the same in every queue. */
export interface MessageContent {
  readonly messageId: string;
  readonly body: string;
  readonly md5OfBody: string;
  readonly attributes: MessageAttributes;
  readonly bytes: number;
  readonly sentAtMs: number;
  /** The queue from which redrive moved the message here. */
  readonly deadLetterSourceArn?: string;
}

/** A message in a queue. */
export interface StoredMessage extends MessageContent {
  /** Its number within the queue. A duplicate has the same message id but another key. */
  readonly key: number;
  readonly duplicate: boolean;
  /** Receives in earlier queues. They count for ApproximateReceiveCount, not for this queue's redrive. */
  readonly earlierReceives: number;
  receives: number;
  firstReceivedAtMs?: number;
  state: MessageState;
  /** Grows with every change of state, so that an outdated due time can be recognized. */
  version: number;
}

/** One receive of a message. */
export interface Delivery extends Omit<MessageContent, 'bytes'> {
  readonly receiptHandle: string;
  /** ApproximateReceiveCount, including this receive. */
  readonly receiveCount: number;
  readonly firstReceivedAtMs: number;
}

/** Number of messages by state. A queue with three zeros is empty. */
export interface QueueCounts {
  readonly visible: number;
  readonly delayed: number;
  readonly inFlight: number;
}

/** Queue attributes in the units of this code. */
export interface QueueSettings {
  readonly visibilityTimeoutMs: number;
  readonly retentionMs: number;
  readonly delayMs: number;
  readonly waitMs: number;
  readonly maxMessageBytes: number;
  readonly redrive?: { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number };
}

/** Deviations of a receive that SQS allows itself. See `FaultInjector`. */
export interface ReceiveFaults {
  /** Whether a message is delivered a second time, and with which receive count. */
  duplicate(queueArn: string, body: string): 'same_count' | 'higher_count' | undefined;
  /** Delay of the second delivery in ms, from 0 to `maxMs`. */
  duplicateDelayMs(maxMs: number): number;
  /** Index of the message to deliver first, of `count` visible ones; 0 keeps the order. */
  reorder(queueArn: string, count: number): number;
  /** How long a message is hidden, in ms, at most `fullMs`. */
  visibilityMs(queueArn: string, body: string, fullMs: number): number;
  /** The ApproximateReceiveCount to report for a receive count. */
  reportedReceiveCount(queueArn: string, body: string, count: number): number;
}

export interface QueueOptions {
  readonly name: string;
  readonly arn: string;
  readonly settings: QueueSettings;
  /** Finds the dead-letter queue. */
  readonly resolve: (
    arn: string,
  ) =>
    | { hasRoom(bytes: number): boolean; adopt(message: StoredMessage, sourceArn: string): void }
    | undefined;
  readonly faults?: ReceiveFaults;
}

export interface ReceiveOptions {
  /** Maximum number of messages; 10 by default, as on the wire. Callers in the same process can ask for more. */
  readonly max?: number;
  readonly waitMs?: number;
  readonly visibilityTimeoutMs?: number;
  readonly signal?: AbortSignal;
}
