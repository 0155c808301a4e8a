import { createHash, randomUUID } from 'node:crypto';
import { invalidValue, missingParameter, sqsError } from './sqs-errors.ts';
import type { NewMessage } from './sqs-message.ts';
import type { FifoSettings, QueueSettings, Sent, StoredMessage } from './sqs-queue-types.ts';

/** SQS's deduplication interval, in ms. It begins with the first message and does not depend on its deletion. */
const DEDUPLICATION_INTERVAL_MS = 300_000;
/** The emulator's own limit. */
const MAX_REMEMBERED_MESSAGES = 1_000_000;
/** SQS's sequence numbers have 20 digits and grow within a message group. */
const FIRST_SEQUENCE_NUMBER = 10_000_000_000_000_000_000n;

/** The members of a message that only FIFO queues require. */
export interface FifoMembers {
  readonly groupId?: string;
  readonly deduplicationId?: string;
}

/**
 * Checks the members that depend on the type of the queue. `MessageGroupId` on a standard queue is allowed: it makes
 * the queue a fair queue, which the emulator does not distinguish.
 */
export function checkQueueType({ fifo }: QueueSettings, message: FifoMembers, delaySeconds?: number): void {
  const refuse = (value: unknown, name: string) =>
    invalidValue(value, name, 'The request include parameter that is not valid for this queue type.');
  if (fifo === undefined) {
    if (message.deduplicationId !== undefined)
      throw refuse(message.deduplicationId, 'MessageDeduplicationId');
    return;
  }
  if (message.groupId === undefined) throw missingParameter('MessageGroupId');
  if (message.deduplicationId === undefined && !fifo.contentBasedDeduplication)
    throw sqsError(
      'InvalidParameterValueException',
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    );
  // The delay of a FIFO queue applies to all of its messages.
  if (delaySeconds !== undefined && delaySeconds > 0) throw refuse(delaySeconds, 'DelaySeconds');
}

/** The identity of a stored message, with the members that determine its order. */
type Identity = Sent & FifoMembers;

/** Gives messages their identities. In a FIFO queue, it remembers those of the deduplication interval. */
export class MessageIdentities {
  /** By deduplication id, in the order of their times. */
  private readonly accepted = new Map<string, { readonly atMs: number; readonly identity: Identity }>();
  private sequenceNumber = FIRST_SEQUENCE_NUMBER;

  /** The identity of the same message, if a FIFO queue accepted it less than five minutes ago. */
  earlier(message: NewMessage, fifo: FifoSettings | undefined, nowMs: number): Identity | undefined {
    if (fifo === undefined) return undefined;
    for (const [oldest, { atMs }] of this.accepted) {
      if (nowMs - atMs < DEDUPLICATION_INTERVAL_MS) break;
      this.accepted.delete(oldest);
    }
    return this.accepted.get(scopedId(message, fifo))?.identity;
  }

  /** The identity of a new message. */
  create(message: NewMessage, fifo: FifoSettings | undefined, nowMs: number): Identity {
    const { groupId } = message;
    const order = { messageId: randomUUID(), ...(groupId !== undefined && { groupId }) };
    if (fifo === undefined) return order;
    if (this.accepted.size >= MAX_REMEMBERED_MESSAGES)
      throw sqsError(
        'OverLimit',
        `The emulator deduplicates at most ${MAX_REMEMBERED_MESSAGES} messages in five minutes.`,
      );
    const identity = {
      ...order,
      deduplicationId: deduplicationIdOf(message),
      sequenceNumber: this.nextSequenceNumber(),
    };
    this.accepted.set(scopedId(message, fifo), { atMs: nowMs, identity });
    return identity;
  }

  /**
   * A message that redrive moves to this FIFO queue. SQS uses the message id as deduplication id, so that no dead
   * letter is dropped, and restarts the retention.
   */
  renew(message: StoredMessage, nowMs: number): StoredMessage {
    const sequenceNumber = this.nextSequenceNumber();
    return { ...message, sequenceNumber, deduplicationId: message.messageId, sentAtMs: nowMs };
  }

  private nextSequenceNumber(): string {
    this.sequenceNumber += 1n;
    return String(this.sequenceNumber);
  }
}

function scopedId(message: NewMessage, { deduplicationScope }: FifoSettings): string {
  const id = deduplicationIdOf(message);
  return deduplicationScope === 'messageGroup' ? `${message.groupId} ${id}` : id;
}

/** With content-based deduplication, SQS uses the SHA-256 of the body. */
function deduplicationIdOf({ body, deduplicationId }: NewMessage): string {
  return deduplicationId ?? createHash('sha256').update(body).digest('hex');
}
