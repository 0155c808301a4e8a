import type { MessageAttributes } from './sqs-message.ts';

/** SQS quota for a queue, standard or FIFO. */
export const MAX_IN_FLIGHT_MESSAGES = 120_000;
/** The emulator's own limits; AWS has none. */
export const MAX_QUEUE_MESSAGES = 1_000_000;
export const MAX_QUEUE_BYTES = 2 * 1_024 ** 3;

/** Maximum delay of the second delivery of a duplicate, in ms. */
export const MAX_DUPLICATE_DELAY_MS = 2_000;

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
  /** `MessageGroupId`; every message of a FIFO queue has one. */
  readonly groupId?: string;
  /** Messages of FIFO queues only. */
  readonly deduplicationId?: string;
  /** Messages of FIFO queues only. */
  readonly sequenceNumber?: string;
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

/** The identity of a message that was accepted. */
export type Sent = Pick<MessageContent, 'messageId' | 'sequenceNumber'>;

/** Number of messages by state. A queue with three zeros is empty. */
export interface QueueCounts {
  readonly visible: number;
  readonly delayed: number;
  readonly inFlight: number;
}

/** The settings that only FIFO queues have. */
export interface FifoSettings {
  readonly contentBasedDeduplication: boolean;
  /** Whether deduplication ids are unique in the queue, or in each message group. */
  readonly deduplicationScope: 'queue' | 'messageGroup';
}

/** Queue attributes in the units of this code. */
export interface QueueSettings {
  readonly visibilityTimeoutMs: number;
  readonly retentionMs: number;
  readonly delayMs: number;
  readonly waitMs: number;
  readonly maxMessageBytes: number;
  /** Undefined for a standard queue. */
  readonly fifo?: FifoSettings;
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
