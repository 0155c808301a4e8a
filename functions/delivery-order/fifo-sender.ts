import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { batches } from '../../lib/aws/batches.ts';
import type { Log } from '../../lib/aws/logger.ts';
import { isTransient } from '../../lib/aws/transient-errors.ts';
import { type MessagePlace, messagePlace } from './message-group.ts';

/** Limits of SendMessageBatch. The body is all that counts, because the messages have no attributes. */
const MAX_BATCH_ENTRIES = 10;
const MAX_BATCH_BYTES = 1_048_576;

/** The outcome of one batch. */
export interface OrderReport {
  readonly received: number;
  /** SQS ids of the messages that must be redelivered. */
  readonly failedMessageIds: readonly string[];
}

interface PlacedMessage extends MessagePlace {
  readonly messageId: string;
  readonly body: string;
  readonly sentAtMs: number;
}

/** Moves events to a FIFO queue, where the events of a conversation are one message group. */
export class FifoSender {
  private readonly sqs: SQSClient;
  private readonly queueUrl: string;
  private readonly log: Log;

  /**
   * @param sqs - a client that may retry, because the queue drops repeated messages: SQS remembers a deduplication
   *   id for 5 minutes
   */
  constructor(sqs: SQSClient, queueUrl: string, log: Log) {
    this.sqs = sqs;
    this.queueUrl = queueUrl;
    this.log = log;
  }

  /**
   * Sends the messages of one batch in the order in which Genesys Cloud sent their events. If a call fails, the later
   * messages of its groups are not sent, so that they are not reordered. Within one call, SQS may accept a message after
   * refusing an earlier one of the same group; SQS offers no stronger guarantee.
   *
   * @throws an error of SQS that a retry does not resolve, such as a missing permission
   */
  async send(records: readonly SQSRecord[]): Promise<OrderReport> {
    const failed = new Set<string>();
    const blocked = new Set<string>();
    const inOrder = records.map(placed).toSorted(byTime);
    for (const batch of batches(inOrder, MAX_BATCH_ENTRIES, MAX_BATCH_BYTES, sizeBytes)) {
      const sent = batch.filter(({ groupId }) => !blocked.has(groupId));
      const accepted = await this.sendBatch(sent);
      for (const message of batch) {
        if (accepted.has(message)) continue;
        failed.add(message.messageId);
        blocked.add(message.groupId);
      }
    }
    return { received: records.length, failedMessageIds: [...failed] };
  }

  private async sendBatch(messages: readonly PlacedMessage[]): Promise<ReadonlySet<PlacedMessage>> {
    if (messages.length === 0) return new Set();
    const Entries = messages.map(({ body, groupId, deduplicationId }, index) => ({
      Id: String(index),
      MessageBody: body,
      MessageGroupId: groupId,
      MessageDeduplicationId: deduplicationId,
    }));
    try {
      const command = new SendMessageBatchCommand({ QueueUrl: this.queueUrl, Entries });
      const { Successful = [], Failed = [] } = await this.sqs.send(command);
      if (Failed.length > 0)
        this.log.warn('SQS did not accept messages', { codes: [...new Set(Failed.map(({ Code }) => Code))] });
      const accepted = new Set(Successful.map(({ Id }) => Id));
      return new Set(messages.filter((_, index) => accepted.has(String(index))));
    } catch (error) {
      if (!isTransient(error)) throw error;
      this.log.warn('SQS did not accept a batch', { error });
      return new Set();
    }
  }
}

function placed({ body, messageId, attributes }: SQSRecord): PlacedMessage {
  return { ...messagePlace(body, messageId), messageId, body, sentAtMs: Number(attributes.SentTimestamp) };
}

/**
 * Neither EventBridge nor a standard queue keeps the order of events that follow each other closely, but such events
 * are often in the same batch. The time at which an event was received is from one clock, in contrast to the times in
 * events. Those only decide between events that were received together, such as recovered ones.
 */
function byTime(a: PlacedMessage, b: PlacedMessage): number {
  const receivedMs = (message: PlacedMessage) => message.receivedAtMs ?? message.sentAtMs;
  const eventMs = (message: PlacedMessage) => message.eventAtMs ?? receivedMs(message);
  return receivedMs(a) - receivedMs(b) || eventMs(a) - eventMs(b);
}

function sizeBytes({ body }: PlacedMessage): number {
  return Buffer.byteLength(body);
}
